package workerrt

import (
	"sync"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
)

// inbox is the queue in front of the machine. Who posts while nobody handles
// events becomes the owner and handles until none are left; the rest only
// leave their events. begin, handle and settle are called by one goroutine at a time.
type inbox struct {
	mu     sync.Mutex
	queue  []state.Event
	spare  []state.Event
	owned  bool
	begin  func() // before each batch
	handle func(state.Event)
	settle func()
}

// post handles e, now or by the present owner.
func (b *inbox) post(e state.Event) {
	b.mu.Lock()
	b.queue = append(b.queue, e)
	if b.owned {
		b.mu.Unlock()
		return
	}
	b.owned = true
	for len(b.queue) > 0 {
		batch := b.queue
		b.queue = b.spare[:0]
		b.mu.Unlock()
		b.begin()
		for _, e := range batch {
			b.handle(e)
		}
		b.settle()
		clear(batch)
		if cap(batch) > 1<<16 {
			batch = nil // a burst must not pin its size
		}
		b.mu.Lock()
		b.spare = batch
	}
	b.owned = false
	b.mu.Unlock()
}

// do runs f as the owner of the machine and waits for it.
func (b *inbox) do(f func()) {
	done := make(chan struct{})
	b.post(func() {
		defer close(done)
		f()
	})
	<-done
}
