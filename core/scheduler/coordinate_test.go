package scheduler

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
)

// asker makes requests on one connection.
type asker struct {
	t    testing.TB
	pool *wire.Pool
	s    *Scheduler
}

func newAsker(t testing.TB, s *Scheduler) *asker {
	t.Helper()
	a := &asker{t, wire.NewPool(s.set.Transports.Dial, wire.Settings{}, 0), s}
	t.Cleanup(func() { _ = a.pool.Close() })
	return a
}

func (a *asker) ask(ctx context.Context, op string, fields ...field) (any, error) {
	m, err := newAsk(op, fields...)
	if err != nil {
		return nil, err
	}
	o, err := a.pool.CallRaw(ctx, a.s.Address(), m)
	if err != nil {
		return nil, err
	}
	return decoded(a.t, o), nil
}

func (a *asker) must(op string, fields ...field) any {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), patience)
	defer cancel()
	v, err := a.ask(ctx, op, fields...)
	if err != nil {
		a.t.Fatalf("%s: %v", op, err)
	}
	return v
}

// soon asks in the background.
func (a *asker) soon(ctx context.Context, op string, fields ...field) <-chan any {
	ch := make(chan any, 1)
	go func() { // the pool's end waits for it
		v, err := a.ask(ctx, op, fields...)
		if err != nil {
			ch <- err
			return
		}
		ch <- v
	}()
	return ch
}

func (a *asker) wait(ch <-chan any) any {
	a.t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		a.t.Fatal("no answer")
		return nil
	}
}

func inLine(s *Scheduler, n int) func() bool {
	return func() bool { return len(s.loop.coord.waiting) == n }
}

func TestQueueOfFutures(t *testing.T) {
	s := start(t, nil)
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	a := newAsker(t, s)
	a.must("queue_create", field{"name", "q"})
	put := a.soon(t.Context(), "queue_put", field{"name", "q"}, field{"key", "x-1"}, field{"timeout", "10 s"})
	eventually(t, s, "the request waits for its task", func() bool { return len(s.loop.coord.unknown) == 1 })
	c := newClient(t, s, "c")
	compute(w, c, "x-1")
	if v := a.wait(put); v != nil {
		t.Fatalf("put: %v", v)
	}
	c.send(&wire.ClientReleasesKeys{Keys: keysOf("x-1"), Client: "c"})
	eventually(t, s, "the client lets go", func() bool { i, _ := s.loop.m.Task(wire.StrKey("x-1")); return len(i.WhoWants) == 1 })
	got, _ := a.must("queue_get", field{"name", "q"}).(map[string]any)
	if got["type"] != "Future" || got["value"] != "x-1" || got["state"] != "memory" {
		t.Fatalf("got %v", got)
	}
	c.send(&wire.UnknownMsg{Name: "queue-future-release", Map: fieldsOf(t, field{"name", "q"}, field{"key", "x-1"})})
	eventually(t, s, "only the client wants it", func() bool {
		i, _ := s.loop.m.Task(wire.StrKey("x-1"))
		return len(i.WhoWants) == 1 && i.WhoWants[0] == "c"
	})
	_, err := a.ask(t.Context(), "queue_put", field{"name", "q"}, field{"key", "nowhere"}, field{"timeout", 0.01})
	if err == nil || !strings.Contains(err.Error(), "unknown to scheduler") {
		t.Fatalf("error %v", err)
	}
	if len(s.loop.coord.unknown) != 0 {
		t.Error("the request still waits")
	}
}

func fieldsOf(t *testing.T, fs ...field) wire.Opaque {
	b, err := appendObject(nil, fs)
	if err != nil {
		t.Fatal(err)
	}
	return wire.Opaque{Raw: b}
}

