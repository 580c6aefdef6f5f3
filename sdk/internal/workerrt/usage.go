package workerrt

import (
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v3/process"
)

// Memory thresholds as parts of the limit, as in Dask.
const (
	pauseAt  = 0.80
	resumeAt = 0.78 // a little below, so that the status does not flap
)

// usage reads the process's memory and processor time, at most every 100 ms:
// several workers of one process ask, and each asking costs system calls.
type usage struct {
	mu    sync.Mutex
	proc  *process.Process
	at    time.Time
	spent float64 // seconds of processor time at that moment
	last  figures
}

type figures struct {
	rss int64   // bytes
	cpu float64 // per cent of one core since the last reading
}

func newUsage() *usage {
	p, err := process.NewProcess(int32(os.Getpid()))
	if err != nil {
		p = nil // no such system interface: the figures stay 0
	}
	return &usage{proc: p}
}

func (u *usage) read() figures {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	if u.proc == nil || now.Sub(u.at) < 100*time.Millisecond {
		return u.last
	}
	if m, err := u.proc.MemoryInfo(); err == nil {
		u.last.rss = int64(m.RSS)
	}
	if t, err := u.proc.Times(); err == nil {
		spent := t.User + t.System
		if !u.at.IsZero() {
			u.last.cpu = 100 * (spent - u.spent) / now.Sub(u.at).Seconds()
		}
		u.spent = spent
	}
	u.at = now
	return u.last
}

// checkMemory pauses the worker while its process is above the threshold.
func (w *Worker) checkMemory() {
	limit := float64(w.set.MemoryLimit)
	if limit <= 0 {
		return
	}
	rss := float64(w.usage.read().rss)
	switch status := w.Status(); {
	case status == "running" && rss > pauseAt*limit:
		debug.FreeOSMemory() // what the collector keeps back does not count
		if rss = float64(w.usage.fresh().rss); rss > pauseAt*limit {
			w.logs.Warn("paused: memory is short", "resident", int64(rss), "limit", w.set.MemoryLimit)
			w.setStatus("paused")
		}
	case status == "paused" && rss < resumeAt*limit:
		w.setStatus("running")
	case status == "paused":
		debug.FreeOSMemory()
	}
}

// fresh reads again whatever the time.
func (u *usage) fresh() figures {
	u.mu.Lock()
	u.at = u.at.Add(-time.Second)
	u.mu.Unlock()
	return u.read()
}

// limitMemory makes the Go runtime collect in time, unless the user said
// GOMEMLIMIT.
func limitMemory(limit int64) {
	if limit > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit * 9 / 10) // the rest is for what the runtime does not count
	}
}
