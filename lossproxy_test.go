package gdask

import (
	"net"
	"strings"
	"sync"
	"testing"
)

// lossProxy passes connections on to a scheduler until they are cut.
type lossProxy struct {
	l      net.Listener
	target string
	wg     sync.WaitGroup
	mu     sync.Mutex
	conns  []net.Conn
	mute   bool // what peers say is swallowed
}

func newLossProxy(t *testing.T, scheduler string) *lossProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &lossProxy{l: l, target: strings.TrimPrefix(scheduler, "tcp://")}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *lossProxy) address() string { return "tcp://" + p.l.Addr().String() }

func (p *lossProxy) accept() {
	for {
		in, err := p.l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = in.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, in, out)
		p.mu.Unlock()
		p.wg.Go(func() { p.pass(out, in, true) })
		p.wg.Go(func() { p.pass(in, out, false) })
	}
}

// pass copies until one side ends.
func (p *lossProxy) pass(to, from net.Conn, swallow bool) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		lost := swallow && p.mute
		p.mu.Unlock()
		if n > 0 && !lost {
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	_, _ = to.Close(), from.Close()
}

// swallow has what peers say vanish, as on a line that is about to break.
func (p *lossProxy) swallow() { p.setMute(true) }

func (p *lossProxy) setMute(on bool) {
	p.mu.Lock()
	p.mute = on
	p.mu.Unlock()
}

// cut ends all connections; new ones work again.
func (p *lossProxy) cut() {
	p.mu.Lock()
	conns := p.conns
	p.conns, p.mute = nil, false
	p.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}
