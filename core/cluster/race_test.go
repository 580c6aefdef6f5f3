package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdask/gdask/sdk/worker"
)

// slowSource starts no worker before its context ends.
type slowSource struct {
	fakeSource
	began chan struct{}
}

func (s *slowSource) StartWorker(ctx context.Context, class string, in bool, o worker.StartOptions) (worker.Handle, error) {
	if o.Name == "1" {
		return s.fakeSource.StartWorker(ctx, class, in, o)
	}
	close(s.began)
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// A cluster that is closed while it starts ends once, with all that was started.
func TestCloseDuringTheStart(t *testing.T) {
	sch, src := &fakeScheduler{}, &slowSource{began: make(chan struct{})}
	c, err := NewLocal(Settings{Name: "foo", Scheduler: sch, Source: src, Class: "x", Workers: 2, Worker: worker.StartOptions{NThreads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan error, 1)
	go func() { started <- c.Start(context.Background()) }()
	<-src.began
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		t.Error(err)
	}
	if err := <-started; !errors.Is(err, context.Canceled) {
		t.Errorf("start: %v", err)
	}
	if sch.closed != 1 || c.Status() != Closed {
		t.Errorf("the scheduler was closed %d times, status %s", sch.closed, c.Status())
	}
	for _, w := range src.all {
		if len(w.stopped) != 1 {
			t.Errorf("worker %s was stopped %d times", w.name, len(w.stopped))
		}
	}
}

// dyingWorker dies while its name is asked for.
type dyingWorker struct {
	*fakeWorker
	dies bool
}

func (w *dyingWorker) Name() string {
	if w.dies {
		w.dies = false
		close(w.done)
		<-time.After(time.Second) // of fake time: its watch looks, and leaves it to who scales
	}
	return w.fakeWorker.Name()
}

// A worker that dies when its retirement is given up is none that stays.
func TestAWorkerThatDiesAsItsRetirementFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, sch, _ := newFake(t, 2)
		if err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		dying := &dyingWorker{fakeWorker: &fakeWorker{name: "2", done: make(chan struct{})}}
		m := &member{number: 2, handle: dying}
		c.mu.Lock()
		c.workers = append(c.workers, m)
		c.mu.Unlock()
		c.wg.Go(func() { c.watch(m) })
		sch.retire = func(context.Context, []string) (map[string]string, error) {
			dying.dies = true
			return map[string]string{"2": "it holds everything"}, nil
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
	})
}
