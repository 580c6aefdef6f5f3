package workerrt

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	ref "github.com/gdask/gdask/sdk/actor"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// diary is an actor that tells the test what happens to it.
type diary struct {
	Lines  []string
	closed chan struct{}
	begun  chan struct{}
}

func (d *diary) Write(s string) int { d.Lines = append(d.Lines, s); return len(d.Lines) }

func (d *diary) Quit() { runtime.Goexit() }

func (d *diary) Broken() (chan int, error) { return nil, errors.New("no") }

func (d *diary) Wait(ctx context.Context) error {
	d.begun <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

func (d *diary) Close() error { close(d.closed); return errors.New("cannot be closed") }

func newDiary() *diary { return &diary{closed: make(chan struct{}), begun: make(chan struct{}, 1)} }

func actorTask(key string) *wire.ComputeTask {
	c := compute(key)
	c.Actor = true
	return c
}

// invoke calls a method as a peer does.
func invoke(t *testing.T, w *Worker, method string, args ...any) (any, error) {
	t.Helper()
	call := &ref.Call{Ref: ref.Ref{Key: wire.StrKey("a"), Address: w.Address()}, Method: method}
	for _, v := range args {
		o, err := task.EncodeValue(v)
		if err != nil {
			t.Fatal(err)
		}
		call.Args = append(call.Args, o)
	}
	pool := wire.NewPool(w.set.Transports.Dial, wire.Settings{}, 0)
	defer func() { _ = pool.Close() }()
	c := &ref.Caller{Pool: pool, Scheduler: w.set.Scheduler}
	o, err := c.Do(t.Context(), call)
	if err != nil {
		return nil, err
	}
	return task.DecodeValue(o, nil)
}

func TestAnActorTakesCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		w, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{"a": value(d)}.run})
		ss.send(actorTask("a"))
		finished(t, ss, "a")
		if n, err := invoke(t, w, "Write", "x"); err != nil || n != 1 {
			t.Errorf("%v, %v", n, err)
		}
		for method, want := range map[string]string{
			"Quit": "runtime.Goexit", "Rite": "did you mean \"Write\"", "Broken": "a channel",
		} {
			if _, err := invoke(t, w, method); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %q", method, err, want)
			}
		}
		for want, args := range map[string][]any{"takes 1 arguments": {"x", "y"}, "argument 1": {5}} {
			if _, err := invoke(t, w, "Write", args...); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v", args, err)
			}
		}
		if n, err := invoke(t, w, "Write", "y"); err != nil || n != 2 {
			t.Errorf("after a lost goroutine: %v, %v", n, err)
		}
	})
}

// A peer that asks for the actor as data gets a handle.
func TestAnActorIsNeverData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{"a": value(newDiary())}.run})
		ss.send(actorTask("a"))
		finished(t, ss, "a")
		data := askData(t, w, "a").Data
		v, err := task.DecodeValue(data[0].Value, reflect.TypeFor[ref.Ref]())
		want := ref.Ref{Key: wire.StrKey("a"), Address: w.Address(), Type: "*workerrt.diary"}
		if err != nil || v != want {
			t.Errorf("%+v, %v", v, err)
		}
	})
}

// The call under way is cancelled, those behind it fail, the object is closed.
func TestAnActorThatIsFreedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		w, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{"a": value(d)}.run})
		ss.send(actorTask("a"))
		finished(t, ss, "a")
		under, behind := make(chan error, 1), make(chan any, 1)
		go func() { _, err := invoke(t, w, "Wait"); under <- err }()
		<-d.begun
		a := w.actors.find(wire.StrKey("a"))
		go func() { behind <- a.call(&actorCall{do: func(context.Context) any { return "ran" }}) }()
		synctest.Wait()
		ss.send(&wire.FreeKeys{Keys: []wire.Key{wire.StrKey("a")}})
		<-d.closed
		if err := <-under; err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
			t.Errorf("the call under way: %v", err)
		}
		if f, ok := (<-behind).(*wire.Failure); !ok || !strings.Contains(f.ExceptionText, "has ended") {
			t.Errorf("the call behind it: %+v", f)
		}
		if _, err := invoke(t, w, "Write", "z"); err == nil {
			t.Error("a freed actor takes calls")
		}
	})
}

func TestActorsEndWithTheirWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		w, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{"a": value(d)}.run})
		ss.send(actorTask("a"))
		finished(t, ss, "a")
		under := make(chan error, 1)
		go func() { _, err := invoke(t, w, "Wait"); under <- err }()
		<-d.begun
		if err := w.Stop(t.Context(), "test"); err != nil {
			t.Fatal(err)
		}
		if err := <-under; err == nil {
			t.Error("a call outlived its worker")
		}
		select {
		case <-d.closed:
		default:
			t.Error("the object was not closed")
		}
	})
}

func TestAConstructorThatReturnsNothing(t *testing.T) {
	_, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{"a": value(nil)}.run})
	ss.send(actorTask("a"))
	if e := erred(t, ss, "a"); !strings.Contains(e.ExceptionText, "returned nil") {
		t.Error(e.ExceptionText)
	}
}
