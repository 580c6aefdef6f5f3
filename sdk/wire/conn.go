package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// Settings of a connection. The zero value is useful.
type Settings struct {
	Limits Limits
	// HandshakeTimeout bounds the handshake; default 10 s. (Dask's has none.)
	HandshakeTimeout time.Duration
	// WriteTimeout bounds one write to a peer that does not read; default 5 min.
	WriteTimeout time.Duration
}

// Peer is what the other side said in its handshake.
type Peer struct {
	GDask    int    // version of gdask's extensions; 0 for a Dask peer
	Python   []int  // its Python version; nil for gdask
	Pickle   int    // agreed pickle protocol
	Compress string // agreed compression; "" none
}

// Conn is one connection after the handshake. One goroutine may read while
// others write: writes take a lock.
type Conn struct {
	nc           net.Conn
	values       ValueConn // non-nil: messages by reference
	peer         Peer
	writeTimeout time.Duration
	reader       *frameReader
	decoder      *decoder

	closeOnce sync.Once
	closeErr  error

	mu     sync.Mutex // guards the fields below
	writer *frameWriter
	broken error // of a write that may have left half a message behind
}

// ValueConn is what the net.Conn of an in-process transport also implements:
// it passes Go values by reference instead of bytes.
type ValueConn interface {
	SendValue(v any) error
	RecvValue() (any, error)
}

// NewConn performs the handshake on nc and returns the connection; both sides
// call it. When nc hands over Go values by reference (see [ValueConn]), messages
// are passed without encoding. On error nc is closed.
func NewConn(ctx context.Context, nc net.Conn, s Settings) (*Conn, error) {
	if v, ok := nc.(ValueConn); ok {
		return &Conn{nc: nc, values: v, peer: Peer{GDask: extensions, Pickle: pickleProtocol}}, nil
	}
	c := framed(nc, s)
	ctx, cancel := context.WithTimeout(ctx, orDefault(s.HandshakeTimeout, 10*time.Second))
	defer cancel()
	if err := c.handshake(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("wire: handshake with %s: %w", nc.RemoteAddr(), err), ignoreClosed(c.Close()))
	}
	return c, nil
}

// framed is a connection on which nothing has been said yet.
func framed(nc net.Conn, s Settings) *Conn {
	return &Conn{
		nc: nc, writeTimeout: orDefault(s.WriteTimeout, 5*time.Minute),
		reader:  &frameReader{src: nc, limits: s.Limits.withDefaults()},
		decoder: newDecoder(), writer: newFrameWriter(),
	}
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (c *Conn) handshake(ctx context.Context) (err error) {
	stop := context.AfterFunc(ctx, func() { _ = c.nc.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() && err != nil {
			err = fmt.Errorf("%w (%w)", context.Cause(ctx), err)
			return
		}
		err = errors.Join(err, c.nc.SetDeadline(time.Time{}))
	}()
	// Both sides speak first: on a transport without buffers each must read while it writes.
	said := make(chan error, 1)
	go func() { said <- c.writeHandshake() }()
	heard := c.hear()
	if heard != nil {
		_ = c.nc.SetDeadline(time.Unix(1, 0)) // ends the write; what was heard is the cause to report
	}
	if err := <-said; heard == nil {
		return err
	}
	return heard
}

func (c *Conn) writeHandshake() error {
	w := newFrameWriter()
	w.end(appendHandshake(w.begin()))
	_, err := c.nc.Write(w.out)
	return err
}

// hear reads the peer's handshake, which is small.
func (c *Conn) hear() error {
	limits := c.reader.limits
	defer func() { c.reader.limits = limits }()
	c.reader.limits = Limits{MaxFrames: 16, MaxFrameBytes: maxBuffer, MaxBytes: maxBuffer, MaxHeaderBytes: maxBuffer, MaxDepth: 16}
	b, err := c.next()
	if err != nil {
		return err
	}
	defer c.reader.forget()
	c.peer, err = readHandshake(b)
	return err
}

// ByReference says that messages and values stay in this process unencoded.
func (c *Conn) ByReference() bool { return c.values != nil }

// Peer is the other side's handshake.
func (c *Conn) Peer() Peer { return c.peer }

// NetConn is the connection below.
func (c *Conn) NetConn() net.Conn { return c.nc }

// Close closes the connection; safe to call twice and from any goroutine.
func (c *Conn) Close() error {
	c.closeOnce.Do(func() { c.closeErr = c.nc.Close() })
	return c.closeErr
}

// Send writes one message as a map: a request or the opening of a stream.
func (c *Conn) Send(m Msg) error {
	if c.values != nil {
		return c.values.SendValue(m)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writer.collect(m)
	b, err := appendMsg(c.writer.begin(), m)
	return c.finish(b, err)
}

// SendBatch writes messages as a list, the form of streams. The slice is the
// connection's until it returns, and the receiver's afterwards when ByReference.
func (c *Conn) SendBatch(ms []Msg) error {
	if c.values != nil {
		return c.values.SendValue(ms)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range ms {
		c.writer.collect(m)
	}
	b := msgp.AppendArrayHeader(c.writer.begin(), uint32(len(ms)))
	var err error
	for _, m := range ms {
		if b, err = appendMsg(b, m); err != nil {
			break
		}
	}
	return c.finish(b, err)
}

// SendValue writes a reply: a Body, an Opaque, a string, nil, bool or number,
// or slices and maps of these.
func (c *Conn) SendValue(v any) error {
	if c.values != nil {
		return c.values.SendValue(reply{v})
	}
	if o, ok := v.(Opaque); ok {
		v = &oneOpaque{o}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writer.collect(v)
	b, err := appendAny(c.writer.begin(), v)
	return c.finish(b, err)
}

// reply marks a value that is no message on a by-reference connection.
type reply struct{ value any }

type oneOpaque struct{ o Opaque }

func (o *oneOpaque) EachOpaque(f func(*Opaque))          { f(&o.o) }
func (o *oneOpaque) MarshalMsg(b []byte) ([]byte, error) { return o.o.MarshalMsg(b) }

// finish writes the message whose frame 0 is at the end of b, unless it could
// not be encoded: then nothing is written and the connection stays usable.
func (c *Conn) finish(b []byte, err error) error {
	defer c.writer.reset()
	if err != nil {
		return err
	}
	if c.broken != nil { // what follows would be taken for the rest
		return c.broken
	}
	c.writer.end(b)
	if err := c.writer.flush(c.nc, c.writeTimeout); err != nil {
		c.broken = fmt.Errorf("wire: write to %s: %w", c.nc.RemoteAddr(), err)
	}
	return c.broken
}

// eof turns the ways a connection ends into io.EOF.
func eof(err error) error {
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		return io.EOF
	}
	return err
}
