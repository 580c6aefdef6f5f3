package scheduler

import (
	"context"
	"errors"
	"net"

	"github.com/gdask/gdask/core/scheduler/coord"
	"github.com/gdask/gdask/sdk/wire"
)

// conversation is one connection by which requests come.
type conversation struct {
	c     *wire.Conn
	owner coord.Owner   // who asks, as far as the connection tells
	used  bool          // by requests after which the caller may hold something
	ahead chan received // not nil while the next request is read already
	reply bool          // somebody waits for the answer to the present request
}

type received struct {
	in  wire.Incoming
	err error
}

func (s *Scheduler) newConversation(c *wire.Conn) *conversation {
	return &conversation{c: c, owner: coord.Owner{Conn: s.spoken.Add(1), Host: remoteHost(c.NetConn())}}
}

// remoteHost is the host of the other side, or "" where that means nothing.
func remoteHost(nc net.Conn) string {
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		return a.IP.String()
	}
	return ""
}

// recv is the next request.
func (v *conversation) recv() (wire.Incoming, error) {
	if v.ahead == nil {
		return v.c.Recv()
	}
	r := <-v.ahead
	v.ahead = nil
	return r.in, r.err
}

var errNotConfirmed = errors.New("the caller did not say that the answer arrived")

// confirmed waits for the word of a caller that the answer has arrived, or the end
// of the connection.
func (v *conversation) confirmed() error {
	in, err := v.recv()
	if err == nil && len(in.Msgs) > 0 {
		err = errNotConfirmed
	}
	return err
}

// watch reads on while a request waits, so that its context ends with the
// connection.
func (v *conversation) watch(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	ahead := make(chan received, 1)
	v.ahead = ahead
	go func() { // recv or end waits for it
		in, err := v.c.Recv()
		if err != nil {
			cancel()
		}
		ahead <- received{in, err}
	}()
	return ctx, cancel
}

// attend ends the request's context when the caller leaves, for work that nobody
// needs then, and whose end may be that of a frozen peer.
func (c *call) attend() (stop context.CancelFunc) {
	if c.talk == nil || !c.talk.reply {
		return func() {}
	}
	c.ctx, stop = c.talk.watch(c.ctx)
	return stop
}

// end waits for the reader, after the connection was closed.
func (v *conversation) end() {
	if v.ahead != nil {
		<-v.ahead
	}
}
