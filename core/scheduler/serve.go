package scheduler

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/wire"
)

// accept serves the connections of one listener until it is closed.
func (s *Scheduler) accept(l comm.Listener) {
	delay := time.Duration(0)
	for {
		nc, err := l.Accept()
		if err == nil {
			delay = 0
			s.serveConn(nc)
			continue
		}
		if s.ctx.Err() != nil || errors.Is(err, net.ErrClosed) || s.isClosing() {
			return
		}
		// Out of file descriptors, for instance: going on at once would only spin.
		delay = min(max(2*delay, 5*time.Millisecond), time.Second)
		s.log.warn("accept failed, trying again", "address", l.ListenAddress(), "error", err, "after", delay)
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(delay):
		}
	}
}

func (s *Scheduler) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == closing
}

// serveConn gives nc a goroutine of its own; after Close began it closes nc.
func (s *Scheduler) serveConn(nc net.Conn) {
	s.mu.Lock()
	if s.state != running {
		s.mu.Unlock()
		_ = nc.Close()
		return
	}
	s.conns[nc] = struct{}{}
	s.wg.Add(1) // under the lock: Close waits for the group only after it changed the state
	s.mu.Unlock()
	go func() {
		defer s.wg.Done()
		s.converse(nc)
		s.mu.Lock()
		delete(s.conns, nc)
		s.mu.Unlock()
	}()
}

// converse shakes hands and serves requests until the peer leaves or turns the
// connection into a stream.
func (s *Scheduler) converse(nc net.Conn) {
	c, err := wire.NewConn(s.ctx, nc, s.set.Wire)
	if err != nil {
		s.log.debug("handshake failed", "peer", nc.RemoteAddr(), "error", err)
		return
	}
	v := s.newConversation(c)
	defer func() {
		_ = c.Close()
		v.end()
		s.conversationEnded(v)
	}()
	for {
		in, err := v.recv()
		if err != nil {
			s.logEnd(nc, err)
			return
		}
		if len(in.Msgs) == 0 { // a bare value: a nanny confirms its registration so
			if c.SendValue(nil) != nil {
				return
			}
			continue
		}
		if s.dispatch(v, in) {
			return
		}
	}
}

// dispatch handles the first or next message of a connection and reports
// whether the conversation is over.
func (s *Scheduler) dispatch(v *conversation, in wire.Incoming) (over bool) {
	c := v.c
	switch m := in.Msgs[0].(type) {
	case *wire.RegisterClient:
		s.serveClient(c, m)
		return true
	case *wire.RegisterWorker:
		s.serveWorker(c, m)
		return true
	case *wire.CloseStream:
		return true
	}
	switch in.Msgs[0].Op() {
	case "subscribe_worker_status":
		s.serveStatusWatcher(c)
		return true
	case "close":
		return true
	}
	v.reply = in.Reply
	value, undo, confirm := s.call(v, in.Msgs[0])
	if !in.Reply {
		return in.Close
	}
	err := c.SendValue(value)
	if err == nil && confirm {
		err = v.confirmed()
	}
	if err != nil {
		if undo != nil {
			undo()
		}
		s.log.debug("answer not sent", "op", in.Msgs[0].Op(), "error", err)
		return true
	}
	return in.Close
}

// logEnd notes why a connection ended unless it ended the usual way.
func (s *Scheduler) logEnd(nc net.Conn, err error) {
	if s.ctx.Err() == nil && !usualEnd(err) {
		s.log.debug("connection ended", "peer", nc.RemoteAddr(), "error", err)
	}
}

// requestContext bounds a request that the scheduler makes of a peer.
func (s *Scheduler) requestContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.set.RequestTimeout)
}