// TestCallersThatLeaveLeaveTheLine: a connection that ends takes its request
// out of the line, and what it was granted at that moment is not lost.
func TestCallersThatLeaveLeaveTheLine(t *testing.T) {
	s := start(t, nil)
	a, b := newAsker(t, s), newAsker(t, s)
	a.must("queue_create", field{"name", "q"})
	a.must("semaphore_register", field{"name", "l"}, field{"max_leases", 1}, field{"lease_timeout", 30})
	a.must("semaphore_acquire", field{"name", "l"}, field{"lease_id", "a"})
	ctx, cancel := context.WithCancel(t.Context())
	for op, fields := range map[string][]field{
		"queue_get": {{"name", "q"}}, "variable_get": {{"name", "v"}}, "event_wait": {{"name", "e"}},
		"semaphore_acquire": {{"name", "l"}, {"lease_id", "b"}},
	} {
		b.soon(ctx, op, fields...)
	}
	eventually(t, s, "four wait", inLine(s, 4))
	third := a.soon(t.Context(), "semaphore_acquire", field{"name", "l"}, field{"lease_id", "c"})
	eventually(t, s, "five wait", inLine(s, 5))
	cancel()
	eventually(t, s, "one waits", inLine(s, 1))
	a.must("semaphore_release", field{"name", "l"}, field{"lease_id", "a"})
	if v := a.wait(third); v != true {
		t.Fatalf("the next in line got %v", v)
	}
}

func TestWaitsHaveTheirTime(t *testing.T) {
	s := start(t, nil)
	a := newAsker(t, s)
	a.must("queue_create", field{"name", "q"}, field{"maxsize", 1})
	a.must("queue_put", field{"name", "q"}, field{"data", []any{1, "two"}})
	a.must("semaphore_register", field{"name", "l"}, field{"max_leases", 1})
	a.must("semaphore_acquire", field{"name", "l"}, field{"lease_id", "a"})
	for _, timeout := range []any{0, 0.01, "5ms", -1} {
		for op, fields := range map[string][]field{
			"queue_put": {{"name", "q"}, {"data", 2}}, "variable_get": {{"name", "v"}},
		} {
			var remote *wire.RemoteError
			_, err := a.ask(t.Context(), op, append(fields, field{"timeout", timeout})...)
			if !errors.As(err, &remote) || !strings.Contains(remote.Exception.Text(), "TimeoutError") {
				t.Errorf("%s within %v: %v", op, timeout, err)
			}
		}
		for op, fields := range map[string][]field{
			"event_wait": {{"name", "e"}}, "semaphore_acquire": {{"name", "l"}, {"lease_id", "b"}},
		} {
			if v := a.must(op, append(fields, field{"timeout", timeout})...); v != false {
				t.Errorf("%s within %v: %v", op, timeout, v)
			}
		}
	}
	eventually(t, s, "nobody waits", inLine(s, 0))
}

// TestLocksOfDeadClients: the end of a client's session gives its locks on; so
// does the session of one that is frozen.
func TestLocksOfDeadClients(t *testing.T) {
	s := start(t, func(s *Settings) { s.ClientGrace, s.ClientTTL = time.Millisecond, 300*time.Millisecond })
	holder, waiter := newClient(t, s, "holder"), newClient(t, s, "waiter")
	a := newAsker(t, s)
	a.must("semaphore_register", field{"name", "l"}, field{"max_leases", 1}, field{"client", "holder"})
	a.must("semaphore_acquire", field{"name", "l"}, field{"lease_id", "a"}, field{"client", "holder"})
	a.must("multi_lock_acquire", field{"locks", []string{"x", "y"}}, field{"id", "m"}, field{"client", "holder"})
	alive, end := context.WithCancel(t.Context())
	beats := make(chan struct{})
	go func() { // ends below
		defer close(beats)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for alive.Err() == nil {
			waiter.send(&wire.HeartbeatClient{})
			select {
			case <-tick.C:
			case <-alive.Done():
			}
		}
	}()
	defer func() { end(); <-beats }()
	next := a.soon(t.Context(), "semaphore_acquire", field{"name", "l"}, field{"lease_id", "b"}, field{"client", "waiter"})
	multi := a.soon(t.Context(), "multi_lock_acquire", field{"locks", []string{"y"}}, field{"id", "n"}, field{"client", "waiter"})
	_ = holder // it says nothing more
	if v, w := a.wait(next), a.wait(multi); v != true || w != true {
		t.Fatalf("the next in line got %v and %v", v, w)
	}
	if _, err := a.ask(t.Context(), "semaphore_release", field{"name", "l"}, field{"lease_id", "b"}, field{"client", "holder"}); err == nil {
		t.Error("a client whose session is over may go on")
	}
	if _, err := a.ask(t.Context(), "semaphore_release", field{"name", "l"}, field{"lease_id", "a"}, field{"client", "waiter"}); err == nil {
		t.Error("a second release is no error")
	}
}

