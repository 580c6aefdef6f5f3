package main

import (
	"slices"
	"time"

	"github.com/gdask/gdask/core/config"
	"github.com/gdask/gdask/core/scheduler/state"
)

// memoryConfig is what configuration says of the data in the workers' memory.
func memoryConfig(s *state.Config, c *config.Config) {
	amm, memory := &c.Distributed.Scheduler.MemoryManager, &c.Distributed.Worker.Memory
	s.MemoryManager = state.MemoryManager{
		Start: amm.Start, Interval: time.Duration(amm.Interval), Measure: amm.Measure,
		ReduceReplicas: slices.Contains(amm.Policies, config.ReduceReplicas),
	}
	s.RecentToOldTime = time.Duration(memory.RecentToOldTime)
	s.Rebalance = state.Balance{
		Measure: memory.Rebalance.Measure, SenderMin: float64(memory.Rebalance.SenderMin),
		RecipientMax:       float64(memory.Rebalance.RecipientMax),
		SenderRecipientGap: float64(memory.Rebalance.SenderRecipientGap),
	}
	s.DefaultTaskDurations = make(map[string]time.Duration, len(c.Distributed.Scheduler.DefaultTaskDurations))
	for name, d := range c.Distributed.Scheduler.DefaultTaskDurations {
		s.DefaultTaskDurations[name] = time.Duration(d)
	}
}
