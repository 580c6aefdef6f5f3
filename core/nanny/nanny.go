package nanny

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/shirou/gopsutil/v3/process"

	"github.com/gdask/gdask/core/units"
)

// Dask's defaults.
const (
	DefaultTerminate = 0.95                   // distributed.worker.memory.terminate
	DefaultInterval  = 100 * time.Millisecond // distributed.worker.memory.monitor-interval
)

// Policy says when a process has too much memory.
type Policy struct {
	// Terminate is the part of its memory limit that a process may have resident;
	// 0 switches the watch off.
	Terminate float64
	// Interval is the time between samples; 0 means DefaultInterval.
	Interval time.Duration
}

// DefaultPolicy is Dask's.
func DefaultPolicy() Policy { return Policy{Terminate: DefaultTerminate, Interval: DefaultInterval} }

// Process is what is watched.
type Process struct {
	Worker string // name of the worker in it, for messages
	Pid    int
	Limit  int64 // bytes; 0 none
}

// Monitor watches processes. It may be used by many goroutines.
type Monitor struct {
	policy Policy
	log    hclog.Logger
	sample func(ctx context.Context, pid int) (int64, error)
}

// New makes a monitor; a nil logger discards.
func New(p Policy, l hclog.Logger) *Monitor {
	if p.Interval <= 0 {
		p.Interval = DefaultInterval
	}
	if l == nil {
		l = hclog.NewNullLogger()
	}
	return &Monitor{policy: p, log: l, sample: resident}
}

// Watch samples the resident memory of a process until ctx ends. When it is too
// much it calls end with false, asking for a polite end, and with true when it is
// still too much at the next sample. Without a limit it returns at once.
func (m *Monitor) Watch(ctx context.Context, p Process, end func(kill bool)) {
	if p.Limit <= 0 || !(m.policy.Terminate > 0) {
		return
	}
	s := state{limit: p.Limit, fraction: m.policy.Terminate}
	tick := time.NewTicker(m.policy.Interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		rss, err := m.sample(ctx, p.Pid)
		if err != nil {
			continue // it has just ended, as ctx is about to
		}
		switch s.decide(rss) {
		case terminate:
			m.warn("worker process exceeded its memory limit and is ended", p, rss)
			end(false)
		case kill:
			m.warn("worker process still exceeds its memory limit and is killed", p, rss)
			end(true)
			return
		}
	}
}

// warn says who has how much and how much it may have.
func (m *Monitor) warn(what string, p Process, rss int64) {
	m.log.Warn(what, "worker", p.Worker, "pid", p.Pid, "resident", units.FormatBytes(rss), "limit", units.FormatBytes(p.Limit),
		"used", percent(float64(rss)/float64(p.Limit)), "allowed", percent(m.policy.Terminate))
}

func percent(part float64) string { return fmt.Sprintf("%.0f%%", 100*part) }

// resident is the memory of the process that is in RAM.
func resident(ctx context.Context, pid int) (int64, error) {
	p := process.Process{Pid: int32(pid)}
	info, err := p.MemoryInfoWithContext(ctx)
	if err != nil {
		return 0, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	return int64(info.RSS), nil
}
