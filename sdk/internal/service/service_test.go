package service

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pluginv1 "github.com/gdask/gdask/sdk/proto/gdask/plugin/v1"
	workerv1 "github.com/gdask/gdask/sdk/proto/gdask/worker/v1"
	"github.com/gdask/gdask/sdk/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeWorker is a worker that does what the test says.
type fakeWorker struct {
	name    string
	stop    func(ctx context.Context) error // nil: ends at once
	changes chan string

	once  sync.Once
	done  chan struct{}
	err   error
	mu    sync.Mutex
	stops int
}

func newFake(name string) *fakeWorker {
	return &fakeWorker{name: name, done: make(chan struct{}), changes: make(chan string)}
}

func (f *fakeWorker) end(err error) { f.once.Do(func() { f.err = err; close(f.done) }) }

func (f *fakeWorker) Name() string          { return f.name }
func (f *fakeWorker) Address() string       { return "mem://" + f.name }
func (f *fakeWorker) Pid() int              { return 1 }
func (f *fakeWorker) Done() <-chan struct{} { return f.done }
func (f *fakeWorker) Err() error            { <-f.done; return f.err }

func (f *fakeWorker) Stop(ctx context.Context, _ string) error {
	f.mu.Lock()
	f.stops++
	f.mu.Unlock()
	if f.stop != nil {
		if err := f.stop(ctx); err != nil {
			return err
		}
	}
	f.end(nil)
	return nil
}

func (f *fakeWorker) Drain(ctx context.Context) error { return f.Stop(ctx, "drain") }

// Watch yields what the test sends until the worker ends.
func (f *fakeWorker) Watch(context.Context) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			select {
			case s := <-f.changes:
				if !yield(s) {
					return
				}
			case <-f.done:
				return
			}
		}
	}
}

func deaf(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func starterOf(f *fakeWorker) Starter {
	return func(context.Context, worker.StartOptions) (Running, error) { return f, nil }
}

func startRequest() *workerv1.StartRequest {
	return &workerv1.StartRequest{Scheduler: "tcp://127.0.0.1:1", Name: "asked"}
}

// fails checks the code and the reason of an error.
func fails(t *testing.T, err error, code codes.Code, reason, text string) {
	t.Helper()
	st := status.Convert(err)
	got := ""
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.Domain == Domain {
			got = info.Reason
		}
	}
	if err == nil || st.Code() != code || got != reason || !strings.Contains(st.Message(), text) {
		t.Errorf("got %v, reason %q; want %v, %q, %q", err, got, code, reason, text)
	}
}

// watcher collects the events of a Watch.
type watcher struct {
	grpc.ServerStream
	ctx context.Context
	mu  sync.Mutex
	got []string
}

func (w *watcher) Context() context.Context { return w.ctx }

func (w *watcher) Send(r *workerv1.WatchResponse) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.SnapshotEnd {
		w.got = append(w.got, "end")
		return nil
	}
	i := r.Worker
	state := strings.ToLower(strings.TrimPrefix(i.State.String(), "WORKER_STATE_"))
	w.got = append(w.got, strings.TrimSuffix(fmt.Sprintf("%s %s %s %s", i.Id, i.Name, state, i.Error), " "))
	return nil
}

// seen waits until nothing moves and returns all events.
func (w *watcher) seen() string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.got, "; ")
}

func TestLifeOfAWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("w")
		w := NewWorkers(starterOf(f))
		early := &watcher{ctx: t.Context()}
		done := make(chan error)
		go func() { done <- w.Watch(nil, early) }()
		if got := early.seen(); got != "end" {
			t.Errorf("an empty snapshot: %s", got)
		}
		r, err := w.Start(t.Context(), startRequest())
		if err != nil || r.Id != "1" || r.Name != "w" || r.Address != "mem://w" {
			t.Fatalf("got %v, %v", r, err)
		}
		for _, s := range []string{"running", "paused", "running", "closing_gracefully", "closing"} {
			f.changes <- s
			synctest.Wait()
		}
		late := &watcher{ctx: t.Context()}
		go func() { done <- w.Watch(nil, late) }()
		if got := late.seen(); got != "1 w draining; end" {
			t.Errorf("a late watcher saw %s", got)
		}
		if l, err := w.List(t.Context(), nil); err != nil || len(l.Workers) != 1 {
			t.Errorf("list: %v, %v", l, err)
		}
		f.end(errors.New("killed"))
		if got := early.seen(); !strings.HasSuffix(got, "1 w running; 1 w paused; 1 w running; 1 w draining; 1 w exited killed") {
			t.Errorf("an early watcher saw %s", got)
		}
		if l, err := w.List(t.Context(), nil); err != nil || len(l.Workers) != 0 {
			t.Errorf("list after the end: %v, %v", l, err)
		}
		if err := w.StopAll(t.Context(), "test"); err != nil {
			t.Error(err)
		}
		for range 2 {
			if err := <-done; err != nil { // watchers end with the plugin
				t.Error(err)
			}
		}
	})
}

