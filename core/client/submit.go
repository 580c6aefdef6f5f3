package client

import (
	"errors"
	"fmt"

	"github.com/gdask/gdask/sdk/wire"
)

// Graph is what is submitted at once.
type Graph struct {
	// Tasks in submission order. The client owns the slice from now on.
	Tasks []wire.TaskDef
	// Wanted are the keys that get futures; nil means all tasks.
	Wanted []wire.Key
	// SubmittingTask is the task that submits from inside a worker, or "".
	SubmittingTask wire.Key
	// FifoTimeout in seconds: graphs that follow each other faster count as one
	// for priorities; 0 means 0.1.
	FifoTimeout float64
}

// Submit sends a graph in one message and returns its futures, in order. Keys
// that this client holds already are not sent again unless they were cancelled.
// On a client that is closed or has lost its scheduler the futures have failed.
func (c *Client) Submit(g Graph) []Future {
	n := len(g.Wanted)
	if g.Wanted == nil {
		n = len(g.Tasks)
	}
	futures := make([]Future, n)
	c.mu.Lock()
	defer c.mu.Unlock()
	known := 0
	for i := range futures {
		k := g.key(i)
		s := c.table.Get(k)
		if s == nil || s.status == Cancelled {
			s = c.newState(k)
		} else {
			known++
			s.refs++
		}
		futures[i].c, futures[i].s = c, s
	}
	if known < n || n == 0 && len(g.Tasks) > 0 {
		c.sayGraph(g)
	}
	return futures
}

func (g *Graph) key(i int) wire.Key {
	if g.Wanted == nil {
		return g.Tasks[i].Key
	}
	return g.Wanted[i]
}

// newState enters a new state for k; a cancelled one of the same key is left to
// its own futures. c.mu is held.
func (c *Client) newState(k wire.Key) *state {
	if c.err != nil {
		return &state{key: k, refs: 1, status: Erred, err: c.err, local: true}
	}
	if old := c.table.Get(k); old != nil {
		old.inTable = false
	}
	s := c.table.Add(k)
	s.key, s.refs, s.inTable = k, 1, true
	return s
}

func (c *Client) sayGraph(g Graph) {
	c.flushReleases()
	m := &wire.UpdateGraph{Tasks: g.Tasks, SubmittingTask: g.SubmittingTask, FifoTimeout: wire.Duration(g.FifoTimeout)}
	if g.FifoTimeout == 0 {
		m.FifoTimeout = 0.1
	}
	m.Keys = g.Wanted
	if g.Wanted == nil {
		m.Keys = make(wire.KeySet, len(g.Tasks))
		for i := range g.Tasks {
			m.Keys[i] = g.Tasks[i].Key
		}
	}
	c.say(m)
}

// Desire returns futures of keys that somebody else submitted, such as
// published or scattered ones, and asks what became of them.
func (c *Client) Desire(keys []wire.Key) []Future {
	futures := make([]Future, len(keys))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flushReleases()
	var asks []wire.Msg
	for i, k := range keys {
		s := c.table.Get(k)
		if s == nil || s.status == Cancelled {
			s = c.newState(k)
			asks = append(asks, &wire.ReportKey{Key: k})
		} else {
			s.refs++
		}
		futures[i].c, futures[i].s = c, s
	}
	if len(asks) > 0 {
		c.say(&wire.ClientDesiresKeys{Keys: keys, Client: c.id})
		c.say(asks...)
	}
	return futures
}

// fireAndForget is the scheduler's name for who wants tasks whose results nobody
// reads.
const fireAndForget = "fire-and-forget"

// FireAndForget keeps the task of a future going until it is done, whoever lets
// go of it.
func (c *Client) FireAndForget(f *Future) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !f.s.local {
		c.say(&wire.ClientDesiresKeys{Keys: []wire.Key{f.s.key}, Client: fireAndForget})
	}
}

// Failed is a future that failed before anything was sent, with err.
func (c *Client) Failed(k wire.Key, err error) *Future {
	return &Future{c: c, s: &state{key: k, refs: 1, status: Erred, err: err, local: true}}
}

// errUnbound is why a future that came as data has no result yet.
var errUnbound = errors.New("client: the future came as data and belongs to no client; bind it to one")

// Unbound is a future that came as data: it has a key, and belongs to no client.
func Unbound(k wire.Key) *Future {
	return (&Client{}).Failed(k, fmt.Errorf("%w: %s", errUnbound, KeyText(k)))
}

// Bound says whether the future belongs to a client.
func (f *Future) Bound() bool { return f.c.pool != nil }

// Cancel drops this client's wish for the futures' keys, everybody's with
// force; tasks that nobody wants any more and all that depends on them are
// stopped. The futures are cancelled at once.
func (c *Client) Cancel(futures []*Future, force bool, reason, msg string) {
	if reason == "" {
		reason = "unknown"
	}
	keys := make([]wire.Key, 0, len(futures))
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range futures {
		if f.s.status == Cancelled {
			continue
		}
		keys = append(keys, f.s.key)
		c.settle(f.s, Cancelled, &CancelledError{Key: f.s.key, Reason: reason, Msg: msg})
	}
	if len(keys) > 0 {
		c.say(&wire.CancelKeys{Keys: keys, Force: force, Reason: reason, Msg: msg})
	}
}
