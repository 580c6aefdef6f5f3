package client

import (
	"context"
	"sync"
)

// callbacks runs what futures were asked to call when they are done, in order
// of completion, in one goroutine that lives while there is something to call.
type callbacks struct {
	mu     sync.Mutex
	queue  []func()
	idle   chan struct{} // closed when the goroutine has ended; nil: none runs
	closed bool
}

func (cb *callbacks) add(f func()) {
	cb.mu.Lock()
	defer cb.mu.Unlock()
	if cb.closed {
		return
	}
	cb.queue = append(cb.queue, f)
	if cb.idle == nil {
		cb.idle = make(chan struct{})
		go cb.run(cb.idle) // close waits for it by cb.idle
	}
}

func (cb *callbacks) run(idle chan struct{}) {
	defer close(idle)
	for {
		cb.mu.Lock()
		todo := cb.queue
		cb.queue = nil
		if len(todo) == 0 {
			cb.idle = nil
		}
		cb.mu.Unlock()
		if len(todo) == 0 {
			return
		}
		for _, f := range todo {
			f()
		}
	}
}

// close refuses new calls and waits for those queued until ctx ends, which is
// what happens when a callback closes its own client.
func (cb *callbacks) close(ctx context.Context) {
	cb.mu.Lock()
	cb.closed = true
	idle := cb.idle
	cb.mu.Unlock()
	if idle == nil {
		return
	}
	select {
	case <-idle:
	case <-ctx.Done():
	}
}