// TestOrderOfCalls: what each call answers at each moment of a plugin's life.
func TestOrderOfCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("w")
		w := NewWorkers(starterOf(f))
		ctx := t.Context()
		_, err := w.Start(ctx, &workerv1.StartRequest{})
		fails(t, err, codes.InvalidArgument, ReasonStart, "no scheduler address")
		_, err = w.Drain(ctx, &workerv1.DrainRequest{Id: "1"})
		fails(t, err, codes.NotFound, ReasonNotFound, `no worker "1"`)
		if _, err := w.Stop(ctx, &workerv1.StopRequest{Id: "1"}); err != nil {
			t.Errorf("stop of what is not there: %v", err)
		}
		r, err := w.Start(ctx, startRequest())
		if err != nil {
			t.Fatal(err)
		}
		f.stop = deaf
		_, err = w.Stop(ctx, &workerv1.StopRequest{Id: r.Id, TimeoutMs: 500})
		fails(t, err, codes.DeadlineExceeded, ReasonStop, "deadline")
		_, err = w.Drain(ctx, &workerv1.DrainRequest{Id: r.Id, TimeoutMs: 500})
		fails(t, err, codes.DeadlineExceeded, ReasonStop, "deadline")
		f.stop = func(context.Context) error { return errors.New("nobody takes the data") }
		_, err = w.Drain(ctx, &workerv1.DrainRequest{Id: r.Id})
		fails(t, err, codes.Aborted, ReasonStop, "nobody takes the data")
		f.stop = nil
		if _, err := w.Drain(ctx, &workerv1.DrainRequest{Id: r.Id}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		_, err = w.Drain(ctx, &workerv1.DrainRequest{Id: r.Id})
		fails(t, err, codes.NotFound, ReasonNotFound, r.Id)
		if err := errors.Join(w.StopAll(ctx, "test"), w.StopAll(ctx, "again")); err != nil {
			t.Error(err)
		}
		_, err = w.Start(ctx, startRequest())
		fails(t, err, codes.Unavailable, ReasonClosing, "shutting down")
	})
}

func TestStartsThatFail(t *testing.T) {
	for name, k := range map[string]struct {
		start  Starter
		code   codes.Code
		reason string
		text   string
		exit   string
	}{
		"error": {func(context.Context, worker.StartOptions) (Running, error) { return nil, errors.New("refused") },
			codes.FailedPrecondition, ReasonStart, "refused", "1 asked exited refused"},
		"too late": {func(ctx context.Context, _ worker.StartOptions) (Running, error) { return nil, deaf(ctx) },
			codes.DeadlineExceeded, ReasonStart, "deadline", "1 asked exited context deadline exceeded"},
		"panic": {func(context.Context, worker.StartOptions) (Running, error) { panic("author") },
			codes.Internal, ReasonPanic, "panic: author", "1 asked exited start: the worker class panicked"},
		"nothing": {func(context.Context, worker.StartOptions) (Running, error) { return nil, nil },
			codes.Internal, ReasonPanic, "nil pointer", "1 asked exited start: the worker class panicked"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := NewWorkers(k.start)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := RecoverUnary(ctx, startRequest(), nil, func(ctx context.Context, req any) (any, error) {
					return w.Start(ctx, req.(*workerv1.StartRequest))
				})
				fails(t, err, k.code, k.reason, k.text)
				seen := &watcher{ctx: t.Context()}
				done := make(chan error)
				go func() { done <- w.Watch(nil, seen) }()
				if got := seen.seen(); got != k.exit+"; end" {
					t.Errorf("watchers see %q", got)
				}
				if err := w.StopAll(t.Context(), "test"); err != nil {
					t.Error(err)
				}
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestShutdownWhileWorkersJoin: their joining ends, and one that has just joined
// is stopped before the shutdown is answered.
func TestShutdownWhileWorkersJoin(t *testing.T) {
	for name, obeys := range map[string]bool{"obeys": true, "joins all the same": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, proceed := newFake("w"), make(chan struct{})
				w := NewWorkers(func(ctx context.Context, _ worker.StartOptions) (Running, error) {
					<-ctx.Done()
					if obeys {
						return nil, ctx.Err()
					}
					<-proceed
					return f, nil
				})
				started := make(chan error)
				go func() { _, err := w.Start(t.Context(), startRequest()); started <- err }()
				synctest.Wait()
				stopped := make(chan error)
				go func() { stopped <- w.StopAll(t.Context(), "test") }()
				synctest.Wait()
				close(proceed)
				fails(t, <-started, codes.Unavailable, ReasonClosing, "shutting down")
				if err := <-stopped; err != nil {
					t.Error(err)
				}
				if !obeys && f.stops != 1 {
					t.Errorf("the worker that joined was stopped %d times", f.stops)
				}
			})
		})
	}
}

func TestShutdownIsBoundedByItsGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, quit := newFake("w"), 0
		f.stop = deaf
		w := NewWorkers(starterOf(f))
		if _, err := w.Start(t.Context(), startRequest()); err != nil {
			t.Fatal(err)
		}
		b := &Base{StopAll: w.StopAll, Quit: func() { quit++ }}
		start := time.Now()
		_, err := b.Shutdown(t.Context(), &pluginv1.ShutdownRequest{GraceMs: 3000})
		fails(t, err, codes.DeadlineExceeded, ReasonStop, "deadline")
		if took := time.Since(start); took != 3*time.Second || quit != 1 {
			t.Errorf("answered after %v, %d quits", took, quit)
		}
		f.end(nil)
	})
}

// late takes the end of a worker no sooner than it is told to.
type late struct {
	watcher
	take chan struct{}
}

func (l *late) Send(r *workerv1.WatchResponse) error {
	if r.GetWorker().GetState() == workerv1.WorkerState_WORKER_STATE_EXITED {
		<-l.take
	}
	return l.watcher.Send(r)
}

// TestWatchersAreToldBeforeTheAnswer: a host that has the answer to Shutdown hangs
// up, so that what it was not sent by then is lost. One that takes nothing delays
// the answer for no longer than its grace.
func TestWatchersAreToldBeforeTheAnswer(t *testing.T) {
	for name, frozen := range map[string]bool{"slow": false, "frozen": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := NewWorkers(starterOf(newFake("w")))
				if _, err := w.Start(t.Context(), startRequest()); err != nil {
					t.Fatal(err)
				}
				out, answered, done := &late{watcher{ctx: t.Context()}, make(chan struct{})}, make(chan error, 1), make(chan error)
				go func() { done <- w.Watch(nil, out) }()
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				go func() { answered <- w.StopAll(ctx, "test") }()
				if synctest.Wait(); len(answered) > 0 {
					t.Error("answered before the watcher has been told")
				}
				if frozen {
					<-ctx.Done()
				} else {
					close(out.take)
				}
				if err := <-answered; err != nil || (ctx.Err() != nil) != frozen {
					t.Errorf("%v; the grace: %v", err, ctx.Err())
				}
				if frozen {
					close(out.take)
				}
				if err := <-done; err != nil || !strings.HasSuffix(out.seen(), "1 w exited") {
					t.Errorf("%v, seen %s", err, out.seen())
				}
			})
		})
	}
}

// TestStartOfACallerThatLeft: a worker that nobody knows of must not stay.
func TestStartOfACallerThatLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("w")
		ctx, cancel := context.WithCancel(t.Context())
		w := NewWorkers(func(context.Context, worker.StartOptions) (Running, error) { cancel(); return f, nil })
		_, err := w.Start(ctx, startRequest())
		fails(t, err, codes.Canceled, ReasonStart, "canceled")
		<-f.done
	})
}

func TestEndedWorkersAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWorkers(func(context.Context, worker.StartOptions) (Running, error) { return nil, errors.New("no") })
		for range maxEnded + 10 {
			_, err := w.Start(t.Context(), startRequest())
			fails(t, err, codes.FailedPrecondition, ReasonStart, "no")
		}
		infos, _, _ := w.table.snapshot()
		if len(infos) != maxEnded || infos[0].Id != "11" {
			t.Errorf("%d ended workers are remembered, from %s", len(infos), infos[0].Id)
		}
	})
}

// class is a configuration that knows two words.
type class struct{ kept string }

func (c *class) Validate(b []byte) error {
	switch string(b) {
	case "good", "":
		return nil
	case "both":
		return errors.Join(errors.New("first"), errors.New("second"))
	case "wrapped":
		return fmt.Errorf("one sentence: %w because of %w", errors.New("this"), errors.New("that"))
	}
	return errors.New("no such field")
}

func (c *class) Configure(b []byte) error {
	if err := c.Validate(b); err != nil {
		return err
	}
	c.kept = string(b)
	return nil
}

func TestConfiguration(t *testing.T) {
	c, level := &class{}, ""
	b := &Base{Class: c, SetLevel: func(l string) { level = l }, Description: &pluginv1.DescribeResponse{Name: "x"}}
	for config, want := range map[string][]string{
		"good": nil, "": nil, "odd": {"no such field"}, "both": {"first", "second"},
		"wrapped": {"one sentence: this because of that"},
	} {
		r, err := b.Validate(t.Context(), &pluginv1.ValidateRequest{ConfigJson: []byte(config)})
		if err != nil || len(r.Errors) != len(want) {
			t.Fatalf("%q: %v, %v", config, r, err)
		}
		for i, e := range r.Errors {
			if e.Message != want[i] {
				t.Errorf("%q: error %d is %q, want %q", config, i, e.Message, want[i])
			}
		}
	}
	_, err := b.Configure(t.Context(), &pluginv1.ConfigureRequest{ConfigJson: []byte("odd"), LogLevel: "debug"})
	fails(t, err, codes.InvalidArgument, ReasonConfig, "no such field")
	if c.kept != "" || level != "" {
		t.Errorf("a wrong configuration was kept: %q, %q", c.kept, level)
	}
	if _, err := b.Configure(t.Context(), &pluginv1.ConfigureRequest{ConfigJson: []byte("good"), LogLevel: "debug"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Configure(t.Context(), &pluginv1.ConfigureRequest{}); err != nil || level != "debug" || c.kept != "" {
		t.Errorf("%v; level %q, kept %q", err, level, c.kept)
	}
	if d, err := b.Describe(t.Context(), nil); err != nil || d.Name != "x" {
		t.Errorf("got %v, %v", d, err)
	}
}

func TestPanicsOfStreams(t *testing.T) {
	err := RecoverStream(nil, nil, nil, func(any, grpc.ServerStream) error { panic("odd") })
	fails(t, err, codes.Internal, ReasonPanic, "panic: odd")
	if !strings.Contains(status.Convert(err).Message(), "TestPanicsOfStreams") {
		t.Error("no stack")
	}
}

func TestOptions(t *testing.T) {
	o := Options(&workerv1.StartRequest{Scheduler: "s", Name: "n", MemoryLimit: 5, Resources: map[string]float64{"R": 1}, DeathTimeoutMs: 1500, Nanny: "a"})
	if o.NThreads != 1 || o.DeathTimeout != 1500*time.Millisecond || o.MemoryLimit != 5 || o.Resources["R"] != 1 || o.Nanny != "a" || o.Memory != nil {
		t.Errorf("got %+v", o)
	}
	o = Options(&workerv1.StartRequest{Memory: &workerv1.Memory{
		Target: 0.1, Spill: 0.2, Pause: 0.3, Transfer: 0.4, MaxSpill: 5, SpillCompression: "none", MonitorIntervalMs: 6,
	}})
	want := worker.Memory{Target: 0.1, Spill: 0.2, Pause: 0.3, Transfer: 0.4, MaxSpill: 5, Compression: "none", Interval: 6 * time.Millisecond}
	if o.Memory == nil || *o.Memory != want {
		t.Errorf("got %+v", o.Memory)
	}
}