// TestLocksOfTasks: the client of a task ends with the worker, although it might
// come back by itself.
func TestLocksOfTasks(t *testing.T) {
	s := start(t, func(s *Settings) { s.ClientGrace = time.Hour })
	const address = "tcp://127.0.0.1:1001"
	w := newWorker(t, s, address, 1)
	c := dial(t, s)
	if err := c.Send(&wire.RegisterClient{Client: "task", Worker: address}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Recv(); err != nil {
		t.Fatal(err)
	}
	a := newAsker(t, s)
	a.must("semaphore_register", field{"name", "l"}, field{"max_leases", 1}, field{"client", "task"})
	a.must("semaphore_acquire", field{"name", "l"}, field{"lease_id", "a"}, field{"client", "task"})
	next := a.soon(t.Context(), "semaphore_acquire", field{"name", "l"}, field{"lease_id", "b"})
	eventually(t, s, "it waits", inLine(s, 1))
	w.stop()
	if v := a.wait(next); v != true {
		t.Fatalf("the next in line got %v", v)
	}
}

func TestSemaphoreMetrics(t *testing.T) {
	s := start(t, func(s *Settings) { s.DashboardAddress = "127.0.0.1:0" })
	a := newAsker(t, s)
	for _, name := range []any{"l", 1, "1", "\xff"} {
		a.must("semaphore_register", field{"name", name}, field{"max_leases", 2})
	}
	a.must("semaphore_acquire", field{"name", "l"}, field{"lease_id", "a"})
	a.must("semaphore_acquire", field{"name", "l"}, field{"lease_id", "b"})
	a.must("semaphore_release", field{"name", "l"}, field{"lease_id", "b"})
	_, text := get(t, s, "/metrics")
	for _, want := range []string{
		`dask_semaphore_max_leases{name="l"} 2`, `dask_semaphore_active_leases{name="l"} 1`,
		`dask_semaphore_pending_leases{name="l"} 0`, `dask_semaphore_acquire_total{name="l"} 2`,
		`dask_semaphore_release_total{name="l"} 1`, `dask_semaphore_average_pending_lease_time_s{name="l"} `,
		`dask_semaphore_max_leases{name="1"} 2`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no line %s", want)
		}
	}
}

// TestGrantsToTheDeadAreUndone: what was granted while the caller left goes to
// the next.
func TestGrantsToTheDeadAreUndone(t *testing.T) {
	s := start(t, nil)
	a := newAsker(t, s)
	a.must("queue_create", field{"name", "q"})
	c := &call{s: s, ctx: s.ctx, talk: &conversation{}, request: &request{op: "queue_get", fields: map[string]wire.Opaque{
		"name": {Raw: msgp.AppendString(nil, "q")},
	}}}
	a.must("queue_put", field{"name", "q"}, field{"data", 7})
	if _, err := c.queueGet(); err != nil {
		t.Fatal(err)
	}
	c.undo()
	if got := a.must("queue_get", field{"name", "q"}).(map[string]any); got["value"] != int64(7) {
		t.Errorf("got %v", got)
	}
	eventually(t, s, "nothing is on its way", func() bool { return len(s.loop.coord.waiting) == 0 })
}
