package workerrt

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/wire"
)

// patience is the safety net of waits; in a bubble it costs nothing.
const patience = 5 * time.Minute

// scheduler is a scripted scheduler: it registers workers, answers heartbeats and
// leaves everything else to the test.
type scheduler struct {
	*server
	t    *testing.T
	set  *comm.Set
	join chan *session
	beat chan *wire.HeartbeatWorker // gets those for which there is room

	mu      sync.Mutex                      // held while a hook runs
	greet   func(*wire.RegisterWorker) any  // nil: OK
	pulse   func(*wire.HeartbeatWorker) any // nil: OK
	retire  func(m wire.Opaque) any         // nil: OK
	retired []wire.Opaque
}

// session is one worker's stream as the scheduler sees it.
type session struct {
	s   *scheduler
	c   *wire.Conn
	reg *wire.RegisterWorker

	mu     sync.Mutex
	queue  []wire.Msg
	ended  bool
	change chan struct{}
}

// stuckAfter is a greeting that is OK, of a scheduler that freezes then.
type stuckAfter struct{}

func newScheduler(t *testing.T, set *comm.Set) *scheduler {
	t.Helper()
	return schedulerAt(t, set, set.Default()+"://127.0.0.1:0")
}

func schedulerAt(t *testing.T, set *comm.Set, address string) *scheduler {
	t.Helper()
	s := &scheduler{t: t, set: set, join: make(chan *session, 16), beat: make(chan *wire.HeartbeatWorker, 64)}
	s.server = serve(t, set, address, s.request)
	return s
}

// script changes a hook while workers may be talking.
func (s *scheduler) script(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *scheduler) request(c *wire.Conn, in wire.Incoming) any {
	if in.Batch {
		return nil
	}
	switch m := in.Msgs[0].(type) {
	case *wire.RegisterWorker:
		var reply any = &wire.RegisterWorkerReply{Status: "OK", HeartbeatInterval: 0.5}
		s.script(func() {
			if s.greet != nil {
				reply = s.greet(m)
			}
		})
		if _, stuck := reply.(*stuckAfter); stuck {
			_ = c.SendValue(&wire.RegisterWorkerReply{Status: "OK"})
			return silent{}
		}
		if r, ok := reply.(*wire.RegisterWorkerReply); !ok || r.Status != "OK" {
			return reply
		}
		if c.SendValue(reply) != nil {
			return context.Canceled
		}
		s.follow(c, m)
		return context.Canceled
	case *wire.HeartbeatWorker:
		select {
		case s.beat <- m:
		default:
		}
		var reply any = &wire.HeartbeatReply{Status: "OK", HeartbeatInterval: 0.5}
		s.script(func() {
			if s.pulse != nil {
				reply = s.pulse(m)
			}
		})
		return reply
	case *wire.UnknownMsg:
		if m.Name == "retire_workers" {
			var reply any = map[string]any{}
			s.script(func() {
				s.retired = append(s.retired, m.Map)
				if s.retire != nil {
					reply = s.retire(m.Map)
				}
			})
			return reply
		}
	}
	return wire.FailureOf(fmt.Errorf("fake scheduler: unexpected %s", in.Msgs[0].Op()))
}

// follow reads a worker's stream until its end.
func (s *scheduler) follow(c *wire.Conn, reg *wire.RegisterWorker) {
	ss := &session{s: s, c: c, reg: reg, change: make(chan struct{})}
	s.join <- ss
	for {
		in, err := c.Recv()
		ss.mu.Lock()
		ss.queue = append(ss.queue, in.Msgs...)
		ss.ended = err != nil
		close(ss.change)
		ss.change = make(chan struct{})
		ss.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// joined waits for the next worker.
func (s *scheduler) joined() *session {
	s.t.Helper()
	select {
	case ss := <-s.join:
		return ss
	case <-time.After(patience):
		s.t.Fatal("no worker joined")
		return nil
	}
}

// beaten waits for a heartbeat.
func (s *scheduler) beaten() *wire.HeartbeatWorker {
	s.t.Helper()
	select {
	case m := <-s.beat:
		return m
	case <-time.After(patience):
		s.t.Fatal("no heartbeat")
		return nil
	}
}

// send gives the worker messages.
func (ss *session) send(ms ...wire.Msg) {
	ss.s.t.Helper()
	if err := ss.c.SendBatch(ms); err != nil {
		ss.s.t.Fatal(err)
	}
}

// next takes the first waiting message that ok likes; older ones are dropped.
func (ss *session) next(what string, ok func(wire.Msg) bool) {
	ss.s.t.Helper()
	late := time.After(patience)
	for {
		ss.mu.Lock()
		for i, m := range ss.queue {
			if ok(m) {
				ss.queue = ss.queue[i+1:]
				ss.mu.Unlock()
				return
			}
		}
		seen, ended, change := opsOf(ss.queue), ss.ended, ss.change
		ss.mu.Unlock()
		if ended {
			ss.s.t.Fatalf("the worker's stream ended without %s; it said %v", what, seen)
		}
		select {
		case <-change:
		case <-late:
			ss.s.t.Fatalf("no %s from the worker; it said %v", what, seen)
		}
	}
}

// over waits for the end of the stream and returns what was said until then.
func (ss *session) over() []wire.Msg {
	ss.s.t.Helper()
	late := time.After(patience)
	for {
		ss.mu.Lock()
		queue, ended, change := ss.queue, ss.ended, ss.change
		ss.mu.Unlock()
		if ended {
			return queue
		}
		select {
		case <-change:
		case <-late:
			ss.s.t.Fatal("the worker's stream goes on")
		}
	}
}

func opsOf(ms []wire.Msg) (ops []string) {
	for _, m := range ms {
		ops = append(ops, m.Op())
	}
	return ops
}

// want takes the next message of a type.
func want[T wire.Msg](ss *session) (m T) {
	ss.s.t.Helper()
	ss.next(fmt.Sprintf("%T", m), func(got wire.Msg) (ok bool) {
		m, ok = got.(T)
		return ok
	})
	return m
}

// status waits for a change of the worker's status.
func (ss *session) status(name string) {
	ss.s.t.Helper()
	ss.next("the status "+name, func(m wire.Msg) bool {
		c, ok := m.(*wire.WorkerStatusChange)
		return ok && c.Status == name
	})
}

// start runs a worker of this scheduler; it is stopped with the test.
func (s *scheduler) start(set Settings) (*Worker, *session) {
	s.t.Helper()
	set.Scheduler, set.Transports = s.address, s.set
	if set.LocalDirectory == "" {
		set.LocalDirectory = s.t.TempDir()
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	w, err := Start(ctx, set)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := w.Stop(ctx, "end of the test"); err != nil {
			s.t.Error(err)
		}
	})
	return w, s.joined()
}

// compute is an assignment; dependencies are pairs of key and address.
func compute(key string, deps ...wire.KeyAddress) *wire.ComputeTask {
	return &wire.ComputeTask{Key: wire.StrKey(key), RunID: 1, Runtime: RuntimeGo, WhoHas: deps}
}

func on(key string, addresses ...string) wire.KeyAddress {
	return wire.KeyAddress{Key: wire.StrKey(key), Addresses: addresses}
}
