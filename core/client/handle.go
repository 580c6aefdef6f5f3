package client

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/gdask/gdask/sdk/actor"
	"github.com/gdask/gdask/sdk/wire"
)

var errGoodBye = errors.New("the scheduler ended the session")

// read handles what l brings until it ends.
func (c *Client) read(l *link) error {
	for {
		in, err := l.conn.Recv()
		if err != nil {
			return err
		}
		select {
		case l.heard <- struct{}{}:
		default:
		}
		if err := c.handleBatch(in.Msgs); err != nil {
			return err
		}
	}
}

// handleBatch takes the lock once for all messages of a batch.
func (c *Client) handleBatch(ms []wire.Msg) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range ms {
		if err := c.handle(m); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) handle(m wire.Msg) error {
	switch m := m.(type) {
	case *wire.KeyInMemory:
		c.inMemory(m)
	case *wire.TaskErred:
		if s := c.table.Get(m.Key); s != nil && s.status != Cancelled {
			c.resettle(s, Erred, taskError(m))
		}
	case *wire.CancelledKeys:
		for _, k := range m.Keys {
			c.cancelled(k, m.Reason, m.Msg)
		}
	case *wire.TaskRetried:
		c.reopen(m.Key, Pending)
	case *wire.LostData:
		c.reopen(m.Key, Lost)
	case *wire.Restart:
		for s := range c.table.All() {
			c.cancelled(s.key, "restart", "the cluster was restarted")
		}
	case *wire.AdjustHeartbeatInterval:
		c.unheard.confirm()
		select {
		case c.interval <- m.Interval:
		default:
		}
	case *wire.Event:
		c.event(m)
	case *wire.Error:
		return fmt.Errorf("the scheduler reports: %s", m.Message)
	case *wire.CloseStream:
		return errGoodBye
	default: // events and operations of newer schedulers
	}
	return nil
}

func (c *Client) inMemory(m *wire.KeyInMemory) {
	s := c.table.Get(m.Key)
	if s == nil || s.status == Cancelled {
		return
	}
	s.workers, s.typ, s.nbytes = m.Workers, m.Typename, m.Nbytes
	c.resettle(s, Finished, nil)
}

// resettle settles s also when it was settled in another way before.
func (c *Client) resettle(s *state, to Status, err error) {
	if s.status == to && to == Finished {
		s.gen++
		return
	}
	c.settle(s, to, err)
}

func (c *Client) cancelled(k wire.Key, reason, msg string) {
	s := c.table.Get(k)
	if s == nil || s.status == Cancelled {
		return
	}
	c.settle(s, Cancelled, &CancelledError{Key: k, Reason: reason, Msg: msg})
}

func (c *Client) reopen(k wire.Key, to Status) {
	if s := c.table.Get(k); s != nil && s.status != Cancelled {
		s.reopen(to)
	}
}

// How the scheduler's own exceptions are told: killedWorker begins the pickle of
// Dask's exception of that name, actorLost the text of a RuntimeError.
var (
	killedWorker = []byte("cdistributed.scheduler\nKilledWorker\n")
	actorLost    = []byte("cbuiltins\nRuntimeError\n(V" + actor.Lost)
)

func taskError(m *wire.TaskErred) error {
	e := &TaskError{Key: m.Key, Message: m.ExceptionText, Stack: m.TracebackText, Exception: m.Exception}
	if e.Message == "" {
		e.Message = exceptionText(m.Exception)
	}
	switch {
	case mentions(m.Exception, killedWorker):
		return &KilledWorkerError{Task: e, Attempts: m.Deaths}
	case mentions(m.Exception, actorLost):
		return &actor.LostError{Key: m.Key, Err: e}
	}
	return e
}

func mentions(o wire.Opaque, what []byte) bool {
	return bytes.Contains(o.Raw, what) ||
		slices.ContainsFunc(o.Frames, func(f []byte) bool { return bytes.Contains(f, what) })
}
