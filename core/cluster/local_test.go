package cluster

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gdask/gdask/sdk/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type fakeScheduler struct {
	fail   error
	ending bool
	closed int
	retire func(ctx context.Context, names []string) (map[string]string, error) // nil: all may go
}

func (s *fakeScheduler) RetireWorkers(ctx context.Context, names []string, _ time.Duration) (map[string]string, error) {
	if s.retire == nil {
		return nil, nil
	}
	return s.retire(ctx, names)
}

func (s *fakeScheduler) Start(context.Context) error { return s.fail }
func (s *fakeScheduler) Address() string             { return "fake://1" }
func (s *fakeScheduler) DashboardLink() string       { return "http://127.0.0.1:1/status" }
func (s *fakeScheduler) Ending()                     { s.ending = true }
func (s *fakeScheduler) Close(context.Context) error { s.closed++; return nil }

type fakeWorker struct {
	name    string
	mu      sync.Mutex
	done    chan struct{}
	stopped []string
}

func (w *fakeWorker) Name() string    { return w.name }
func (w *fakeWorker) Address() string { return "fake://w" + w.name }
func (w *fakeWorker) Pid() int        { return 1 }
func (w *fakeWorker) Stop(_ context.Context, reason string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = append(w.stopped, reason)
	return nil
}
func (w *fakeWorker) Done() <-chan struct{} { return w.done }
func (w *fakeWorker) Err() error            { return errors.New("crashed") }

type fakeSource struct {
	mu   sync.Mutex
	all  []*fakeWorker
	fail map[string]error
}

func (s *fakeSource) StartWorker(_ context.Context, _ string, _ bool, o worker.StartOptions) (worker.Handle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fail[o.Name]; err != nil {
		return nil, err
	}
	w := &fakeWorker{name: o.Name, done: make(chan struct{})}
	s.all = append(s.all, w)
	return w, nil
}

func newFake(t *testing.T, n int) (*Local, *fakeScheduler, *fakeSource) {
	t.Helper()
	sch, src := &fakeScheduler{}, &fakeSource{fail: map[string]error{}}
	c, err := NewLocal(Settings{Name: "foo", Scheduler: sch, Source: src, Class: "x", Workers: n,
		Worker: worker.StartOptions{NThreads: 2, MemoryLimit: 1 << 30}})
	if err != nil {
		t.Fatal(err)
	}
	return c, sch, src
}

func TestLifeOfCluster(t *testing.T) {
	ctx := t.Context()
	c, sch, src := newFake(t, 2)
	if got := c.String(); got != "LocalCluster(foo, '<Not Connected>', workers=0, threads=0, memory=0 B)" {
		t.Error(got)
	}
	if err := c.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if got := c.String(); got != "LocalCluster(foo, 'fake://1', workers=2, threads=4, memory=2.00 GiB)" {
		t.Error(got)
	}
	for _, n := range []int{4, 1, 3} {
		if err := c.Scale(n); err != nil {
			t.Fatal(err)
		}
		if err := c.Settled(ctx); err != nil {
			t.Fatal(err)
		}
		if got := len(c.Workers()); got != n {
			t.Errorf("scaled to %d, have %d", n, got)
		}
	}
	if got := c.Workers()[0].Name(); got != "0" {
		t.Errorf("the first worker should survive, have %s", got)
	}
	if err := c.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(ctx); err != nil || sch.closed != 1 || !sch.ending {
		t.Errorf("second close: %v, scheduler closed %d times", err, sch.closed)
	}
	for _, w := range src.all {
		if len(w.stopped) != 1 {
			t.Errorf("worker %s was stopped %d times", w.name, len(w.stopped))
		}
	}
	if c.Status() != Closed || c.Scale(1) == nil || c.WaitForWorkers(ctx, 1) == nil || c.SchedulerAddress() != "" {
		t.Errorf("a closed cluster still works: %s", c)
	}
	if logs := c.Logs()["Cluster"]; len(logs) < 6 || !strings.Contains(logs[0], "worker joined") {
		t.Errorf("logs: %q", logs)
	}
}

func TestFailedStartClosesAll(t *testing.T) {
	c, sch, src := newFake(t, 3)
	src.fail["1"] = errors.New("no luck")
	err := c.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "worker 1 of class x: no luck") {
		t.Fatalf("start: %v", err)
	}
	for _, w := range src.all {
		if len(w.stopped) != 1 {
			t.Errorf("worker %s was stopped %d times", w.name, len(w.stopped))
		}
	}
	if sch.closed != 1 || c.Status() != Failed {
		t.Errorf("scheduler closed %d times, status %s", sch.closed, c.Status())
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestLostWorkerIsForgotten(t *testing.T) {
	c, _, src := newFake(t, 2)
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	changed := func() chan struct{} { c.mu.Lock(); defer c.mu.Unlock(); return c.changed }()
	close(src.all[0].done)
	<-changed
	if n := len(c.Workers()); n != 1 {
		t.Errorf("%d workers left, want 1", n)
	}
	if err := c.Scale(2); err != nil {
		t.Fatal(err)
	}
	if err := c.Settled(t.Context()); err != nil {
		t.Error(err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWaitingForWorkersIsBounded(t *testing.T) {
	c, _, src := newFake(t, 1)
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.WaitForWorkers(ctx, 3); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "1 of 3") {
		t.Errorf("wait: %v", err)
	}
	if c.WaitForWorkers(t.Context(), 0) == nil || c.Scale(-1) == nil {
		t.Error("nonsense accepted")
	}
	src.fail["1"] = errors.New("no luck")
	if err := c.Scale(2); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitForWorkers(t.Context(), 2); err == nil || !strings.Contains(err.Error(), "no luck") {
		t.Errorf("wait: %v", err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRefusedSettings(t *testing.T) {
	sch, src := &fakeScheduler{}, &fakeSource{}
	for _, s := range []Settings{{}, {Scheduler: sch}, {Scheduler: sch, Source: src}, {Scheduler: sch, Source: src, Workers: -1, Worker: worker.StartOptions{NThreads: 1}}} {
		if _, err := NewLocal(s); err == nil {
			t.Errorf("accepted %+v", s)
		}
	}
	sch.fail = errors.New("port busy")
	c, err := NewLocal(Settings{Scheduler: sch, Source: src, Worker: worker.StartOptions{NThreads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "port busy") || len(c.Name()) != 8 {
		t.Errorf("start: %v, name %q", err, c.Name())
	}
}
