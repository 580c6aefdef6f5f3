package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// network connects pools to answers by address, without sockets.
type network struct {
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	answer func(address string, c *Conn, m Msg) bool // false: hang up

	mu     sync.Mutex
	dialed []string
	open   map[*Conn]string
}

func newNetwork(t *testing.T, answer func(string, *Conn, Msg) bool) *network {
	t.Helper()
	n := &network{answer: answer, open: make(map[*Conn]string)}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	t.Cleanup(func() { n.cancel(); n.wg.Wait() })
	return n
}

// dial implements DialFunc. Nobody answers at "nowhere", and "frozen" takes calls only.
func (n *network) dial(ctx context.Context, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dialed = append(n.dialed, address)
	n.mu.Unlock()
	near, far := net.Pipe()
	switch address {
	case "nowhere":
		<-ctx.Done()
		return nil, context.Cause(ctx)
	case "refused":
		return nil, errors.New("connection refused")
	case "frozen":
		n.wg.Go(func() { <-n.ctx.Done(); _ = far.Close() })
		return near, nil
	}
	n.wg.Go(func() { n.serve(address, far) })
	return near, nil
}

func (n *network) serve(address string, nc net.Conn) {
	c, err := NewConn(n.ctx, nc, Settings{})
	if err != nil {
		return
	}
	n.mu.Lock()
	n.open[c] = address
	n.mu.Unlock()
	defer context.AfterFunc(n.ctx, func() { _ = c.Close() })()
	defer func() {
		n.mu.Lock()
		delete(n.open, c)
		n.mu.Unlock()
		_ = c.Close()
	}()
	for {
		in, err := c.Recv()
		if err != nil || len(in.Msgs) > 0 && !n.answer(address, c, in.Msgs[0]) {
			return
		}
	}
}

// hangUp ends all connections to an address, as a peer that restarts.
func (n *network) hangUp(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c, a := range n.open {
		if a == address {
			_ = c.Close()
		}
	}
}

// connections counts those that are open.
func (n *network) connections() int {
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.open)
}

func (n *network) dials() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.dialed)
}

func (n *network) pool(t *testing.T, limit int) *Pool {
	t.Helper()
	p := NewPool(n.dial, Settings{}, limit)
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func echo(_ string, c *Conn, m Msg) bool { return c.SendValue(m.Op()) == nil }

func ping(ctx context.Context, p *Pool, address string) error {
	_, err := p.CallRaw(ctx, address, &UnknownMsg{Name: "ping"})
	return err
}

func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func TestPoolReplacesConnectionsThatDied(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork(t, echo)
		p := n.pool(t, 0)
		var wg sync.WaitGroup
		for range 3 { // three at once leave up to three kept
			wg.Go(func() {
				if err := ping(t.Context(), p, "a"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		n.hangUp("a")
		if err := ping(t.Context(), p, "a"); err != nil {
			t.Errorf("after the peer restarted: %v", err)
		}
		if n.connections() != 1 || p.kept != 1 {
			t.Errorf("%d connections open, %d kept, want 1", n.connections(), p.kept)
		}
	})
}

// TestPoolDoesNotRepeatOnAFreshConnection: a peer that hangs up on a request would
// get it for ever.
func TestPoolDoesNotRepeatOnAFreshConnection(t *testing.T) {
	bubble(t, func(t *testing.T) {
		asked := 0
		n := newNetwork(t, func(string, *Conn, Msg) bool { asked++; return false })
		if err := ping(t.Context(), n.pool(t, 0), "a"); err == nil || asked != 1 {
			t.Errorf("asked %d times, %v", asked, err)
		}
	})
}

func TestPoolLimitsConnectionsInUse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		n := newNetwork(t, func(a string, c *Conn, m Msg) bool { <-release; return echo(a, c, m) })
		p := n.pool(t, 2)
		done := make(chan error)
		for i := range 3 {
			go func() { done <- ping(t.Context(), p, fmt.Sprint(i)) }()
		}
		synctest.Wait()
		if d := n.dials(); len(d) != 2 {
			t.Errorf("%d connections in use, the limit is 2", len(d))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := ping(ctx, p, "late"); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "ping to late") {
			t.Errorf("got %v", err)
		}
		close(release)
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// TestPoolBoundsKeptConnections: peers come and go, descriptors must not add up.
func TestPoolBoundsKeptConnections(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork(t, echo)
		p := n.pool(t, 4)
		for i := range 20 {
			if err := ping(t.Context(), p, fmt.Sprint("peer", i)); err != nil {
				t.Fatal(err)
			}
		}
		if got := n.connections(); got != 4 || p.kept != 4 || len(p.idle) != 4 {
			t.Errorf("%d connections are open, %d kept for %d addresses; the limit is 4", got, p.kept, len(p.idle))
		}
		p.Forget("peer19")
		if got := n.connections(); got != 3 || p.kept != 3 {
			t.Errorf("%d connections are open after one was forgotten", got)
		}
	})
}

func TestPoolGivesSlotsBackAfterFailures(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork(t, func(_ string, c *Conn, m Msg) bool {
			switch m.Op() {
			case "fail":
				return c.SendValue(FailureOf(errors.New("on purpose"))) == nil
			case "garbage":
				_, _ = c.NetConn().Write([]byte(strings.Repeat("x", 40)))
				return true
			}
			return echo("", c, m)
		})
		p := n.pool(t, 1)
		for range 5 {
			if err := ping(t.Context(), p, "refused"); err == nil || !strings.Contains(err.Error(), "ping to refused: connection refused") {
				t.Errorf("got %v", err)
			}
			if err := p.Call(t.Context(), "a", &UnknownMsg{Name: "garbage"}, nil); err == nil {
				t.Error("garbage is no answer")
			}
			err := p.Call(t.Context(), "a", &UnknownMsg{Name: "fail"}, nil)
			if remote, ok := errors.AsType[*RemoteError](err); !ok || err.Error() != "fail on a: on purpose" || remote.Op != "fail" {
				t.Errorf("got %v", err)
			}
			var r HeartbeatReply
			if err := p.Call(t.Context(), "a", &UnknownMsg{Name: "ping"}, &r); err == nil || !strings.Contains(err.Error(), `answer to "ping" from a`) {
				t.Errorf("an answer of another shape: %v", err)
			}
		}
	})
}

