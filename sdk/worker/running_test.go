package worker

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// everything is an executor with all companions; it notes what happens.
type everything struct {
	mu      sync.Mutex
	happens []string
	changed chan struct{} // gets a token for each note
	odd     map[string]func() error
	execute func(ctx context.Context, t Task) (Result, error)
}

func newEverything() *everything {
	return &everything{changed: make(chan struct{}, 100), odd: map[string]func() error{}}
}

func (e *everything) note(what string) error {
	e.mu.Lock()
	e.happens = append(e.happens, what)
	odd := e.odd[what]
	e.mu.Unlock()
	e.changed <- struct{}{}
	if odd != nil {
		return odd()
	}
	return nil
}

func (e *everything) notes() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.happens, ", ")
}

func (e *everything) Setup(context.Context) error    { return e.note("setup") }
func (e *everything) Teardown(context.Context) error { return e.note("teardown") }
func (e *everything) Pause(paused bool)              { _ = e.note(fmt.Sprint("paused ", paused)) }
func (*everything) Resources() map[string]float64 {
	return map[string]float64{"GPU": 1, "disk": 2}
}

func (e *everything) Execute(ctx context.Context, t Task) (Result, error) {
	_ = e.note("execute " + t.Key().String())
	if e.execute != nil {
		return e.execute(ctx, t)
	}
	return t.Run(ctx)
}

func classOf(e *everything, options ...Option) *Class {
	return New("everything", func(*struct{}) (Executor, error) { return e, e.note("build") }, options...)
}

func registry(t *testing.T, name string, fn any) (*task.Registry, *task.Function) {
	t.Helper()
	reg := task.NewRegistry()
	f, err := reg.Add(name, fn)
	if err != nil {
		t.Fatal(err)
	}
	return reg, f
}

func assignment(t *testing.T, key string, f *task.Function, args ...any) *wire.ComputeTask {
	t.Helper()
	c, err := f.NewCall(args...)
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return &wire.ComputeTask{Key: wire.StrKey(key), RunID: 1, Runtime: "go", RunSpec: o}
}

