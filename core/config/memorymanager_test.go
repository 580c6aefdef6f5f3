package config

import (
	"slices"
	"testing"
	"time"
)

func TestKeysOfTheMemoryManager(t *testing.T) {
	l := load(t, Sources{Files: []string{write(t, t.TempDir()+"/c.yaml", `
distributed:
  scheduler:
    active-memory-manager:
      start: false
      interval: 500ms
      measure: managed
      policies: [{class: distributed.active_memory_manager.ReduceReplicas}]
    default-task-durations: { my-load: 2s }
  worker:
    memory: { recent-to-old-time: 1 minute, rebalance: { measure: process, sender-min: 0.2, recipient-max: 0.5, sender-recipient-gap: 0.2 } }
`)}})
	d := &l.Config.Distributed
	m := d.Scheduler.MemoryManager
	if m.Start || m.Interval != Duration(500*time.Millisecond) || m.Measure != "managed" || !slices.Equal(m.Policies, Policies{ReduceReplicas}) {
		t.Errorf("manager %+v", m)
	}
	if d.Scheduler.DefaultTaskDurations["my-load"] != Duration(2*time.Second) {
		t.Errorf("durations %v", d.Scheduler.DefaultTaskDurations)
	}
	want := Rebalance{Measure: "process", SenderMin: 0.2, RecipientMax: 0.5, SenderRecipientGap: 0.2}
	if d.Worker.Memory.Rebalance != want || d.Worker.Memory.RecentToOldTime != Duration(time.Minute) {
		t.Errorf("memory %+v", d.Worker.Memory)
	}
	l = load(t, Sources{Files: []string{write(t, t.TempDir()+"/c.yaml", `
distributed: {scheduler: {active-memory-manager: {policies: []}}}
`)}})
	if m := l.Config.Distributed.Scheduler.MemoryManager; len(m.Policies) != 0 || !m.Start {
		t.Errorf("without policies %+v", m)
	}
}
