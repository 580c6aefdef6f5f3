package inproc

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// conn is one end of a connection. Bytes and values are two channels of their
// own: nothing is promised about their order relative to each other.
type conn struct {
	in, out       *half
	local, remote net.Addr
	once          sync.Once
}

// pair returns two connected ends.
func pair(near, far addr) (a, b *conn) {
	there, back := newHalf(), newHalf()
	a = &conn{in: back, out: there, local: near, remote: far}
	b = &conn{in: there, out: back, local: far, remote: near}
	return a, b
}

// SendValue hands v to the peer by reference: the sender must not change it
// afterwards. It waits while the peer is far behind, up to the write deadline.
// After a close by either end it fails with net.ErrClosed.
func (c *conn) SendValue(v any) error { return c.wrap("write", c.out.send(v)) }

// RecvValue waits for the peer's next value, up to the read deadline. After the
// peer closed it returns what was sent before and then io.EOF.
func (c *conn) RecvValue() (any, error) {
	v, err := c.in.recv()
	return v, c.wrap("read", err)
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.wrap("read", err)
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.wrap("write", err)
}

// CloseWrite tells the peer that nothing more comes; reading goes on.
func (c *conn) CloseWrite() error {
	c.out.closeWrite()
	return nil
}

// Close implements net.Conn.
func (c *conn) Close() error {
	err := c.wrap("close", net.ErrClosed)
	c.once.Do(func() {
		c.out.closeWrite()
		c.in.closeRead()
		err = nil
	})
	return err
}

// LocalAddr implements net.Conn.
func (c *conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn; it bounds values as well as bytes.
func (c *conn) SetDeadline(at time.Time) error {
	return errors.Join(c.SetReadDeadline(at), c.SetWriteDeadline(at))
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(at time.Time) error {
	c.in.setReadDeadline(at)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(at time.Time) error {
	c.out.setWriteDeadline(at)
	return nil
}

func (c *conn) wrap(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &net.OpError{Op: op, Net: Name, Source: c.local, Addr: c.remote, Err: err}
}