func TestHooksHaveTheirOrder(t *testing.T) {
	s, e := newScheduler(t), newEverything()
	reg, f := registry(t, "f", func(a int) int { return a + 1 })
	r := s.start(classOf(e, Functions(reg)), StartOptions{Name: "w", Resources: map[string]float64{"GPU": 4}})
	reg1, c := s.stream()
	if reg1.Resources["GPU"] != 4 || reg1.Resources["disk"] != 2 {
		t.Errorf("resources %v, want the executor's with what the start options say", reg1.Resources)
	}
	s.send(c, assignment(t, "x", f, 1))
	if m := want[*wire.TaskFinished](s); m.Key.String() != "x" || m.Typename != "int" {
		t.Errorf("got %+v", m)
	}
	for range 3 {
		<-e.changed // build, setup, execute
	}
	for _, status := range []string{"paused", "running"} {
		s.send(c, &wire.WorkerStatusChange{Status: status})
		<-e.changed
	}
	stop(t, r)
	const want = "build, setup, execute x, paused true, paused false, teardown"
	if got := e.notes(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if r.Status() != "closed" || r.Err() != nil {
		t.Errorf("%s, %v", r.Status(), r.Err())
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // what has ended is not late
		if err := errors.Join(r.Stop(over, "again"), r.Drain(over)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWatchShowsEveryStatusToAFastCaller(t *testing.T) {
	s := newScheduler(t)
	r := s.start(New[struct{}]("plain", nil), StartOptions{})
	_, c := s.stream()
	var seen []string
	for status := range r.Watch(t.Context()) {
		seen = append(seen, status)
		switch len(seen) {
		case 1:
			s.send(c, &wire.WorkerStatusChange{Status: "paused"})
		case 2:
			s.send(c, &wire.WorkerStatusChange{Status: "running"})
		case 3:
			s.send(c, &wire.CloseWorker{})
		}
	}
	if !slices.Equal(seen[:3], []string{"running", "paused", "running"}) || seen[len(seen)-1] != "closed" {
		t.Errorf("saw %v", seen)
	}
	for range r.Watch(t.Context()) {
		seen = append(seen, "after")
	}
	if seen[len(seen)-1] != "after" || seen[len(seen)-2] == "after" {
		t.Errorf("a late watcher saw %v, want the last status once", seen)
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	r := newScheduler(t).start(New[struct{}]("plain", nil), StartOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for range r.Watch(ctx) {
		n++
		cancel()
	}
	if n != 1 {
		t.Errorf("%d statuses", n)
	}
}

func TestStartsThatFail(t *testing.T) {
	bad := func() error { return errors.New("on purpose") }
	for name, k := range map[string]struct {
		odd, refuse, happens string
		text                 string
	}{
		"build":        {"build", "", "build", "worker class everything: on purpose"},
		"setup":        {"setup", "", "build, setup", "worker class everything: setup: on purpose"},
		"join":         {"", "no room", "build, setup, teardown", "no room"},
		"join and end": {"teardown", "no room", "build, setup, teardown", "worker: teardown: on purpose"},
	} {
		s, e := newScheduler(t), newEverything()
		s.refuse = k.refuse
		if k.odd != "" {
			e.odd[k.odd] = bad
		}
		_, err := classOf(e).Start(t.Context(), StartOptions{Scheduler: s.address, LocalDirectory: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), k.text) || e.notes() != k.happens {
			t.Errorf("%s: %v after %s", name, err, e.notes())
		}
	}
}

// TestHooksThatPanic do not end the process that hosts the worker.
func TestHooksThatPanic(t *testing.T) {
	s, e := newScheduler(t), newEverything()
	boom := func() error { panic("hook") }
	e.odd["teardown"], e.odd["paused true"] = boom, boom
	r := s.start(classOf(e), StartOptions{})
	_, c := s.stream()
	s.send(c, &wire.WorkerStatusChange{Status: "paused"})
	for range 3 {
		<-e.changed // build, setup, paused
	}
	s.send(c, &wire.CloseWorker{})
	<-r.Done()
	if err := r.Err(); err == nil || !strings.Contains(err.Error(), "panic: hook") {
		t.Errorf("the end says %v", err)
	}
}

func TestWhatATaskShowsItsExecutor(t *testing.T) {
	s, e := newScheduler(t), newEverything()
	reg, f := registry(t, "f", func(ctx context.Context, a int, b string) string { return fmt.Sprint(FromContext(ctx).Key(), a, b) })
	r := s.start(classOf(e, Functions(reg), Runtimes("go", "other")), StartOptions{Name: "w"})
	e.execute = func(ctx context.Context, task Task) (Result, error) {
		sc := FromContext(ctx)
		if sc.Key() != task.Key() || sc.Name() != "w" || sc.Worker() != r.Address() || sc.Scheduler() != s.address ||
			sc.LocalDirectory() == "" || sc.Transports() == nil {
			t.Errorf("scope %+v", sc)
		}
		note, _ := task.Annotations().Field("note")
		if task.Runtime() == "other" {
			return Result{task.Function() + task.Spec().Text()}, nil
		}
		args, err := task.Args()
		if task.Function() != "f" || err != nil || !reflect.DeepEqual(args, []any{7, "x"}) || note.Text() != "hi" {
			t.Errorf("%s, %v, %v, %q", task.Function(), args, err, note.Text())
		}
		in, err := task.Inputs()
		if err != nil || len(in) != 0 {
			t.Errorf("inputs %v, %v", in, err)
		}
		sc.Secede()
		if err := sc.Rejoin(ctx); err != nil {
			t.Error(err)
		}
		return task.Run(ctx)
	}
	rg, c := s.stream()
	if !slices.Equal(rg.Runtimes, []string{"go", "other"}) {
		t.Errorf("runtimes %v", rg.Runtimes)
	}
	m := assignment(t, "k", f, 7, "x")
	m.Annotations, _ = wire.OpaqueOf(map[string]any{"note": "hi"})
	s.send(c, m)
	if got := want[*wire.TaskFinished](s); got.Key.String() != "k" {
		t.Errorf("got %+v", got)
	}
	s.send(c, &wire.ComputeTask{Key: wire.StrKey("o"), Runtime: "other", RunSpec: wire.StringOpaque("spec")})
	if got := want[*wire.TaskFinished](s); got.Key.String() != "o" || got.Typename != "string" {
		t.Errorf("got %+v", got)
	}
	if FromContext(t.Context()) != nil {
		t.Error("a task outside of tasks")
	}
}

// TestLogToWhileWorkersStart: a host may give the logger while another of its
// goroutines starts workers.
func TestLogToWhileWorkersStart(t *testing.T) {
	s := newScheduler(t)
	c := New[struct{}]("plain", nil)
	var wg sync.WaitGroup
	wg.Go(func() { c.LogTo(hclog.NewNullLogger()) })
	wg.Go(func() { _ = c.Describe() })
	wg.Go(func() {
		if err := c.Configure([]byte(`{}`)); err != nil {
			t.Error(err)
		}
	})
	s.start(c, StartOptions{})
	wg.Wait()
	mine := hclog.NewNullLogger()
	d := New[struct{}]("plain", nil, Logger(mine))
	d.LogTo(hclog.Default())
	if d.opts.logger != mine {
		t.Error("the class's own logger was replaced")
	}
}
