package workerrt

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// works runs tasks by key.
type works map[string]func(ctx context.Context, j *Job) (any, error)

func (ws works) run(ctx context.Context, j *Job) (any, error) {
	f := ws[j.Key().String()]
	if f == nil {
		return j.Key().String(), nil
	}
	return f(ctx, j)
}

func erred(t *testing.T, ss *session, key string) *wire.TaskErred {
	t.Helper()
	m := want[*wire.TaskErred](ss)
	if m.Key.String() != key || m.Status != "error" {
		t.Fatalf("got %+v, want the error of %s", m, key)
	}
	return m
}

func finished(t *testing.T, ss *session, key string) *wire.TaskFinished {
	t.Helper()
	m := want[*wire.TaskFinished](ss)
	if m.Key.String() != key || m.Status != "OK" {
		t.Fatalf("got %+v, want the result of %s", m, key)
	}
	return m
}

// TestHeartbeatsWhileSlotsAreBusy keeps every slot, and every processor, busy
// until the scheduler has heard from the worker several times.
func TestHeartbeatsWhileSlotsAreBusy(t *testing.T) {
	const slots = 4
	s := newScheduler(t, tcpSet(t))
	s.pulse = func(*wire.HeartbeatWorker) any { return &wire.HeartbeatReply{Status: "OK", HeartbeatInterval: 0.01} }
	var stop atomic.Bool
	var spun atomic.Int64
	_, ss := s.start(Settings{NThreads: slots, Run: func(context.Context, *Job) (any, error) {
		for !stop.Load() {
			spun.Add(1)
		}
		return nil, nil
	}})
	for i := range slots {
		ss.send(compute(fmt.Sprintf("spin-%d", i)))
	}
	for busy := 0; busy < 5; {
		m := s.beaten()
		if m.Metrics.Executing == slots {
			busy++
			if n := mapSize(t, m.Executing); n != slots {
				t.Errorf("a heartbeat says %d tasks run, want %d", n, slots)
			}
		}
	}
	stop.Store(true)
	for range slots {
		want[*wire.TaskFinished](ss)
	}
	if spun.Load() < int64(runtime.NumCPU()) {
		t.Error("the tasks did not spin")
	}
}

func mapSize(t *testing.T, o wire.Opaque) int {
	t.Helper()
	v, err := task.DecodeValue(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("%v is no map", v)
	}
	return len(m)
}

func TestTasksRunInSlotsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		var now, most atomic.Int64
		_, ss := s.start(Settings{NThreads: 3, Run: func(context.Context, *Job) (any, error) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer now.Add(-1)
			<-time.After(time.Second)
			return 1, nil
		}})
		start := time.Now()
		var ms []wire.Msg
		for i := range 30 {
			ms = append(ms, compute(fmt.Sprintf("k%d", i)))
		}
		ss.send(ms...)
		for range ms {
			want[*wire.TaskFinished](ss)
		}
		if took := time.Since(start); most.Load() != 3 || took != 10*time.Second {
			t.Errorf("at most %d at once, %v for 30 tasks of a second in 3 slots", most.Load(), took)
		}
	})
}

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

func noError() *nilError { return nil }

type badSize struct{}

func (badSize) SizeBytes() int64 { panic("no size") }

type badBinary struct{ N int }

func (badBinary) MarshalBinary() ([]byte, error) { panic("no bytes") }
func (*badBinary) UnmarshalBinary([]byte) error  { panic("bytes refused") }

type pickled struct{ error }

func (pickled) Pickle() []byte { return []byte("a pickle") }

