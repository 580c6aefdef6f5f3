package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// DialFunc connects to a Dask address such as "tcp://127.0.0.1:8786".
type DialFunc func(ctx context.Context, address string) (net.Conn, error)

// ErrPoolClosed is what calls on a closed Pool return.
var ErrPoolClosed = errors.New("wire: connection pool closed")

// Pool makes requests over kept connections, one per address and request in
// flight, as Dask's ConnectionPool does.
type Pool struct {
	dial     DialFunc
	settings Settings
	slots    chan struct{} // one per connection in use

	ctx   context.Context // ends with Close
	close context.CancelCauseFunc

	mu     sync.Mutex
	idle   map[string][]*Conn
	kept   int // connections in idle
	inUse  map[*Conn]struct{}
	closed bool
	calls  sync.WaitGroup
}

// idlePerAddress bounds the kept connections to one address; all together they
// are at most as many as may be in use.
const idlePerAddress = 8

// NewPool returns a pool of at most limit connections in use (0: 512).
func NewPool(dial DialFunc, s Settings, limit int) *Pool {
	p := &Pool{
		dial: dial, settings: s, slots: make(chan struct{}, orDefault(limit, 512)),
		idle: map[string][]*Conn{}, inUse: map[*Conn]struct{}{},
	}
	p.ctx, p.close = context.WithCancelCause(context.Background())
	return p
}

// Call sends req to address and decodes the answer into reply (nil: ignored).
// An answer with status "uncaught-error" becomes a *RemoteError. ctx bounds the
// whole call; when it ends first the connection is closed, not pooled.
func (p *Pool) Call(ctx context.Context, address string, req Msg, reply Body) error {
	return p.with(ctx, address, req.Op(), func(c *Conn) error { return call(c, address, req, reply) })
}

// CallRaw is Call with the answer unread.
func (p *Pool) CallRaw(ctx context.Context, address string, req Msg) (Opaque, error) {
	var o Opaque
	err := p.with(ctx, address, req.Op(), func(c *Conn) (err error) {
		o, err = callRaw(c, address, req)
		return err
	})
	return o, err
}

// CallOnce is CallRaw for requests that must not be made twice: a kept connection
// that turns out dead is not replaced, because the request may have arrived.
func (p *Pool) CallOnce(ctx context.Context, address string, req Msg) (Opaque, error) {
	var o Opaque
	err := p.attempt(ctx, address, req.Op(), true, func(c *Conn) (err error) {
		o, err = callRaw(c, address, req)
		return err
	})
	return o, err
}

