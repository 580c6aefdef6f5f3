package scheduler

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// serveNanny answers kill as the test wants; other operations fail.
func serveNanny(t *testing.T, s *Scheduler, kill func(d *dataServer) any) string {
	t.Helper()
	l, err := s.set.Transports.Listen(context.Background(), "tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &dataServer{t: t, s: s, l: l}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				c, err := wire.NewConn(context.Background(), nc, wire.Settings{})
				if err != nil {
					return
				}
				defer func() { _ = c.Close() }()
				for {
					in, err := c.Recv()
					if err != nil || len(in.Msgs) == 0 {
						return
					}
					if in.Msgs[0].Op() != "kill" || c.SendValue(kill(d)) != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); _ = s.Close(context.Background()); wg.Wait() })
	return l.ContactAddress()
}

// nursed registers a worker with a nanny that brings a successor when it kills it,
// which closes replaced.
func nursed(t *testing.T, s *Scheduler, address, successor string) (replaced <-chan struct{}) {
	t.Helper()
	var nanny string
	reg := func(address string) *wire.RegisterWorker {
		return &wire.RegisterWorker{Address: address, Status: "running", NThreads: 1, Nanny: wire.StringOpaque(nanny), Name: wire.StringOpaque("w-" + nanny)}
	}
	var once sync.Once
	joined, done := make(chan *peer, 1), make(chan struct{})
	nanny = serveNanny(t, s, func(*dataServer) any {
		once.Do(func() {
			defer close(done)
			_ = (<-joined).conn.Close()
			eventually(t, s, "end of the old worker", func() bool { return s.loop.workers[address] == nil })
			if successor != "" {
				register(t, s, reg(successor))
			}
		})
		return nil
	})
	old, _ := register(t, s, reg(address))
	joined <- old
	return done
}

func TestRestartBringsNewWorkers(t *testing.T) {
	s := start(t, nil)
	nursed(t, s, "tcp://127.0.0.1:1001", "tcp://127.0.0.1:2001")
	nursed(t, s, "tcp://127.0.0.1:1002", "tcp://127.0.0.1:2002")
	c := newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("a")}, Keys: keysOf("a")})
	eventually(t, s, "the task is known", func() bool { return len(s.loop.m.Keys()) == 1 })
	mustAsk(t, s, "restart") // whoever got the task loses it: it is forgotten, not run again
	next[*wire.Restart](c)
	got := mustAsk(t, s, "identity", field{"n_workers", -1}).(map[string]any)["workers"].(map[string]any)
	if len(got) != 2 || got["tcp://127.0.0.1:2001"] == nil || got["tcp://127.0.0.1:2002"] == nil {
		t.Errorf("workers after the restart: %v", got)
	}
	var tasks int
	if err := s.loop.do(t.Context(), func() { tasks = len(s.loop.m.Keys()) }); err != nil || tasks > 0 {
		t.Errorf("%d tasks are left, %v", tasks, err)
	}
}

func TestRestartWorkersTellsWhatBecameOfEach(t *testing.T) {
	const back, gone, bare = "tcp://127.0.0.1:1001", "tcp://127.0.0.1:1002", "tcp://127.0.0.1:1003"
	s := start(t, nil)
	nursed(t, s, back, "tcp://127.0.0.1:2001")
	nursed(t, s, gone, "")
	newWorker(t, s, bare, 1)
	newWorker(t, s, "tcp://127.0.0.1:1004", 1) // not named: it stays
	fields := []field{{"workers", []string{back, gone, bare}}, {"timeout", "300 ms"}, {"on_error", "return"}}
	got := mustAsk(t, s, "restart_workers", fields...).(map[string]any)
	if got[back] != "OK" || got[gone] != "timed out" || got[bare] != "removed" || len(got) != 3 {
		t.Errorf("got %v", got)
	}
}

func TestRestartNamesTheLaggards(t *testing.T) {
	s := start(t, nil)
	nursed(t, s, "tcp://127.0.0.1:1001", "")
	newWorker(t, s, "tcp://127.0.0.1:1003", 1)
	_, err := askFor(t, s, "restart", field{"timeout", "200 ms"})
	for _, want := range []string{"2 of 2 workers", "tcp://127.0.0.1:1001 (nanny", "200ms", "without a nanny", "tcp://127.0.0.1:1003"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

// A nanny that cannot kill its worker says why.
func TestRestartPassesANannysRefusalOn(t *testing.T) {
	s := start(t, nil)
	nanny := serveNanny(t, s, func(*dataServer) any { return wire.FailureOf(context.DeadlineExceeded) })
	register(t, s, &wire.RegisterWorker{Address: "tcp://127.0.0.1:1001", Status: "running", NThreads: 1, Nanny: wire.StringOpaque(nanny)})
	if _, err := askFor(t, s, "restart"); err == nil || !strings.Contains(err.Error(), "tcp://127.0.0.1:1001 is not restarted: kill on "+nanny) {
		t.Errorf("got %v", err)
	}
}

// A silent worker is replaced by its nanny.
func TestWorkerTTLAsksTheNanny(t *testing.T) {
	s := start(t, func(set *Settings) { set.GDaskWorkerTTL = 300 * time.Millisecond })
	replaced := nursed(t, s, "tcp://127.0.0.1:1001", "tcp://127.0.0.1:2001")
	select {
	case <-replaced: // the successor has joined
	case <-time.After(patience):
		t.Fatal("the nanny was not asked")
	}
}

// TestTheEndOfARestartedWorkerIsNoAccident whatever it says on its way out.
func TestTheEndOfARestartedWorkerIsNoAccident(t *testing.T) {
	const address = "tcp://127.0.0.1:1001"
	s := start(t, func(set *Settings) { set.State.AllowedFailures = 0 })
	var w *peer
	nanny := serveNanny(t, s, func(*dataServer) any {
		w.send(&wire.WorkerStatusChange{Status: "paused"}, &wire.WorkerStatusChange{Status: "running"}, &wire.LogEvent{
			Topic: wire.StringOpaque("said"), Msg: wire.StringOpaque("all"),
		})
		eventually(t, s, "what it says is heard", func() bool { return len(s.loop.topics.events["said"]) == 1 })
		w.stop()
		eventually(t, s, "end of the worker", func() bool { return s.loop.workers[address] == nil })
		return nil
	})
	w, _ = register(t, s, &wire.RegisterWorker{Address: address, Status: "running", NThreads: 1, Nanny: wire.StringOpaque(nanny), Runtimes: []string{"go"}})
	c := newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("x")}, Keys: keysOf("x")})
	next[*wire.ComputeTask](w)
	mustAsk(t, s, "restart_workers", field{"timeout", "100 ms"}, field{"on_error", "return"})
	var x state.TaskInfo
	if err := s.loop.do(t.Context(), func() { x, _ = s.loop.m.Task(wire.StrKey("x")) }); err != nil {
		t.Fatal(err)
	}
	if x.Suspicious != 0 || x.State == state.Erred {
		t.Errorf("x is %v, blamed for %d deaths", x.State, x.Suspicious)
	}
}
