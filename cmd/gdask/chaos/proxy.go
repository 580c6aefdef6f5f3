//go:build linux

package chaos

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// proxy stands between the scheduler and everybody else, so that connections can
// be cut and stalled without anybody's help.
type proxy struct {
	ln     net.Listener
	target string
	wg     sync.WaitGroup

	mu     sync.Mutex
	pairs  map[*pair]struct{}
	closed bool
}

// pair is one connection: the two halves of its way.
type pair struct {
	near, far *net.TCPConn
	mu        sync.Mutex // held while the connection stands still
}

func newProxy(ctx context.Context, target string) (*proxy, error) {
	var c net.ListenConfig
	ln, err := c.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{ln: ln, target: target, pairs: map[*pair]struct{}{}}
	p.wg.Go(p.accept)
	return p, nil
}

// address is what to connect to.
func (p *proxy) address() string { return "tcp://" + p.ln.Addr().String() }

func (p *proxy) accept() {
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		near, ok := c.(*net.TCPConn)
		if !ok {
			_ = c.Close() // never: it is a TCP listener
			continue
		}
		p.wg.Go(func() { p.serve(near) })
	}
}

func (p *proxy) serve(near *net.TCPConn) {
	d := net.Dialer{Timeout: 5 * time.Second}
	c, err := d.Dial("tcp", p.target)
	far, ok := c.(*net.TCPConn)
	if err != nil || !ok {
		_ = near.Close() // as if the scheduler had refused
		return
	}
	x := &pair{near: near, far: far}
	if !p.add(x) {
		x.cut()
		return
	}
	defer p.remove(x)
	var both sync.WaitGroup
	both.Go(func() { x.pump(near, far) })
	both.Go(func() { x.pump(far, near) })
	both.Wait()
}

// pump copies one direction until either side ends, which ends both.
func (x *pair) pump(to, from *net.TCPConn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		x.standStill()
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				break
			}
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				_ = to.CloseWrite() // what is on its way the other way may still arrive
				return
			}
			break
		}
	}
	x.cut()
}

// standStill waits while the connection is stalled.
func (x *pair) standStill() {
	x.mu.Lock()
	defer x.mu.Unlock()
}

// cut ends the connection as a broken network does, without good-byes.
func (x *pair) cut() {
	for _, c := range []*net.TCPConn{x.near, x.far} {
		_ = c.SetLinger(0) // a reset instead of an orderly end
		_ = c.Close()      // twice is no harm
	}
}

func (p *proxy) add(x *pair) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.pairs[x] = struct{}{}
	return true
}

func (p *proxy) remove(x *pair) {
	x.cut()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pairs, x)
}

// some are about this part of the connections, at least one if there are any.
func (p *proxy) some(r *rand.Rand, part float64) []*pair {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []*pair
	var last *pair
	for x := range p.pairs {
		last = x
		if r.Float64() < part {
			out = append(out, x)
		}
	}
	if len(out) == 0 && last != nil {
		out = append(out, last)
	}
	return out
}

// stall has connections stand still until ctx ends or for d, as far as they do
// not already.
func stall(ctx context.Context, pairs []*pair, d time.Duration) {
	for _, x := range pairs {
		if x.mu.TryLock() {
			defer x.mu.Unlock()
		}
	}
	wait(ctx, d)
}

// close ends all connections and waits for their ends.
func (p *proxy) close() error {
	err := p.ln.Close()
	p.mu.Lock()
	p.closed = true
	all := make([]*pair, 0, len(p.pairs))
	for x := range p.pairs {
		all = append(all, x)
	}
	p.mu.Unlock()
	for _, x := range all {
		x.cut()
	}
	p.wg.Wait()
	return err
}