// TestPoolCloseEndsAllThatWaits: for a slot, for a connection, for a handshake,
// for an answer.
func TestPoolCloseEndsAllThatWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork(t, func(string, *Conn, Msg) bool { return true })
		p := n.pool(t, 3)
		done := make(chan error)
		for _, address := range []string{"a", "nowhere", "frozen", "waits"} {
			go func() { done <- ping(t.Context(), p, address) }()
		}
		synctest.Wait()
		start := time.Now()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		for range 4 {
			if err := <-done; !errors.Is(err, ErrPoolClosed) {
				t.Errorf("got %v", err)
			}
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("close waited %v", took)
		}
		if err := ping(t.Context(), p, "a"); !errors.Is(err, ErrPoolClosed) {
			t.Errorf("a call afterwards: %v", err)
		}
		p.Forget("a")
		if err := p.Close(); err != nil {
			t.Errorf("a second close: %v", err)
		}
	})
}

func TestHandshakeWithAFrozenPeerIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := newNetwork(t, echo)
		start := time.Now()
		err := ping(t.Context(), n.pool(t, 0), "frozen")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// TestNothingFollowsHalfAMessage: what is sent after a write that failed would be
// read as the rest of it.
func TestNothingFollowsHalfAMessage(t *testing.T) {
	bubble(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		c := framed(near, Settings{WriteTimeout: time.Second})
		read := make(chan int)
		go func() {
			k, _ := far.Read(make([]byte, 10)) // the start of a message
			read <- k
		}()
		first := c.SendValue("hello")
		if <-read != 10 || first == nil {
			t.Fatalf("got %v", first)
		}
		go func() {
			k, _ := far.Read(make([]byte, 100))
			read <- k
		}()
		if err := c.SendValue("world"); err == nil || err.Error() != first.Error() {
			t.Errorf("the next message: %v", err)
		}
		_ = near.Close()
		if k := <-read; k > 0 {
			t.Errorf("%d bytes followed half a message", k)
		}
	})
}

func TestStreamCloseIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		s := NewStream(framed(near, Settings{}))
		s.Send(&KeepAlive{}, &KeepAlive{})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		if err := s.Close(ctx, true); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		<-s.Done()
		s.Send(&KeepAlive{})
		if err := s.Close(t.Context(), true); err != nil {
			t.Errorf("a second close: %v", err)
		}
	})
}

func TestStreamAfterClose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, m := memory(nil)
		s := NewStream(c)
		s.Send()
		s.Send(&KeepAlive{})
		if err := s.Err(); err != nil {
			t.Errorf("while open: %v", err)
		}
		if err := s.Close(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		n := m.out.Len()
		s.Send(&KeepAlive{})
		if err := s.Err(); !errors.Is(err, ErrStreamClosed) || m.out.Len() != n {
			t.Errorf("after the close: %v, %d bytes more", err, m.out.Len()-n)
		}
	})
}

func TestStreamOfAPeerThatDoesNotReadIsGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		s := NewStream(framed(near, Settings{}))
		s.Send(make([]Msg, maxQueued+1)...)
		<-s.Done()
		if err := s.Err(); err == nil || !strings.Contains(err.Error(), "a peer that does not read; the limit is") {
			t.Errorf("got %v", err)
		}
		if _, err := far.Read(make([]byte, 1)); err == nil {
			t.Error("the connection is still open")
		}
	})
}
