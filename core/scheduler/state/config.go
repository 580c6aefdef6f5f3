package state

import (
	"math"
	"time"
)

// Config has the machine's settings under Dask's names.
type Config struct {
	AllowedFailures     int           // worker deaths a task survives; default 3, at most 254
	WorkerSaturation    float64       // slots per thread for queued tasks; default 1.1; +Inf never queues
	UnknownTaskDuration time.Duration // default 500 ms
	DefaultDataSize     int64         // bytes; default 1024
	Bandwidth           float64       // bytes per second at first; default 100e6
	WorkerTTL           time.Duration // default 5 min; 0 never
	NoWorkersTimeout    time.Duration // 0 never
	FailFast            bool          // unsatisfiable tasks err; default true
	// FailFastGrace is how long after the last registration of a worker an
	// unsatisfiable task may still wait for another one; default 1 s.
	FailFastGrace       time.Duration
	TransitionLogLength int // default 1000; 0 keeps none
	// PipelineDuration is how much work of tiny tasks a thread may have
	// ahead, so that it does not wait for the scheduler between two; default
	// 2 ms; 0 turns it off. Only names with measured durations profit.
	PipelineDuration time.Duration
	// PipelineTasks caps the tasks ahead per thread; default 256.
	PipelineTasks int
	// PipelineBytes caps the expected results of one worker's tasks ahead;
	// default 64 MiB.
	PipelineBytes int64
	WorkStealing  bool // idle workers get tasks that busy ones have not begun; default true
	// WorkStealingInterval is the time between two looks for such tasks, as far
	// as ticks come as often; default 1 s.
	WorkStealingInterval time.Duration
	// Watchdog is after how long without any progress a task is reported; default 5
	// min; 0 never.
	Watchdog      time.Duration
	MemoryManager MemoryManager
	Rebalance     Balance
	// RecentToOldTime is how long memory that is not results must be in use to
	// count as old; default 30 s.
	RecentToOldTime time.Duration
	// DefaultTaskDurations are assumed of names that never ran, before
	// UnknownTaskDuration is.
	DefaultTaskDurations map[string]time.Duration
	Validate             bool // check invariants after every event; slow
}

// DefaultConfig returns Dask's defaults, and gdask's for what is gdask's own.
func DefaultConfig() Config {
	return Config{
		AllowedFailures: 3, WorkerSaturation: 1.1, UnknownTaskDuration: 500 * time.Millisecond,
		DefaultDataSize: 1024, Bandwidth: 100e6, WorkerTTL: 5 * time.Minute,
		FailFast: true, FailFastGrace: time.Second, TransitionLogLength: 1000,
		PipelineDuration: 2 * time.Millisecond, PipelineTasks: 256, PipelineBytes: 64 << 20,
		WorkStealing: true, WorkStealingInterval: time.Second, Watchdog: 5 * time.Minute,
		MemoryManager:   MemoryManager{Start: true, Interval: 2 * time.Second, Measure: "optimistic", ReduceReplicas: true},
		Rebalance:       Balance{Measure: "optimistic", SenderMin: 0.3, RecipientMax: 0.6, SenderRecipientGap: 0.1},
		RecentToOldTime: 30 * time.Second,
	}
}

// normal replaces values that make no sense by the defaults.
func (c Config) normal() Config {
	d := DefaultConfig()
	if !(c.WorkerSaturation > 0) {
		c.WorkerSaturation = d.WorkerSaturation
	}
	if c.UnknownTaskDuration <= 0 {
		c.UnknownTaskDuration = d.UnknownTaskDuration
	}
	if c.DefaultDataSize <= 0 {
		c.DefaultDataSize = d.DefaultDataSize
	}
	if !(c.Bandwidth > 0) {
		c.Bandwidth = d.Bandwidth
	}
	if c.PipelineTasks <= 0 {
		c.PipelineTasks = d.PipelineTasks
	}
	if c.PipelineBytes <= 0 {
		c.PipelineBytes = d.PipelineBytes
	}
	if c.WorkStealingInterval <= 0 {
		c.WorkStealingInterval = d.WorkStealingInterval
	}
	if c.MemoryManager.Interval <= 0 {
		c.MemoryManager.Interval = d.MemoryManager.Interval
	}
	if !measures(c.MemoryManager.Measure) {
		c.MemoryManager.Measure = d.MemoryManager.Measure
	}
	if c.Rebalance == (Balance{}) {
		c.Rebalance = d.Rebalance
	}
	if !measures(c.Rebalance.Measure) {
		c.Rebalance.Measure = d.Rebalance.Measure
	}
	if c.RecentToOldTime <= 0 {
		c.RecentToOldTime = d.RecentToOldTime
	}
	c.AllowedFailures = min(max(c.AllowedFailures, 0), math.MaxUint8-1) // a task counts them in a byte
	c.TransitionLogLength = max(c.TransitionLogLength, 0)
	c.PipelineDuration = max(c.PipelineDuration, 0)
	c.Watchdog = max(c.Watchdog, 0)
	return c
}