// TestWhatTasksMayDo: whatever users' code does is that task's failure, and the
// worker goes on.
func TestWhatTasksMayDo(t *testing.T) {
	panicking := func(v any) func(context.Context, *Job) (any, error) {
		return func(context.Context, *Job) (any, error) { panic(v) }
	}
	for name, k := range map[string]struct {
		f     func(context.Context, *Job) (any, error)
		text  string
		trace string
	}{
		"error":         {func(context.Context, *Job) (any, error) { return nil, errors.New("no luck") }, "no luck", ""},
		"panic":         {panicking("boom"), "panic: boom", "TestWhatTasksMayDo"},
		"panic error":   {panicking(errors.New("deep")), "panic: deep", "TestWhatTasksMayDo"},
		"nil pointer":   {func(context.Context, *Job) (any, error) { return noError().text, nil }, "nil pointer", "TestWhatTasksMayDo"},
		"goexit":        {func(context.Context, *Job) (any, error) { runtime.Goexit(); return nil, nil }, "runtime.Goexit", ""},
		"nil error":     {func(context.Context, *Job) (any, error) { return nil, (*nilError)(nil) }, "*workerrt.nilError", ""},
		"size of value": {func(context.Context, *Job) (any, error) { return badSize{}, nil }, "no size", "SizeBytes"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{"bad": k.f}.run})
				ss.send(compute("bad"))
				m := erred(t, ss, "bad")
				if !strings.Contains(m.ExceptionText, k.text) || !strings.Contains(m.TracebackText, k.trace) {
					t.Errorf("text %q, trace %q", m.ExceptionText, m.TracebackText)
				}
				if text, ok := m.Exception.AsString(); !ok || text != m.ExceptionText {
					t.Errorf("exception %v for Python", m.Exception)
				}
				ss.send(compute("good"))
				finished(t, ss, "good")
			})
		})
	}
}

func TestErrorWithAPickleOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{"bad": func(context.Context, *Job) (any, error) {
			return nil, fmt.Errorf("wrapped: %w", pickled{errors.New("from python")})
		}}.run})
		ss.send(compute("bad"))
		m := erred(t, ss, "bad")
		if text, _ := m.Exception.AsString(); text != "a pickle" || m.ExceptionText != "wrapped: from python" {
			t.Errorf("exception %q, text %q", text, m.ExceptionText)
		}
	})
}

// TestPanicsBesideTheFunction: decoding arguments runs users' code too.
func TestPanicsBesideTheFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := task.NewRegistry()
		f, err := reg.Add("f", func(b badBinary) int { return b.N })
		if err != nil {
			t.Fatal(err)
		}
		g, err := reg.Add("g", func(n int) int { return n })
		if err != nil {
			t.Fatal(err)
		}
		_, ss := newScheduler(t, memSet(t)).start(Settings{Registry: reg})
		bad := &task.Call{Name: "f", Sig: f.Sig(), Args: []task.Arg{{Value: []byte("xy")}}}
		ss.send(spec(t, "bad", bad))
		if m := erred(t, ss, "bad"); !strings.Contains(m.ExceptionText, "bytes refused") {
			t.Errorf("text %q", m.ExceptionText)
		}
		good, err := g.NewCall(1)
		if err != nil {
			t.Fatal(err)
		}
		ss.send(spec(t, "good", good))
		finished(t, ss, "good")
	})
}

// spec is an assignment of a Go call.
func spec(t *testing.T, key string, c *task.Call, deps ...wire.KeyAddress) *wire.ComputeTask {
	t.Helper()
	m := compute(key, deps...)
	var err error
	if m.RunSpec, err = c.Encode(); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestOtherRuntimesAreRefusedByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ss := newScheduler(t, memSet(t)).start(Settings{})
		for runtime, want := range map[string]string{"": `"python"`, "command": `"command"`} {
			m := compute("x-" + runtime)
			m.Runtime = runtime
			ss.send(m)
			if got := erred(t, ss, "x-"+runtime); !strings.Contains(got.ExceptionText, want) {
				t.Errorf("runtime %q: %s", runtime, got.ExceptionText)
			}
		}
	})
}

func TestCancelEndsTheTasksContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, ended := make(chan struct{}), make(chan error)
		_, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{"long": func(ctx context.Context, _ *Job) (any, error) {
			close(began)
			<-ctx.Done()
			derived, cancel := context.WithCancel(ctx)
			defer cancel()
			<-derived.Done()
			ended <- derived.Err()
			return "late", nil
		}}.run})
		ss.send(compute("long"))
		<-began
		ss.send(&wire.FreeKeys{Keys: []wire.Key{wire.StrKey("long")}}, &wire.FreeKeys{Keys: []wire.Key{wire.StrKey("long")}})
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the task saw %v", err)
		}
		ss.send(compute("next"))
		ss.next("the next task's result, and nothing of the cancelled one", func(m wire.Msg) bool {
			switch m := m.(type) {
			case *wire.TaskErred:
				t.Errorf("a cancelled task was reported: %+v", m)
			case *wire.TaskFinished:
				if m.Key.String() != "next" {
					t.Errorf("a cancelled task was reported: %+v", m)
				}
				return true
			}
			return false
		})
	})
}

