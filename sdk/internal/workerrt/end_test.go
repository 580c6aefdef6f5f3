package workerrt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/sdk/wire"
)

// ends waits for a worker's end.
func ends(t *testing.T, w *Worker) {
	t.Helper()
	select {
	case <-w.Done():
	case <-time.After(patience):
		t.Fatalf("the worker does not end; it is %s", w.Status())
	}
}

func hasOp(ms []wire.Msg, op string) bool {
	for _, m := range ms {
		if m.Op() == op {
			return true
		}
	}
	return false
}

// TestDrainHandsOnThenLeaves: the data is asked to be taken over before anything
// is given up, and nothing is left behind.
func TestDrainHandsOnThenLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		dir := t.TempDir()
		w, ss := s.start(Settings{LocalDirectory: dir, Run: works{}.run})
		ss.send(compute("a"))
		finished(t, ss, "a")
		handed := ""
		s.script(func() {
			s.retire = func(m wire.Opaque) any {
				handed = w.Status()
				for name, want := range map[string]any{"close_workers": false, "remove": false, "timeout": "90.000 s"} {
					if got := field(t, m, name); got != want {
						t.Errorf("retire_workers: %s is %v, want %v", name, got, want)
					}
				}
				if got := fmt.Sprint(field(t, m, "workers")); got != fmt.Sprintf("[%s]", w.Address()) {
					t.Errorf("retire_workers: workers %s", got)
				}
				return map[string]any{}
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
		defer cancel()
		if err := w.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		if handed != "closing_gracefully" || w.Status() != "closed" || w.Err() != nil {
			t.Errorf("handed on while %q, now %s, %v", handed, w.Status(), w.Err())
		}
		if said := ss.over(); !hasOp(said, "close-stream") {
			t.Errorf("left without a word: %v", opsOf(said))
		}
		if !isEmpty(t, dir) {
			t.Error("the local directory was left behind")
		}
		dctx, dcancel := context.WithTimeout(t.Context(), time.Second)
		defer dcancel()
		if _, err := s.set.Dial(dctx, w.Address()); err == nil {
			t.Error("still listening")
		}
		cancel() // ended is ended, whatever the time
		if err := errors.Join(w.Drain(ctx), w.Stop(ctx, "again")); err != nil {
			t.Errorf("ending twice: %v", err)
		}
		if len(s.retired) != 1 {
			t.Errorf("retired %d times", len(s.retired))
		}
	})
}

// TestTasksRunOnWhileTheWorkerRetires: what it was given comes to its end.
func TestTasksRunOnWhileTheWorkerRetires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		w, ss := s.start(Settings{Run: works{}.run})
		over, drained := make(chan struct{}), make(chan error)
		s.script(func() { s.retire = func(wire.Opaque) any { return later{over, map[string]any{}} } })
		go func() { drained <- w.Drain(t.Context()) }()
		ss.status("closing_gracefully")
		ss.send(compute("last"))
		finished(t, ss, "last")
		close(over)
		if err := <-drained; err != nil {
			t.Error(err)
		}
	})
}

func TestDrainThatTheSchedulerRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		w, _ := s.start(Settings{})
		s.script(func() { s.retire = func(wire.Opaque) any { return wire.FailureOf(errors.New("nobody to take it")) } })
		err := w.Drain(t.Context())
		if err == nil || !strings.Contains(err.Error(), "nobody to take it") || !strings.Contains(err.Error(), w.Address()) {
			t.Errorf("got %v", err)
		}
		ends(t, w)
	})
}

// TestStopIsBounded by its context whatever the scheduler does, and what the
// worker holds is handed on in at most half of the time.
func TestStopIsBounded(t *testing.T) {
	for name, holds := range map[string]bool{"holding data": true, "empty": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScheduler(t, memSet(t))
				w, ss := s.start(Settings{Run: works{}.run})
				if holds {
					ss.send(compute("a"))
					finished(t, ss, "a")
				}
				s.script(func() { s.retire = func(wire.Opaque) any { return silent{} } })
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				start := time.Now()
				if err := w.Stop(ctx, "test"); err != nil {
					t.Error(err)
				}
				took := time.Since(start)
				if holds && took != 10*time.Second || !holds && took > farewellPatience {
					t.Errorf("took %v of 20 s", took)
				}
			})
		})
	}
}

// TestStopDoesNotWaitForADrain: each of several callers is bounded by its own time.
func TestStopDoesNotWaitForADrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		w, ss := s.start(Settings{Run: works{}.run})
		ss.send(compute("a"))
		finished(t, ss, "a")
		s.script(func() { s.retire = func(wire.Opaque) any { return silent{} } })
		drained := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			drained <- w.Drain(ctx)
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
		defer cancel()
		start := time.Now()
		if err := w.Stop(ctx, "impatient"); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 8*time.Second {
			t.Errorf("stop took %v, its context 8 s", took)
		}
		<-drained
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("the drain went on for %v behind a worker that ended", took)
		}
	})
}

