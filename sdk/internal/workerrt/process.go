package workerrt

import (
	"os"
	"runtime/debug"
	"sync"
	"time"
)

// Process is this process as its workers share it. What the system says of its
// memory is divided among them: each is charged with the values that it holds
// and with a share, by memory limit, of the rest, which is nobody's.
type Process struct {
	usage *usage
	free  func() // gives memory back to the system

	mu        sync.Mutex
	workers   map[*Worker]struct{}
	collected time.Time
}

// NewProcess makes what the workers of a process share.
func NewProcess() *Process {
	return &Process{usage: newUsage(), free: debug.FreeOSMemory, workers: make(map[*Worker]struct{})}
}

func (p *Process) join(w *Worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.workers[w] = struct{}{}
}

func (p *Process) leave(w *Worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.workers, w)
}

// memoryOf is the worker's share of the process's memory.
func (p *Process) memoryOf(w *Worker) int64 {
	rss := p.usage.memory()
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.workers[w]; len(p.workers) < 2 || !ok {
		return rss
	}
	var held, limits int64
	limited := true
	for o := range p.workers {
		held += o.inMemory()
		limits += o.set.MemoryLimit
		limited = limited && o.set.MemoryLimit > 0
	}
	part := 1 / float64(len(p.workers))
	if limited {
		part = float64(w.set.MemoryLimit) / float64(limits)
	}
	if held > rss { // sizes are estimates
		return int64(float64(rss) * float64(w.inMemory()) / float64(held))
	}
	return w.inMemory() + int64(part*float64(rss-held))
}

// inMemory is the bytes of the worker's values that are not on disk.
func (w *Worker) inMemory() int64 {
	s := w.stats.Load()
	return s.Managed - s.SpilledMemory
}

// collect gives memory that nobody uses back to the system. Workers that ask at
// the same time share one collection.
func (p *Process) collect() {
	p.mu.Lock()
	if time.Since(p.collected) < defaultInterval {
		p.mu.Unlock()
		return
	}
	p.collected = time.Now()
	p.mu.Unlock()
	p.free()
	p.usage.forget()
}

// limitHeap makes the Go runtime collect in time, unless the user said
// GOMEMLIMIT.
func limitHeap(bytes int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(bytes)
	}
}
