package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
)

// deafConn is a connection to which nothing can be written.
type deafConn struct {
	*memConn
	err    error
	closed atomic.Bool
}

func (c *deafConn) Write([]byte) (int, error) { return 0, c.err }

func (c *deafConn) Read(p []byte) (int, error) {
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	return c.memConn.Read(p)
}

func (c *deafConn) Close() error { c.closed.Store(true); return nil }

// The good-bye of a peer is heard also by who wrote to it when it had left. Other
// failures of writing are told to the reader by a closed connection.
func TestGoodByeIsReadAfterAFailedWrite(t *testing.T) {
	said, m := memory(nil)
	if err := said.SendBatch([]Msg{&CloseClient{}}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		err  error
		read bool
	}{
		{syscall.EPIPE, true}, {fmt.Errorf("write: %w", syscall.ECONNRESET), true}, {net.ErrClosed, true},
		{syscall.ETIMEDOUT, false}, {errors.New("odd"), false},
	} {
		near, _ := memory(m.out.Bytes())
		c := framed(&deafConn{memConn: near.NetConn().(*memConn), err: tt.err}, Settings{})
		s := NewStream(c)
		s.Send(&KeepAlive{})
		<-s.Done()
		in, err := c.Recv()
		if heard := err == nil && len(in.Msgs) == 1 && in.Msgs[0].Op() == "close-client"; heard != tt.read || !errors.Is(s.Err(), tt.err) {
			t.Errorf("%v: read %+v, %v; the stream says %v", tt.err, in, err, s.Err())
		}
		if _, err := c.Recv(); tt.read && !errors.Is(err, io.EOF) {
			t.Errorf("%v: after the good-bye: %v", tt.err, err)
		}
	}
}
