package scheduler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gdask/gdask/core/dump"
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for something that must happen.
const patience = 10 * time.Second

// start runs a scheduler on loopback TCP and closes it at the end of the test.
func start(t testing.TB, change func(*Settings)) *Scheduler {
	t.Helper()
	transports, err := comm.NewSet(comm.TCP(), comm.Unix(), memory)
	if err != nil {
		t.Fatal(err)
	}
	set := Settings{State: state.DefaultConfig(), Transports: transports, Listen: []string{"tcp://127.0.0.1:0"}}
	set.State.Validate = true
	if change != nil {
		change(&set)
	}
	s, err := New(set)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		for _, line := range s.log.last(0) {
			if strings.HasPrefix(line.text, machineDefect) {
				t.Error(line.text)
			}
		}
	})
	return s
}

// peer is a client or worker made of nothing but the wire.
type peer struct {
	t      testing.TB
	s      *Scheduler
	name   string
	conn   *wire.Conn
	stream *wire.Stream
	got    chan wire.Msg
	ended  chan error
	// fetches says that it reports at once what it is told to fetch.
	fetches bool
}

// copiesOf is the report of a worker that got all it was told to fetch.
func copiesOf(a *wire.AcquireReplicas) *wire.AddKeys {
	m := &wire.AddKeys{StimulusID: a.StimulusID}
	for _, h := range a.WhoHas {
		m.Keys = append(m.Keys, h.Key)
	}
	return m
}

func dial(t testing.TB, s *Scheduler) *wire.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	nc, err := s.set.Transports.Dial(ctx, s.Address())
	if err != nil {
		t.Fatal(err)
	}
	c, err := wire.NewConn(ctx, nc, wire.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func (p *peer) run() {
	p.stream = wire.NewStream(p.conn)
	p.got, p.ended = make(chan wire.Msg, 1<<17), make(chan error, 1)
	go func() {
		for {
			in, err := p.conn.Recv()
			if err != nil {
				p.ended <- err
				close(p.got)
				return
			}
			for _, m := range in.Msgs {
				if a, ok := m.(*wire.AcquireReplicas); ok && p.fetches {
					p.stream.Send(copiesOf(a))
				}
				p.got <- m
			}
		}
	}()
	p.t.Cleanup(p.stop)
}

func (p *peer) stop() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = p.stream.Close(ctx, false)
	for range p.got { // until the reader has ended
	}
}

func (p *peer) send(ms ...wire.Msg) { p.stream.Send(ms...) }

// next waits for a message of type T and passes over others.
func next[T wire.Msg](p *peer) T {
	p.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case m, ok := <-p.got:
			if !ok {
				var want T
				p.t.Fatalf("%s: the stream ended before a %T", p.name, want)
			}
			if m, ok := m.(T); ok {
				return m
			}
		case <-timeout:
			var want T
			p.t.Fatalf("%s: no %T within %v", p.name, want, patience)
		}
	}
}

// waitEnd waits until the scheduler closed the connection.
func (p *peer) waitEnd() {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("%s: the connection stays open", p.name)
	}
}

func newClient(t testing.TB, s *Scheduler, id string) *peer {
	t.Helper()
	p := &peer{t: t, s: s, name: "client " + id, conn: dial(t, s)}
	if err := p.conn.Send(&wire.RegisterClient{Client: id}); err != nil {
		t.Fatal(err)
	}
	in, err := p.conn.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := in.Msgs[0].(*wire.StreamStart); !ok || len(in.Msgs) != 1 || !in.Batch {
		t.Fatalf("the first batch is %#v, not one stream-start", in)
	}
	p.run()
	return p
}

// newWorker registers a worker that is running from the start.
func newWorker(t testing.TB, s *Scheduler, address string, threads int) *peer {
	t.Helper()
	return newWorkerThat(t, s, address, threads, false)
}

// newWorkerThat is newWorker; fetches says that it copies what it is told to.
func newWorkerThat(t testing.TB, s *Scheduler, address string, threads int, fetches bool) *peer {
	t.Helper()
	p, reply := registerThat(t, s, fetches, &wire.RegisterWorker{
		Address: address, Status: "running", NThreads: threads, Name: wire.StringOpaque("name of " + address),
		Runtimes: []string{"go"}, MemoryLimit: 1 << 30, LocalDirectory: "/tmp", ServerID: address,
	})
	if got := reply["status"]; got != "OK" {
		t.Fatalf("registration: %v", reply)
	}
	return p
}

func register(t testing.TB, s *Scheduler, m *wire.RegisterWorker) (*peer, map[string]any) {
	t.Helper()
	return registerThat(t, s, false, m)
}

func registerThat(t testing.TB, s *Scheduler, fetches bool, m *wire.RegisterWorker) (*peer, map[string]any) {
	t.Helper()
	p := &peer{t: t, s: s, name: "worker " + m.Address, conn: dial(t, s), fetches: fetches}
	if err := p.conn.Send(m); err != nil {
		t.Fatal(err)
	}
	in, err := p.conn.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Msgs) > 0 {
		t.Fatalf("the first answer to a worker is a batch: %#v", in.Msgs)
	}
	reply, _ := decoded(t, in.Raw).(map[string]any)
	p.run()
	return p, reply
}

