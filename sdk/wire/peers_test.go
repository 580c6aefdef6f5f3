package wire

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gate is a connection whose writes wait to be let through.
type gate struct {
	memConn
	writing chan int // the size of each write
	pass    chan struct{}
}

func (g *gate) Write(p []byte) (int, error) {
	g.writing <- len(p)
	<-g.pass
	return g.memConn.Write(p)
}

// A message that meets an idle connection goes out alone and at once; what
// piles up behind it goes out together.
func TestStreamCoalescesWhatPilesUpWhileItWrites(t *testing.T) {
	g := &gate{writing: make(chan int), pass: make(chan struct{})}
	g.in = nil
	s := NewStream(framed(g, Settings{}))
	s.Send(&KeepAlive{})
	<-g.writing
	for i := range 50 {
		s.Send(&ReportKey{Key: IntKey(int64(i))})
	}
	g.pass <- struct{}{}
	<-g.writing
	g.pass <- struct{}{}
	if err := s.Close(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	c, _ := memory(g.out.Bytes())
	for _, want := range []int{1, 50} {
		if in := recv(t, c); len(in.Msgs) != want {
			t.Fatalf("a batch of %d messages, want %d", len(in.Msgs), want)
		}
	}
}

func TestStreamToFrozenReaderEndsWithTheWriteTimeout(t *testing.T) {
	a, _ := tcpPair(t, Settings{WriteTimeout: 50 * time.Millisecond})
	s := NewStream(a)
	big := Opaque{Raw: []byte(serializedFirst), Frames: [][]byte{append([]byte("\x81\xae"), "num-sub-frames\x01"...), make([]byte, 64<<20)}}
	s.Send(&ComputeTask{Key: StrKey("k"), RunSpec: big})
	<-s.Done()
	if err := s.Err(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %v, want the write timeout", err)
	}
	s.Send(&KeepAlive{}) // dropped, not blocked
	if err := s.Close(t.Context(), true); err != nil {
		t.Fatal(err)
	}
}

// server answers requests of a pool over TCP.
type server struct {
	address string
	mu      sync.Mutex
	dialed  int
}

func newServer(t *testing.T, answer func(c *Conn, m Msg) bool) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{address: l.Addr().String()}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { serveTest(ctx, nc, answer) })
		}
	})
	t.Cleanup(func() { cancel(); _ = l.Close(); wg.Wait() })
	return s
}

func serveTest(ctx context.Context, nc net.Conn, answer func(c *Conn, m Msg) bool) {
	c, err := NewConn(ctx, nc, Settings{})
	if err != nil {
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	defer func() { _ = c.Close() }()
	for {
		in, err := c.Recv()
		if err != nil || len(in.Msgs) > 0 && !answer(c, in.Msgs[0]) {
			return
		}
	}
}

func (s *server) pool(t *testing.T) *Pool {
	p := NewPool(func(ctx context.Context, address string) (net.Conn, error) {
		s.mu.Lock()
		s.dialed++
		s.mu.Unlock()
		var d net.Dialer
		return d.DialContext(ctx, "tcp", address)
	}, Settings{}, 0)
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func TestPoolUsesAConnectionAgainAfterAnswersFailuresAndData(t *testing.T) {
	s := newServer(t, func(c *Conn, m Msg) bool {
		switch m := m.(type) {
		case *GetData:
			if m.Who == "busy" {
				return c.SendValue(&GetDataReply{Status: "busy"}) == nil
			}
			return c.SendValue(&GetDataReply{Status: "OK", Data: DataMap{{StrKey("k"), StringOpaque("v")}}}) == nil
		default:
			return c.SendValue(FailureOf(errors.New("no such thing"))) == nil
		}
	})
	p := s.pool(t)
	r, err := p.GetData(t.Context(), s.address, &GetData{})
	if err != nil || len(r.Data) != 1 || r.Data[0].Value.Text() != "v" {
		t.Fatalf("got %+v, %v", r, err)
	}
	if r, err = p.GetData(t.Context(), s.address, &GetData{Who: "busy"}); err != nil || r.Status != "busy" {
		t.Fatalf("got %+v, %v", r, err)
	}
	var remote *RemoteError
	if _, err := p.CallRaw(t.Context(), s.address, &UnknownMsg{Name: "odd"}); !errors.As(err, &remote) || remote.ExceptionText != "no such thing" {
		t.Fatalf("got %v", err)
	}
	if _, err := p.GetData(t.Context(), s.address, &GetData{}); err != nil {
		t.Fatal(err)
	}
	if s.dialed != 1 {
		t.Errorf("%d connections for four calls in a row, want 1", s.dialed)
	}
}

func TestPoolCallEndsWithItsContextWhenThePeerIsSilent(t *testing.T) {
	asked := make(chan struct{}, 1)
	s := newServer(t, func(*Conn, Msg) bool { asked <- struct{}{}; return true })
	p := s.pool(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := p.CallRaw(ctx, s.address, &UnknownMsg{Name: "wait"}); done <- err }()
	<-asked
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want the context's error", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle[s.address]) != 0 || len(p.inUse) != 0 {
		t.Error("a connection with an answer under way was kept")
	}
}

// valuePair is both ends of an in-process connection.
type valueEnd struct {
	memConn
	out chan<- any
	in  <-chan any
}

func (v *valueEnd) SendValue(x any) error   { v.out <- x; return nil }
func (v *valueEnd) RecvValue() (any, error) { return <-v.in, nil }

func TestByReferencePassesTheMessagesThemselves(t *testing.T) {
	there, back := make(chan any, 4), make(chan any, 4)
	a, err := NewConn(t.Context(), &valueEnd{out: there, in: back}, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewConn(t.Context(), &valueEnd{out: back, in: there}, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	value := &struct{ n int }{5}
	m := &ComputeTask{Key: StrKey("k"), RunSpec: Opaque{Ref: value}}
	if err := a.SendBatch([]Msg{m}); err != nil {
		t.Fatal(err)
	}
	if in := recv(t, b); !in.Batch || in.Msgs[0] != Msg(m) {
		t.Fatalf("got %+v, want the message itself", in)
	}
	if err := b.SendValue(&GetDataReply{Status: "OK", Data: DataMap{{StrKey("k"), Opaque{Ref: value}}}}); err != nil {
		t.Fatal(err)
	}
	var r GetDataReply
	if err := a.Call(&GetData{}, &r); err != nil || r.Data[0].Value.Ref != any(value) {
		t.Fatalf("got %+v, %v", r, err)
	}
	c, mem := memory(nil)
	if err := c.SendBatch([]Msg{&KeepAlive{}, m}); !errors.Is(err, errByReference) || mem.out.Len() > 0 {
		t.Fatalf("a reference left the process: %v, %d bytes", err, mem.out.Len())
	}
	if err := c.Send(&KeepAlive{}); err != nil {
		t.Fatalf("the connection is unusable after a message that could not be encoded: %v", err)
	}
}
