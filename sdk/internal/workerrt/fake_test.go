package workerrt

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a transport of pipes without buffers. It works on the clock of a
// synctest bubble, and shows who relies on a peer that reads at once.
type memory struct {
	mu        sync.Mutex
	next      int
	listeners map[string]*memListener
}

type memListener struct {
	net     *memory
	addr    memAddr
	arrived chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

type memAddr string

func (memAddr) Network() string  { return "mem" }
func (a memAddr) String() string { return string(a) }

func newMemory() *memory { return &memory{listeners: make(map[string]*memListener)} }

// Scheme implements comm.Transport.
func (*memory) Scheme() string { return "mem" }

// Listen implements comm.Transport: every address but a name given is new.
func (m *memory) Listen(_ context.Context, address string) (net.Listener, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if address == "" || strings.HasSuffix(address, ":0") {
		m.next++
		address = "host:" + strconv.Itoa(m.next)
	}
	if m.listeners[address] != nil {
		return nil, errors.New("mem: address is in use: " + address)
	}
	l := &memListener{net: m, addr: memAddr(address), arrived: make(chan net.Conn), closed: make(chan struct{})}
	m.listeners[address] = l
	return l, nil
}

// Dial implements comm.Transport.
func (m *memory) Dial(ctx context.Context, address string) (net.Conn, error) {
	m.mu.Lock()
	l := m.listeners[address]
	m.mu.Unlock()
	if l == nil {
		return nil, errors.New("mem: connection refused by " + address)
	}
	near, far := net.Pipe()
	select {
	case l.arrived <- far:
		return near, nil
	case <-l.closed:
		return nil, errors.New("mem: connection refused by " + address)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (*memory) Resolve(_ context.Context, address string) (string, error) { return address, nil }
func (*memory) Contact(bound net.Addr) (string, error)                    { return bound.String(), nil }
func (*memory) Host(address string) string                                { return address }

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.arrived:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Addr() net.Addr { return l.addr }

func (l *memListener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.net.mu.Lock()
		delete(l.net.listeners, string(l.addr))
		l.net.mu.Unlock()
	})
	return nil
}

// silent is the answer of a handler that never answers.
type silent struct{}

// later is an answer that waits.
type later struct {
	until <-chan struct{}
	reply any
}

// server answers requests as its handler says. It plays schedulers and peers.
type server struct {
	address string
	ln      net.Listener
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup // accept
	talks   sync.WaitGroup // conversations
	handle  func(c *wire.Conn, in wire.Incoming) (reply any)

	mu    sync.Mutex
	conns map[*wire.Conn]struct{}
}

func serve(t *testing.T, set *comm.Set, address string, handle func(*wire.Conn, wire.Incoming) any) *server {
	t.Helper()
	ln, err := set.Listen(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{address: ln.ContactAddress(), ln: ln, handle: handle, conns: make(map[*wire.Conn]struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			s.talks.Go(func() { s.converse(nc) })
		}
	})
	t.Cleanup(s.kill)
	return s
}

func (s *server) converse(nc net.Conn) {
	c, err := wire.NewConn(s.ctx, nc, wire.Settings{})
	if err != nil {
		return
	}
	defer c.Close()
	s.mu.Lock()
	dead := s.conns == nil
	if !dead {
		s.conns[c] = struct{}{}
	}
	s.mu.Unlock()
	for !dead {
		in, err := c.Recv()
		if err != nil {
			return
		}
		switch reply := s.handle(c, in).(type) {
		case nil:
		case silent:
			<-s.ctx.Done()
		case error: // hang up
			return
		case later:
			<-reply.until
			if c.SendValue(reply.reply) != nil {
				return
			}
		default:
			if c.SendValue(reply) != nil {
				return
			}
		}
	}
}

// hangUp ends all connections, as a process does that restarts.
func (s *server) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
		delete(s.conns, c)
	}
}

// kill ends the server and everybody's connections to it; safe twice.
func (s *server) kill() {
	s.cancel()
	_ = s.ln.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.wg.Wait()
	s.talks.Wait()
}

// memSet is a set of the memory transport alone.
func memSet(t *testing.T) *comm.Set {
	t.Helper()
	set, err := comm.NewSet(newMemory())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func tcpSet(t *testing.T) *comm.Set {
	t.Helper()
	set, err := comm.NewSet(comm.TCP())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func isEmpty(t *testing.T, dir string) bool {
	t.Helper()
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(es) == 0
}
