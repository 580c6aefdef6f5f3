package scheduler

import (
	"sync"

	"github.com/gdask/gdask/core/scheduler/state"
)

// item is one thing for the loop to do: an event for the machine or a function
// that runs on the loop's goroutine.
type item struct {
	ev state.Event
	fn func()
	// from is the worker whose stream brought the event: what a worker said
	// before it was removed must not be taken for its successor's words.
	from *workerPeer
}

// inbox hands batches of items to the loop. Pushing costs a lock and a copy per
// batch, and a wake-up only when the loop sleeps.
type inbox struct {
	mu      sync.Mutex
	items   []item
	waiting bool
	closed  bool
	wake    chan struct{}
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// push adds items in order; it reports false after close.
func (b *inbox) push(items ...item) bool {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return false
	}
	b.items = append(b.items, items...)
	wake := b.waiting
	b.waiting = false
	b.mu.Unlock()
	if wake {
		b.wake <- struct{}{} // never blocks: waiting was set once per token
	}
	return true
}

// take waits for items and returns all of them, leaving spare as the next
// buffer. After close it returns what is left, then false.
func (b *inbox) take(spare []item) ([]item, bool) {
	for {
		b.mu.Lock()
		if len(b.items) > 0 {
			items := b.items
			b.items = spare[:0]
			b.mu.Unlock()
			return items, true
		}
		if b.closed {
			b.mu.Unlock()
			return nil, false
		}
		b.waiting = true
		b.mu.Unlock()
		<-b.wake
	}
}

// close refuses further items and lets the loop end after those it has.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.waiting {
		b.waiting = false
		b.wake <- struct{}{}
	}
}
