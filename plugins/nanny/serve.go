package nanny

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// writePatience is how long a peer may leave an answer unread.
const writePatience = 30 * time.Second

// accept takes the connections of the scheduler and the worker.
func (n *Nanny) accept() {
	for pause := time.Millisecond; ; {
		nc, err := n.ln.Accept()
		if err == nil {
			pause = time.Millisecond
			n.wg.Go(func() { n.converse(nc) })
			continue
		}
		if errors.Is(err, net.ErrClosed) || n.ctx.Err() != nil {
			return
		}
		n.log.Warn("accepting a connection failed", "error", err)
		select { // for instance out of file descriptors
		case <-n.ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, time.Second)
	}
}

// converse answers the requests of one connection.
func (n *Nanny) converse(nc net.Conn) {
	c, err := wire.NewConn(n.ctx, nc, wire.Settings{WriteTimeout: writePatience})
	if err != nil {
		n.log.Debug("handshake failed", "peer", nc.RemoteAddr(), "error", err)
		return
	}
	defer func() { _ = c.Close() }()
	if !n.track(c) {
		return
	}
	defer n.untrack(c)
	for {
		in, err := c.Recv()
		if err != nil {
			return
		}
		if len(in.Msgs) == 0 {
			continue
		}
		if op := in.Msgs[0].Op(); op == "close" || op == "close-stream" {
			return
		}
		reply := n.answer(in.Msgs[0])
		if in.Reply && c.SendValue(reply) != nil || in.Close {
			return
		}
	}
}

func (n *Nanny) track(c *wire.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conns == nil {
		return false
	}
	n.conns[c] = struct{}{}
	return true
}

func (n *Nanny) untrack(c *wire.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
}

// answer handles one request.
func (n *Nanny) answer(m wire.Msg) any {
	if err := hook.Blocked(m.Op(), "Nanny", n.set.Blocked); err != nil {
		return wire.FailureOf(err)
	}
	whole, err := wholeOf(m)
	if err != nil {
		return wire.FailureOf(fmt.Errorf("nanny: operation %s: %w", m.Op(), err))
	}
	reply, err := n.request(m.Op(), whole)
	switch r := reply.(type) {
	case wire.Opaque, *wire.Failure:
		if err == nil {
			return r
		}
	}
	var o wire.Opaque
	if err == nil {
		o, err = wire.OpaqueOf(reply)
	}
	if err != nil {
		return wire.FailureOf(err)
	}
	return o
}

// wholeOf is a message as the map that it is on the wire.
func wholeOf(m wire.Msg) (wire.Opaque, error) {
	if u, ok := m.(*wire.UnknownMsg); ok {
		return u.Map, nil
	}
	raw, err := m.MarshalMsg(nil)
	return wire.Opaque{Raw: raw}, err
}
