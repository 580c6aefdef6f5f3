package workerrt

import (
	"sync"
	"time"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
)

// ticks follow the regular looks of a worker at itself. A look that comes late
// says that the process was starved.
type ticks struct {
	mu       sync.Mutex
	count    int64
	last     time.Time
	interval time.Duration // between the last two
	longest  time.Duration // since somebody asked
}

func (t *ticks) tick(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count++; !t.last.IsZero() {
		t.interval = now.Sub(t.last)
		t.longest = max(t.longest, t.interval)
	}
	t.last = now
}

func (t *ticks) observed() (count int64, interval time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count, t.interval
}

// worst is the longest time between two ticks since the last call, the present
// one included.
func (t *ticks) worst(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.longest
	if t.longest = 0; !t.last.IsZero() {
		w = max(w, now.Sub(t.last))
	}
	return w
}

// watch looks at the process's memory for as long as the worker lives; the
// machine decides what follows. Garbage is collected here as well, where nothing
// but the next look waits for it.
func (w *Worker) watch() {
	began := time.Now()
	ticker := time.NewTicker(w.set.Memory.Interval)
	defer ticker.Stop()
	for {
		e := &state.MemorySample{}
		select {
		case <-w.ctx.Done():
			return
		case now := <-ticker.C:
			w.ticks.tick(now)
		case <-w.garbage:
			start := time.Now()
			w.set.Process.collect()
			e.Collected = max(time.Since(start), 1)
		}
		if w.set.MemoryLimit <= 0 {
			continue
		}
		e.Now, e.Process, e.Status = time.Since(began), w.set.Process.memoryOf(w), w.Status()
		w.process.Store(e.Process)
		w.inbox.post(e)
	}
}

// obey does what the machine says of memory.
func (w *Worker) obey(o *state.Output) {
	if len(o.Spill) > 0 || len(o.Drop) > 0 {
		w.spiller.add(o.Spill, o.Drop)
	}
	m := &o.Memory
	if m.Collect {
		select {
		case w.garbage <- struct{}{}:
		default: // one is on its way
		}
	}
	if m.Heap != "" && w.set.OwnProcess {
		limitHeap(w.set.Memory.heap(w.set.MemoryLimit, m.Heap == "wide"))
	}
	if m.Warn {
		w.logs.Warn("unmanaged memory is high: no value is left that could go to disk; tasks may leak memory, or hold it while they run",
			"process", w.process.Load(), "values", w.inMemory(), "limit", w.set.MemoryLimit)
	}
	switch m.Status {
	case "paused":
		w.logs.Warn("paused: memory is short", "process", w.process.Load(), "limit", w.set.MemoryLimit)
	case "running":
		w.logs.Warn("goes on: memory is there again", "process", w.process.Load(), "limit", w.set.MemoryLimit)
	default:
		return
	}
	w.setStatus(m.Status)
}
