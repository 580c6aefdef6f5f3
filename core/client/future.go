package client

import (
	"context"
	"sync/atomic"

	"github.com/gdask/gdask/sdk/wire"
)

// Future is one wish for a key. Several futures of one key share its state;
// when the last of them is released the scheduler may forget the result.
type Future struct {
	c        *Client
	s        *state
	released atomic.Bool
}

// Key names the task.
func (f *Future) Key() wire.Key { return f.s.key }

// Client is the session that the future belongs to.
func (f *Future) Client() *Client { return f.c }

// Status is what is known now, without asking.
func (f *Future) Status() Status {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	return f.s.status
}

// Done says that the task finished, failed or was cancelled.
func (f *Future) Done() bool { return f.Status().settled() }

// Typename is the type of the result once it is known, else "".
func (f *Future) Typename() string {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	return f.s.typ
}

// Wait blocks until the future is done or ctx ends. Only the end of ctx is an
// error; see Exception for the task's.
func (f *Future) Wait(ctx context.Context) error {
	c, s := f.c, f.s
	c.mu.Lock()
	for !s.status.settled() {
		if s.done == nil {
			s.done = make(chan struct{})
		}
		done := s.done
		c.mu.Unlock()
		select {
		case <-done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		c.mu.Lock()
	}
	c.mu.Unlock()
	return nil
}

// Exception waits and returns why there is no result: a [*TaskError], a
// [*KilledWorkerError], a [*CancelledError], a [*ConnectionError] or the end of
// ctx; nil when there is one.
func (f *Future) Exception(ctx context.Context) error {
	if err := f.Wait(ctx); err != nil {
		return err
	}
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	return f.s.err
}

// Release gives the wish up; safe to call twice.
func (f *Future) Release() {
	if f.released.Swap(true) {
		return
	}
	f.c.mu.Lock()
	f.c.releaseLocked(f.s)
	f.c.mu.Unlock()
}

// ReleaseAll releases many futures at once; released ones are no error.
func ReleaseAll(fs []Future) {
	var c *Client
	for i := range fs {
		f := &fs[i]
		if f.c == nil || f.released.Swap(true) {
			continue
		}
		if c != f.c {
			if c != nil {
				c.mu.Unlock()
			}
			c = f.c
			c.mu.Lock()
		}
		c.releaseLocked(f.s)
	}
	if c != nil {
		c.mu.Unlock()
	}
}

// AddDoneCallback calls f when the future is done, whatever its end; at once
// when it is done already. Calls of one client run one after the other in a
// goroutine of their own.
func (f *Future) AddDoneCallback(call func()) {
	c, s := f.c, f.s
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.status.settled() {
		c.callbacks.add(call)
		return
	}
	s.nodes = &node{g: &group{call: call}, next: s.nodes}
}

// releaseLocked drops one reference; c.mu is held.
func (c *Client) releaseLocked(s *state) {
	if s.refs--; s.refs > 0 {
		return
	}
	if s.status != Erred && s.status != Cancelled { // as in Dask: its result may be gone at any time
		s.value = nil
		c.settle(s, Cancelled, ErrReleased)
	}
	if !s.inTable {
		return
	}
	s.inTable = false
	c.table.Remove(s)
	s.workers = nil // its neighbours in memory may live on
	c.released = append(c.released, s.key)
	select {
	case c.flush <- struct{}{}:
	default:
	}
}

// releases tells the scheduler of released keys, all at once that piled up.
func (c *Client) releases() {
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.flush:
			c.mu.Lock()
			c.flushReleases()
			c.mu.Unlock()
		}
	}
}

// flushReleases must come before a key may be wished for again; c.mu is held.
func (c *Client) flushReleases() {
	if len(c.released) == 0 {
		return
	}
	c.say(&wire.ClientReleasesKeys{Keys: c.released, Client: c.id})
	c.released = nil
}

// Unsent is why the future failed before anything was sent to the scheduler,
// which therefore does not know its key; nil when it was sent.
func (f *Future) Unsent() error {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if f.s.local {
		return f.s.err
	}
	return nil
}
