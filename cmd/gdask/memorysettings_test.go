package main

import (
	"testing"
	"time"

	"github.com/gdask/gdask/core/config"
	"github.com/gdask/gdask/core/scheduler/state"
)

func TestConfigurationReachesTheMemoryManager(t *testing.T) {
	c := config.Default()
	if got, want := stateConfig(&c).MemoryManager, state.DefaultConfig().MemoryManager; got != want {
		t.Errorf("defaults %+v, want %+v", got, want)
	}
	if got, want := stateConfig(&c).Rebalance, state.DefaultConfig().Rebalance; got != want {
		t.Errorf("defaults %+v, want %+v", got, want)
	}
	s := &c.Distributed.Scheduler
	s.MemoryManager = config.MemoryManager{Interval: config.Duration(time.Minute), Measure: "managed"}
	s.DefaultTaskDurations = map[string]config.Duration{"load": config.Duration(time.Hour)}
	c.Distributed.Worker.Memory.RecentToOldTime = config.Duration(time.Hour)
	c.Distributed.Worker.Memory.Rebalance = config.Rebalance{Measure: "process", SenderMin: 0.1, RecipientMax: 0.2, SenderRecipientGap: 0.3}
	got := stateConfig(&c)
	if got.MemoryManager != (state.MemoryManager{Interval: time.Minute, Measure: "managed"}) || got.RecentToOldTime != time.Hour ||
		got.DefaultTaskDurations["load"] != time.Hour ||
		got.Rebalance != (state.Balance{Measure: "process", SenderMin: 0.1, RecipientMax: 0.2, SenderRecipientGap: 0.3}) {
		t.Errorf("got %+v", got)
	}
}
