package client

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"
	"go.uber.org/goleak"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a scheduler, and a worker at the same address, that does what the
// test says.
type fake struct {
	t       *testing.T
	set     *comm.Set
	l       comm.Listener
	wg      sync.WaitGroup
	streams chan *fakeStream // one for each registration
	calls   chan fakeCall    // requests, answered by the test

	mu    sync.Mutex
	conns []net.Conn
}

// fakeStream is the scheduler's end of a client's stream.
type fakeStream struct {
	id   string
	conn *wire.Conn
	said chan wire.Msg // all but heartbeats
	mute chan struct{} // closed: heartbeats are not answered any more
}

type fakeCall struct {
	msg    wire.Msg
	answer chan any
}

func newFake(t *testing.T) *fake {
	t.Helper()
	set, err := comm.NewSet(comm.TCP())
	if err != nil {
		t.Fatal(err)
	}
	l, err := set.Listen(t.Context(), "tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{t: t, set: set, l: l, streams: make(chan *fakeStream, 8), calls: make(chan fakeCall, 64)}
	f.wg.Go(f.accept)
	t.Cleanup(f.close)
	return f
}

func (f *fake) close() {
	_ = f.l.Close()
	f.mu.Lock()
	for _, c := range f.conns {
		_ = c.Close()
	}
	f.mu.Unlock()
	f.wg.Wait()
}

func (f *fake) accept() {
	for {
		nc, err := f.l.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		f.conns = append(f.conns, nc)
		f.mu.Unlock()
		f.wg.Go(func() { f.serve(nc) })
	}
}

func (f *fake) serve(nc net.Conn) {
	c, err := wire.NewConn(context.Background(), nc, wire.Settings{})
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	for {
		in, err := c.Recv()
		if err != nil {
			return
		}
		if len(in.Msgs) == 0 {
			continue // the "OK" after get_data
		}
		if r, ok := in.Msgs[0].(*wire.RegisterClient); ok {
			f.stream(c, r.Client)
			return
		}
		call := fakeCall{msg: in.Msgs[0], answer: make(chan any, 1)}
		f.calls <- call
		if c.SendValue(<-call.answer) != nil {
			return
		}
	}
}

func (f *fake) stream(c *wire.Conn, id string) {
	if c.SendBatch([]wire.Msg{&wire.StreamStart{}}) != nil {
		return
	}
	s := &fakeStream{id: id, conn: c, said: make(chan wire.Msg, 1024), mute: make(chan struct{})}
	f.streams <- s
	for {
		in, err := c.Recv()
		if err != nil {
			return
		}
		for _, m := range in.Msgs {
			s.hear(m)
		}
	}
}

func (s *fakeStream) hear(m wire.Msg) {
	if _, ok := m.(*wire.HeartbeatClient); !ok {
		s.said <- m
		return
	}
	select {
	case <-s.mute:
	default:
		_ = s.conn.SendBatch([]wire.Msg{&wire.AdjustHeartbeatInterval{Interval: 0.02}})
	}
}

func (s *fakeStream) tell(t *testing.T, ms ...wire.Msg) {
	t.Helper()
	if err := s.conn.SendBatch(ms); err != nil {
		t.Fatal(err)
	}
}

// heard waits for the next message of a type.
func heard[M wire.Msg](t *testing.T, s *fakeStream) M {
	t.Helper()
	for {
		select {
		case m := <-s.said:
			if want, ok := m.(M); ok {
				return want
			}
			t.Fatalf("heard %T, want %T", m, *new(M))
		case <-time.After(10 * time.Second):
			t.Fatalf("heard nothing, want %T", *new(M))
		}
	}
}

// asked waits for the next request of an operation.
func (f *fake) asked(op string) fakeCall {
	f.t.Helper()
	select {
	case c := <-f.calls:
		if c.msg.Op() != op {
			f.t.Fatalf("asked for %s, want %s", c.msg.Op(), op)
		}
		return c
	case <-time.After(10 * time.Second):
		f.t.Fatalf("not asked for %s", op)
	}
	return fakeCall{}
}

func (f *fake) dial(s Settings) (*Client, *fakeStream) {
	f.t.Helper()
	s.Transports = f.set
	c, err := Dial(f.t.Context(), f.l.ContactAddress(), s)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = c.Close(ctx)
	})
	return c, <-f.streams
}

// tasks are definitions for keys.
func tasks(names ...string) []wire.TaskDef {
	defs := make([]wire.TaskDef, len(names))
	for i, n := range names {
		defs[i] = wire.TaskDef{Key: wire.StrKey(n), RunSpec: number(int64(i)), Runtime: "go"}
	}
	return defs
}

func number(n int64) wire.Opaque { return wire.Opaque{Raw: msgp.AppendInt64(nil, n)} }

// refs are pointers to futures.
func refs(fs []Future) []*Future {
	out := make([]*Future, len(fs))
	for i := range fs {
		out[i] = &fs[i]
	}
	return out
}

func (f *fake) inMemory(name string) *wire.KeyInMemory {
	return &wire.KeyInMemory{Key: wire.StrKey(name), Workers: []string{f.l.ContactAddress()}, Typename: "int", Nbytes: 8}
}

func data(pairs ...any) *wire.GetDataReply {
	r := &wire.GetDataReply{Status: "OK", Data: wire.DataMap{}}
	for i := 0; i < len(pairs); i += 2 {
		r.Data = append(r.Data, wire.DataItem{Key: wire.StrKey(pairs[i].(string)), Value: number(int64(pairs[i+1].(int)))})
	}
	return r
}
