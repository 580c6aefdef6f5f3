package client

import (
	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/wire/keytable"
)

// Status is what a future's task has come to.
type Status uint8

// Statuses of futures. Lost means that the result was in memory and is being
// made again.
const (
	Pending Status = iota
	Finished
	Erred
	Cancelled
	Lost
)

// String is Dask's word for the status.
func (s Status) String() string {
	return [...]string{"pending", "finished", "error", "cancelled", "lost"}[s]
}

func (s Status) settled() bool { return s == Finished || s == Erred || s == Cancelled }

// state is what the client knows of one key. All futures of a key share it; its
// fields are guarded by Client.mu.
type state struct {
	key     wire.Key
	refs    int32 // futures that were not released
	status  Status
	inTable bool
	local   bool   // failed before anything was sent
	gen     uint32 // changes of status, to notice stale knowledge
	nbytes  int64
	workers []string
	typ     string
	err     error
	value   *wire.Opaque  // result, when the scheduler sent it along
	done    chan struct{} // made by the first waiter, closed when settled
	nodes   *node         // groups and callbacks that wait
}

// newTable is an empty table of the states of a client.
func newTable() *keytable.Table[state] {
	return keytable.New(func(s *state) wire.Key { return s.key })
}

// node puts a state on the list of a group.
type node struct {
	g    *group
	i    int
	next *node
}

// group waits for many states at once. Its fields are guarded by Client.mu.
type group struct {
	left     int           // states that are not settled
	first    bool          // wake at every settled state, not only at the last
	failFast bool          // wake at the first error
	failed   bool          // a state ended without a result
	ready    []int         // settled ones in order of completion, when first
	wake     chan struct{} // capacity 1
	call     func()        // instead of waking: queue this
}

// settle moves s to an end and wakes who waits. c.mu is held.
func (c *Client) settle(s *state, to Status, err error) {
	s.status, s.err = to, err
	s.gen++
	if s.done != nil {
		close(s.done)
		s.done = nil
	}
	n := s.nodes
	s.nodes = nil
	for ; n != nil; n = n.next {
		c.notify(n, to)
	}
}

func (c *Client) notify(n *node, to Status) {
	g := n.g
	if g.call != nil {
		c.callbacks.add(g.call)
		return
	}
	g.left--
	g.failed = g.failed || to != Finished
	if g.first {
		g.ready = append(g.ready, n.i)
	}
	if g.left == 0 || g.first || g.failed && g.failFast {
		g.alert()
	}
}

// reopen moves a settled s back to an unsettled status. c.mu is held.
func (s *state) reopen(to Status) {
	s.status, s.err, s.workers, s.value = to, nil, nil, nil
	s.gen++
}