// decoded is an answer as maps, slices and scalars.
func decoded(t testing.TB, o wire.Opaque) any {
	t.Helper()
	o, err := wireBytes(o)
	if err != nil {
		t.Fatal(err)
	}
	v, err := dump.Decode(o.Raw)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// askFor makes one request on a connection of its own.
func askFor(t testing.TB, s *Scheduler, op string, fields ...field) (any, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	pool := wire.NewPool(s.set.Transports.Dial, wire.Settings{}, 0)
	defer func() { _ = pool.Close() }()
	m, err := newAsk(op, fields...)
	if err != nil {
		return nil, err
	}
	o, err := pool.CallRaw(ctx, s.Address(), m)
	if err != nil {
		return nil, err
	}
	return decoded(t, o), nil
}

func mustAsk(t testing.TB, s *Scheduler, op string, fields ...field) any {
	t.Helper()
	v, err := askFor(t, s, op, fields...)
	if err != nil {
		t.Fatalf("%s: %v", op, err)
	}
	return v
}

// noop is a task that a Go worker could run.
func noop(key string, dependencies ...string) wire.TaskDef {
	d := wire.TaskDef{Key: wire.StrKey(key), RunSpec: wire.StringOpaque("spec of " + key), Runtime: "go"}
	for _, k := range dependencies {
		d.Dependencies = append(d.Dependencies, wire.StrKey(k))
	}
	return d
}

func keysOf(names ...string) []wire.Key {
	ks := make([]wire.Key, len(names))
	for i, n := range names {
		ks[i] = wire.StrKey(n)
	}
	return ks
}

// finish answers a compute-task.
func finish(m *wire.ComputeTask) *wire.TaskFinished {
	return &wire.TaskFinished{Key: m.Key, RunID: m.RunID, Nbytes: 28, Typename: "int", Status: "OK",
		Thread: wire.Opaque{Raw: msgp.AppendInt(nil, 1)}}
}

// eventually waits until the loop sees that ok holds.
func eventually(t testing.TB, s *Scheduler, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for ctx.Err() == nil {
		var now bool
		if err := s.loop.do(ctx, func() { now = ok() }); err != nil {
			break
		}
		if now {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Millisecond):
		}
	}
	t.Fatalf("not within %v: %s", patience, what)
}

// memory is an in-process transport that passes values by reference.
var memory = &memoryTransport{listeners: map[string]*memoryListener{}}

type memoryTransport struct {
	mu        sync.Mutex
	next      int
	listeners map[string]*memoryListener
}

func (m *memoryTransport) Scheme() string { return "memory" }

func (m *memoryTransport) Listen(context.Context, string) (net.Listener, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next++
	l := &memoryListener{addr: memoryAddr(fmt.Sprint("host/", m.next)), conns: make(chan net.Conn, 16), closed: make(chan struct{})}
	m.listeners[string(l.addr)] = l
	return l, nil
}

func (m *memoryTransport) Dial(ctx context.Context, address string) (net.Conn, error) {
	m.mu.Lock()
	l := m.listeners[address]
	m.mu.Unlock()
	if l == nil {
		return nil, errors.New("nobody listens on " + address)
	}
	near, far := net.Pipe()
	there, back := make(chan any, 1024), make(chan any, 1024)
	a := &memoryConn{Conn: near, in: back, out: there, done: make(chan struct{})}
	b := &memoryConn{Conn: far, in: there, out: back, done: make(chan struct{})}
	a.peer, b.peer = b, a
	select {
	case l.conns <- b:
		return a, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *memoryTransport) Resolve(_ context.Context, address string) (string, error) {
	return address, nil
}
func (m *memoryTransport) Contact(a net.Addr) (string, error) { return a.String(), nil }
func (m *memoryTransport) Host(string) string                 { return "host" }

type memoryAddr string

func (a memoryAddr) Network() string { return "memory" }
func (a memoryAddr) String() string  { return string(a) }

type memoryListener struct {
	addr   memoryAddr
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *memoryListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *memoryListener) Addr() net.Addr { return l.addr }

type memoryConn struct {
	net.Conn
	in   <-chan any
	out  chan<- any
	peer *memoryConn
	done chan struct{}
	once sync.Once
}

func (c *memoryConn) SendValue(v any) error {
	select {
	case <-c.done:
		return net.ErrClosed
	case <-c.peer.done:
		return io.ErrClosedPipe
	case c.out <- v:
		return nil
	}
}

func (c *memoryConn) RecvValue() (any, error) {
	select {
	case v := <-c.in:
		return v, nil
	default:
	}
	select {
	case v := <-c.in:
		return v, nil
	case <-c.done:
		return nil, net.ErrClosed
	case <-c.peer.done:
		return nil, io.EOF
	}
}

func (c *memoryConn) Close() error {
	c.once.Do(func() { close(c.done) })
	return c.Conn.Close()
}
