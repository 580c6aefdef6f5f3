package simulate

import (
	"errors"
	"time"

	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/worker/workertest"
)

// Calls go from peer to peer beside the streams: they may overtake what is told
// there, and be overtaken.

var (
	errGone    = errors.New("the scheduler says that the peer is gone")
	errRefused = errors.New("connection refused")
	errBroken  = errors.New("connection broken")
	errFrozen  = errors.New("no answer in time")
)

// patience is how long a caller waits for a peer that says nothing.
const patience = 20 * time.Second

// answer is what a worker says to a request for values.
type answer struct {
	items []workertest.Item
	busy  bool
	err   error
}

// ask requests values from a worker; exactly one answer comes.
func (w *World) ask(address string, keys []wire.Key, then func(answer)) (cancel func(error)) {
	done := false
	end := func(a answer) {
		if !done {
			done = true
			then(a)
		}
	}
	w.routinely(patience, func() { end(answer{err: errFrozen}) })
	w.after(w.delay(), func() {
		peer := w.at[address]
		if peer == nil || peer.dead {
			w.after(w.delay(), func() { end(answer{err: errRefused}) })
			return
		}
		peer.post(func() { peer.serve(keys, end) })
	})
	return func(err error) { end(answer{err: err}) }
}

// serve answers with the values that are here.
func (n *worker) serve(keys []wire.Key, end func(answer)) {
	var a answer
	switch {
	case n.w.chance(5):
		a.busy = true
	case !n.w.calm && n.w.Chaos > 0 && n.w.chance(1):
		a.err = errBroken
	default:
		for _, k := range keys {
			if t := n.m.Task(k); t != nil && t.State == workertest.Memory {
				n.serveValue(&a, t)
			}
		}
	}
	n.w.after(n.w.delay(), func() { end(a) })
}

// call is a Gather under way.
type call struct {
	g      workertest.Gather
	cancel func(error)
}

func (c *call) fail(err error) { c.cancel(err) }

// gather copies values from a peer to the machine.
func (n *worker) gather(g workertest.Gather) {
	c := &call{g: g}
	n.calls[g.Peer] = c
	c.cancel = n.w.ask(g.Peer, g.Keys, func(a answer) {
		n.w.after(0, func() {
			n.post(func() {
				if n.calls[g.Peer] == c {
					delete(n.calls, g.Peer)
				}
				n.checkItems(a.items)
				n.apply(&workertest.Gathered{Peer: g.Peer, Keys: g.Keys, Items: a.items, Busy: a.busy, Err: a.err})
			})
		})
	})
}