// TestStopWithATaskThatIgnoresItsContext returns in time with an error that says
// so; the worker ends when the task does.
func TestStopWithATaskThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, began := make(chan struct{}), make(chan struct{})
		dir := t.TempDir()
		w, ss := newScheduler(t, memSet(t)).start(Settings{LocalDirectory: dir, Run: works{
			"deaf": func(context.Context, *Job) (any, error) { close(began); <-release; return 1, nil },
		}.run})
		ss.send(compute("deaf"))
		<-began
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		err := w.Stop(ctx, "test")
		if err == nil || !strings.Contains(err.Error(), "tasks that ignore their context") || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		ss.over() // the scheduler does not wait
		close(release)
		ends(t, w)
		if !isEmpty(t, dir) {
			t.Error("the local directory was left behind")
		}
	})
}

func TestSchedulerClosesTheWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		w, ss := s.start(Settings{Run: works{
			"long": func(ctx context.Context, _ *Job) (any, error) { <-ctx.Done(); return nil, ctx.Err() },
		}.run})
		ss.send(compute("long"), &wire.CloseWorker{Reason: "scaled down"})
		ends(t, w)
		if w.Err() != nil {
			t.Errorf("asked to end, yet %v", w.Err())
		}
	})
}

// TestSchedulerClosesTheWorkerAndEnds: the end of the connection follows at once,
// and is no reason to come back, nor to say so.
func TestSchedulerClosesTheWorkerAndEnds(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			var warnings strings.Builder
			s := newScheduler(t, memSet(t))
			w, ss := s.start(Settings{Run: works{}.run, Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: &warnings})})
			ss.send(&wire.CloseWorker{Reason: "the scheduler ends"})
			s.hangUp()
			ends(t, w)
			if w.Err() != nil || warnings.Len() > 0 {
				t.Errorf("asked to end, yet %v, %s", w.Err(), &warnings)
			}
		})
	}
}

func TestTerminateRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := newScheduler(t, memSet(t)).start(Settings{})
		_, _ = call(t, w, "terminate", nil) // the answer may be cut off by the end
		ends(t, w)
		if w.Err() != nil {
			t.Errorf("asked to end, yet %v", w.Err())
		}
	})
}

func TestStatusChangeOfTheScheduler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{}.run})
		ss.status("running")
		ss.send(&wire.WorkerStatusChange{Status: "paused"})
		ss.status("paused")
		ss.send(compute("a"))
		synctest.Wait()
		if w.stats.Load().Ready != 1 {
			t.Errorf("a paused worker: %+v", w.stats.Load())
		}
		ss.send(&wire.WorkerStatusChange{Status: "running"})
		finished(t, ss, "a")
		ss.send(&wire.WorkerStatusChange{Status: "nonsense"}, &wire.WorkerStatusChange{Status: "closing_gracefully"})
		ss.status("closing_gracefully")
		ss.send(&wire.WorkerStatusChange{Status: "running"}) // its retirement is taken back
		ss.status("running")
		ss.send(compute("b"))
		finished(t, ss, "b")
		ss.send(&wire.WorkerStatusChange{Status: "closing_gracefully"}, &wire.WorkerStatusChange{Status: "running"}, &wire.WorkerStatusChange{Status: "paused"})
		for _, want := range []string{"closing_gracefully", "running", "paused"} { // in this order
			ss.status(want)
		}
		w.setStatus("closing")
		ss.send(&wire.WorkerStatusChange{Status: "running"})
		synctest.Wait()
		if w.Status() != "closing" {
			t.Errorf("status %s", w.Status())
		}
	})
}

// TestMessagesTwiceAndUnknown: what a scheduler repeats or invents does no harm.
func TestMessagesTwiceAndUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		release := make(chan struct{})
		w, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{
			"a": func(context.Context, *Job) (any, error) { runs++; <-release; return 1, nil },
		}.run})
		again := compute("a")
		again.RunID = 2
		ss.send(compute("a"), again, &wire.UnknownMsg{Name: "dance"}, &wire.KeyInMemory{Key: wire.StrKey("x")},
			&wire.FreeKeys{Keys: []wire.Key{wire.StrKey("unknown")}}, &wire.RemoveWorker{Worker: "mem://nobody"},
			&wire.RemoveReplicas{Keys: []wire.Key{wire.StrKey("unknown")}}, &wire.CloseStream{})
		if err := ss.c.SendValue([]any{"OK", 3, nil}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		close(release)
		if m := finished(t, ss, "a"); runs != 1 || m.RunID != 2 {
			t.Errorf("%d runs, run id %d", runs, m.RunID)
		}
		ss.send(again) // it is here already
		finished(t, ss, "a")
		if runs != 1 || w.Status() != "running" {
			t.Errorf("%d runs, %s", runs, w.Status())
		}
	})
}
