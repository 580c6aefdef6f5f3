package client

import (
	"context"
	"errors"
	"iter"

	"github.com/gdask/gdask/sdk/wire"
)

// Until says when a wait is over.
type Until uint8

// A wait ends when all futures are done, when one is, or when all are or one
// failed.
const (
	All Until = iota
	First
	FirstError
)

// watch starts a group over futures; those that are done already count at
// once. c.mu is held.
func (c *Client) watch(fs []*Future, u Until) *group {
	g := &group{first: u == First, failFast: u == FirstError, wake: make(chan struct{}, 1)}
	left := 0
	for _, f := range fs {
		if !f.s.status.settled() {
			left++
		}
	}
	nodes := make([]node, left)
	for i, f := range fs {
		s := f.s
		if s.status.settled() {
			g.failed = g.failed || s.status != Finished
			if g.first {
				g.ready = append(g.ready, i)
			}
			continue
		}
		n := &nodes[g.left]
		g.left++
		n.g, n.i, n.next = g, i, s.nodes
		s.nodes = n
	}
	return g
}

// unwatch takes what is left of g off the states. c.mu is held.
func (c *Client) unwatch(fs []*Future, g *group) {
	if g.left == 0 {
		return
	}
	for _, f := range fs {
		for p := &f.s.nodes; *p != nil; {
			if (*p).g == g {
				*p = (*p).next
			} else {
				p = &(*p).next
			}
		}
	}
}

// Wait blocks until the futures, all of this client, are done as u says or ctx
// ends; only the latter is an error.
func (c *Client) Wait(ctx context.Context, fs []*Future, u Until) error {
	c.mu.Lock()
	g := c.watch(fs, u)
	defer func() {
		c.unwatch(fs, g)
		c.mu.Unlock()
	}()
	for g.left > 0 && !(u == First && len(g.ready) > 0) && !(u == FirstError && g.failed) {
		c.mu.Unlock()
		select {
		case <-g.wake:
		case <-ctx.Done():
			c.mu.Lock()
			return context.Cause(ctx)
		}
		c.mu.Lock()
	}
	return nil
}

// AsCompleted yields the indexes of futures in the order in which they are
// done. When ctx ends first it yields -1 and the reason, once.
func (c *Client) AsCompleted(ctx context.Context, fs []*Future) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		c.mu.Lock()
		g := c.watch(fs, First)
		c.mu.Unlock()
		defer func() {
			c.mu.Lock()
			c.unwatch(fs, g)
			c.mu.Unlock()
		}()
		for seen := 0; seen < len(fs); {
			batch, err := c.nextReady(ctx, g)
			if err != nil {
				yield(-1, err)
				return
			}
			for _, i := range batch {
				if !yield(i, nil) {
					return
				}
			}
			seen += len(batch)
		}
	}
}

// nextReady takes what has completed since the last call; at least one.
func (c *Client) nextReady(ctx context.Context, g *group) ([]int, error) {
	for {
		c.mu.Lock()
		batch := g.ready
		g.ready = nil
		c.mu.Unlock()
		if len(batch) > 0 {
			return batch, nil
		}
		select {
		case <-g.wake:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// Unusable is why futures were cancelled, a [*FuturesCancelledError], or lost
// with the scheduler; nil when all have a result or a failure of their own.
func (c *Client) Unusable(fs []*Future) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := &FuturesCancelledError{ByReason: map[string][]wire.Key{}}
	for _, f := range fs {
		if f.s.status == Erred && errors.Is(f.s.err, c.err) {
			return f.s.err
		}
		if f.s.status != Cancelled {
			continue
		}
		reason := "released"
		if e, ok := errors.AsType[*CancelledError](f.s.err); ok {
			reason = e.Reason
		}
		all.ByReason[reason] = append(all.ByReason[reason], f.s.key)
		all.errs = append(all.errs, f.s.err)
	}
	if len(all.errs) > 0 {
		return all
	}
	return nil
}
