package worker

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is the safety net of waits.
const patience = 2 * time.Minute

// scheduler takes workers in and shows the test what they say.
type scheduler struct {
	t       *testing.T
	address string
	refuse  string
	regs    chan *wire.RegisterWorker
	streams chan *wire.Conn
	said    chan wire.Msg

	ln  net.Listener
	ctx context.Context
	wg  sync.WaitGroup
}

func newScheduler(t *testing.T) *scheduler {
	t.Helper()
	set, err := comm.NewSet(comm.TCP())
	if err != nil {
		t.Fatal(err)
	}
	ln, err := set.Listen(t.Context(), "tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &scheduler{
		t: t, address: ln.ContactAddress(), regs: make(chan *wire.RegisterWorker, 8), streams: make(chan *wire.Conn, 8),
		said: make(chan wire.Msg, 1000), ln: ln, ctx: ctx,
	}
	s.wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() { s.converse(nc) })
		}
	})
	t.Cleanup(func() { cancel(); _ = ln.Close(); s.wg.Wait() })
	return s
}

func (s *scheduler) converse(nc net.Conn) {
	c, err := wire.NewConn(s.ctx, nc, wire.Settings{})
	if err != nil {
		return
	}
	defer context.AfterFunc(s.ctx, func() { _ = c.Close() })()
	defer func() { _ = c.Close() }()
	for {
		in, err := c.Recv()
		if err != nil {
			return
		}
		for _, m := range in.Msgs {
			if !s.handle(c, m, in.Batch) {
				return
			}
		}
	}
}

func (s *scheduler) handle(c *wire.Conn, m wire.Msg, stream bool) bool {
	switch m := m.(type) {
	case *wire.RegisterWorker:
		if s.refuse != "" {
			return c.SendValue(&wire.RegisterWorkerReply{Status: "error", Message: s.refuse}) == nil
		}
		if c.SendValue(&wire.RegisterWorkerReply{Status: "OK"}) != nil {
			return false
		}
		s.regs <- m
		s.streams <- c
	case *wire.HeartbeatWorker:
		return c.SendValue(&wire.HeartbeatReply{Status: "OK"}) == nil
	default:
		if !stream {
			return c.SendValue(map[string]any{}) == nil
		}
		select {
		case s.said <- m:
		default:
		}
	}
	return true
}

// stream waits for the next worker.
func (s *scheduler) stream() (*wire.RegisterWorker, *wire.Conn) {
	s.t.Helper()
	select {
	case r := <-s.regs:
		return r, <-s.streams
	case <-time.After(patience):
		s.t.Fatal("no worker joined")
		return nil, nil
	}
}

func (s *scheduler) send(c *wire.Conn, m wire.Msg) {
	s.t.Helper()
	if err := c.SendBatch([]wire.Msg{m}); err != nil {
		s.t.Fatal(err)
	}
}

// want waits for a message of a type.
func want[T wire.Msg](s *scheduler) T {
	s.t.Helper()
	late := time.After(patience)
	for {
		select {
		case m := <-s.said:
			if m, ok := m.(T); ok {
				return m
			}
		case <-late:
			var none T
			s.t.Fatalf("no %T from the worker", none)
		}
	}
}

// start runs a worker of the class.
func (s *scheduler) start(c *Class, o StartOptions) *Running {
	s.t.Helper()
	o.Scheduler, o.LocalDirectory = s.address, s.t.TempDir()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	r, err := c.Start(ctx, o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { stop(s.t, r) })
	return r
}

func stop(t *testing.T, r *Running) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.Stop(ctx, "test"); err != nil {
		t.Error(err)
	}
}