// GetData is Call for get_data with its trailing "OK". Busy answers are the
// caller's to retry.
func (p *Pool) GetData(ctx context.Context, address string, req *GetData) (*GetDataReply, error) {
	out := new(GetDataReply)
	err := p.with(ctx, address, req.Op(), func(c *Conn) error {
		if err := call(c, address, req, out); err != nil || out.Status != "OK" {
			return err
		}
		return c.SendValue("OK")
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// with runs f on a connection of its own and keeps the connection when f
// succeeded or the peer merely reported a failure. A kept connection that turns
// out dead before an answer is replaced once by a fresh one.
func (p *Pool) with(ctx context.Context, address, op string, f func(*Conn) error) error {
	return p.attempt(ctx, address, op, false, f)
}

func (p *Pool) attempt(ctx context.Context, address, op string, once bool, f func(*Conn) error) error {
	for {
		c, kept, err := p.take(ctx, address)
		if err != nil {
			return fmt.Errorf("wire: %s to %s: %w", op, address, err)
		}
		stop := context.AfterFunc(ctx, func() { _ = c.Close() })
		err = f(c)
		ended := !stop()
		var remote *RemoteError
		healthy := !ended && (err == nil || errors.As(err, &remote))
		p.give(address, c, healthy)
		switch {
		case err == nil:
			return nil
		case ended:
			return fmt.Errorf("wire: %s to %s: %w", op, address, context.Cause(ctx))
		case !healthy && p.isClosed():
			return fmt.Errorf("wire: %s to %s: %w", op, address, ErrPoolClosed)
		}
		if kept && !once && !healthy && isDead(err) {
			continue
		}
		return err
	}
}

func (p *Pool) take(ctx context.Context, address string) (c *Conn, kept bool, err error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	case <-p.ctx.Done():
		return nil, false, ErrPoolClosed
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		<-p.slots
		return nil, false, ErrPoolClosed
	}
	p.calls.Add(1)
	if cs := p.idle[address]; len(cs) > 0 {
		c = cs[len(cs)-1]
		p.setIdleLocked(address, cs[:len(cs)-1])
		p.inUse[c] = struct{}{}
		p.mu.Unlock()
		return c, true, nil
	}
	p.mu.Unlock()
	if c, err = p.connect(ctx, address); err != nil {
		p.calls.Done()
		<-p.slots
	}
	return c, false, err
}

func (p *Pool) connect(ctx context.Context, address string) (*Conn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	connected := make(chan struct{})
	defer close(connected)
	go func() { // ends with this function
		select {
		case <-p.ctx.Done():
			cancel(ErrPoolClosed)
		case <-connected:
		}
	}()
	nc, err := p.dial(ctx, address)
	if err != nil {
		return nil, p.orClosed(err)
	}
	c, err := NewConn(ctx, nc, p.settings)
	if err != nil {
		return nil, p.orClosed(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errors.Join(ErrPoolClosed, ignoreClosed(c.Close()))
	}
	p.inUse[c] = struct{}{}
	return c, nil
}

// orClosed is ErrPoolClosed when that is the likely cause of err.
func (p *Pool) orClosed(err error) error {
	if p.isClosed() {
		return ErrPoolClosed
	}
	return err
}

func (p *Pool) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

func (p *Pool) give(address string, c *Conn, healthy bool) {
	p.mu.Lock()
	delete(p.inUse, c)
	drop := c
	if healthy && !p.closed && len(p.idle[address]) < idlePerAddress {
		drop = p.makeRoomLocked()
		p.setIdleLocked(address, append(p.idle[address], c))
	}
	p.mu.Unlock()
	if drop != nil {
		_ = drop.Close() // the call's own error says what went wrong
	}
	<-p.slots
	p.calls.Done()
}

// makeRoomLocked takes any kept connection out when there are too many: those to
// addresses that nobody calls any more would stay for ever.
func (p *Pool) makeRoomLocked() *Conn {
	if p.kept < cap(p.slots) {
		return nil
	}
	for address, cs := range p.idle {
		p.setIdleLocked(address, cs[1:])
		return cs[0]
	}
	return nil
}

// setIdleLocked replaces the kept connections to an address.
func (p *Pool) setIdleLocked(address string, cs []*Conn) {
	p.kept += len(cs) - len(p.idle[address])
	if len(cs) == 0 {
		delete(p.idle, address)
		return
	}
	p.idle[address] = cs
}

// Forget closes the kept connections to an address that is gone.
func (p *Pool) Forget(address string) {
	p.mu.Lock()
	cs := p.idle[address]
	p.setIdleLocked(address, nil)
	p.mu.Unlock()
	for _, c := range cs {
		_ = c.Close() // nobody uses it
	}
}

// Close closes all connections, which ends the calls in flight, and waits for
// them. Calls that are waiting to begin fail with ErrPoolClosed. Safe twice.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	p.close(ErrPoolClosed)
	var cs []*Conn
	for _, idle := range p.idle {
		cs = append(cs, idle...)
	}
	for c := range p.inUse {
		cs = append(cs, c)
	}
	p.idle, p.kept = nil, 0
	p.mu.Unlock()
	var errs []error
	for _, c := range cs {
		errs = append(errs, ignoreClosed(c.Close()))
	}
	p.calls.Wait()
	return errors.Join(errs...)
}