// TestCancelBeforeTheStart: tasks that no slot has begun never run.
func TestCancelBeforeTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		_, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{
			"first":  func(context.Context, *Job) (any, error) { <-release; return 1, nil },
			"second": func(context.Context, *Job) (any, error) { t.Error("a freed task ran"); return 1, nil },
		}.run})
		ss.send(compute("first"), compute("second"), compute("third"))
		ss.send(&wire.FreeKeys{Keys: []wire.Key{wire.StrKey("second")}}, &wire.StealRequest{Key: wire.StrKey("third")})
		if m := want[*wire.StealResponse](ss); m.State != "ready" {
			t.Errorf("stolen from state %q", m.State)
		}
		close(release)
		finished(t, ss, "first")
		ss.send(compute("fourth"))
		finished(t, ss, "fourth")
	})
}

func TestTimeoutOfATask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{"slow": func(ctx context.Context, _ *Job) (any, error) {
			at, ok := ctx.Deadline()
			if !ok || time.Until(at) != 2*time.Second {
				t.Errorf("deadline %v, %v", at, ok)
			}
			<-ctx.Done()
			return nil, fmt.Errorf("gave up: %w", ctx.Err())
		}}.run})
		m := compute("slow")
		m.Timeout = 2
		ss.send(m)
		if got := erred(t, ss, "slow"); !strings.Contains(got.ExceptionText, "task slow: timeout of 2 s passed: gave up") {
			t.Errorf("got %q", got.ExceptionText)
		}
	})
}

func TestRescheduleOnRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{"x": func(context.Context, *Job) (any, error) {
			return nil, fmt.Errorf("not here: %w", task.ErrReschedule)
		}}.run})
		ss.send(compute("x"))
		if m := want[*wire.Reschedule](ss); m.Key.String() != "x" {
			t.Errorf("got %+v", m)
		}
	})
}

// TestSecedeAgainAndAgain: a task that waits for others each time round must each
// time leave its only slot to them, and get it back.
func TestSecedeAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rounds = 3
		ask, answered := make(chan int), make(chan struct{})
		_, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{"parent": func(ctx context.Context, j *Job) (any, error) {
			for i := range rounds {
				j.Secede()
				j.Secede()
				ask <- i
				<-answered
				if err := j.Rejoin(ctx); err != nil {
					return nil, err
				}
				if err := j.Rejoin(ctx); err != nil {
					return nil, err
				}
			}
			return "done", nil
		}}.run})
		ss.send(compute("parent"))
		for i := range rounds {
			<-ask
			child := fmt.Sprintf("child-%d", i)
			ss.send(compute(child))
			finished(t, ss, child)
			answered <- struct{}{}
		}
		finished(t, ss, "parent")
	})
}

// TestRejoinThatGaveUp: a wait for a slot that was given up must not take one.
func TestRejoinThatGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free, rejoin, result := make(chan struct{}), make(chan context.Context), make(chan error)
		w, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{
			"parent": func(_ context.Context, j *Job) (any, error) {
				j.Secede()
				for ctx := range rejoin {
					result <- j.Rejoin(ctx)
				}
				return 1, nil
			},
			"child": func(context.Context, *Job) (any, error) { <-free; return 1, nil },
		}.run})
		ss.send(compute("parent"))
		want[*wire.LongRunning](ss)
		ss.send(compute("child"))
		synctest.Wait() // the child has the slot
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			rejoin <- ctx
			if err := <-result; !errors.Is(err, context.Canceled) {
				t.Errorf("a given up rejoin: %v", err)
			}
		}
		go func() { rejoin <- t.Context() }()
		synctest.Wait()
		close(free)
		if err := <-result; err != nil {
			t.Errorf("rejoin when the slot is free: %v", err)
		}
		synctest.Wait()
		if n := w.stats.Load().Executing; n != 1 {
			t.Errorf("%d slots are taken by one task", n)
		}
		close(rejoin)
		finished(t, ss, "child")
		finished(t, ss, "parent")
		ss.send(compute("last"))
		finished(t, ss, "last")
		synctest.Wait()
		if st := w.stats.Load(); st.Executing != 0 || st.LongRunning != 0 {
			t.Errorf("nothing runs, yet %+v", st)
		}
	})
}
