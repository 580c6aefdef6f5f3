package gdask

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// tally is the actor of the tests.
type tally struct {
	N     int
	Names []string
	busy  int
	peer  Actor[*tally]
}

var newTally = ActorFunc[*tally]("tally", func(n int) (*tally, error) {
	if n < 0 {
		return nil, errors.New("no tally below 0")
	}
	return &tally{N: n}, nil
})

func (t *tally) Add(n int) int { t.N += n; return t.N }

func (t *tally) Name(s string) { t.Names = append(t.Names, s) }

func (t *tally) Pid() int { return os.Getpid() }

func (t *tally) Fail() (int, error) { return 0, errors.New("cannot count") }

func (t *tally) Panic() int { panic("lost count") }

func (t *tally) Slice() []string { return t.Names }

// Alone fails when two calls run at once.
func (t *tally) Alone(ctx context.Context) error {
	if t.busy++; t.busy > 1 {
		return errors.New("two calls at once")
	}
	for range 100 {
		runtime.Gosched()
	}
	t.busy--
	return ctx.Err()
}

func (t *tally) Hang(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func (t *tally) SetPeer(p Actor[*tally]) { t.peer = p }

// Relay adds to the peer, which may be the actor that called.
func (t *tally) Relay(ctx context.Context, method string) (int, error) {
	if method == "Add" {
		return Call[int](ctx, t.peer, "Add", 100).Result(ctx)
	}
	return Call[int](ctx, t.peer, "Relay", "Add").Result(ctx)
}

var (
	addTo  = Func[int]("addto", addToTally)
	makeIn = Func[int]("makeactor", makeTally)
	handOn = Func[Actor[*tally]]("handon", func(a Actor[*tally]) Actor[*tally] { return a })
)

func addToTally(ctx context.Context, a Actor[*tally], n int) (int, error) {
	return Call[int](ctx, a, "Add", n).Result(ctx)
}

// makeTally makes an actor from inside of a task.
func makeTally(ctx context.Context, n int) (int, error) {
	c, err := TaskClient(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	a, err := newTally.Submit(c, n).Result(ctx)
	if err != nil {
		return 0, err
	}
	return Call[int](ctx, a, "Add", 1).Result(ctx)
}

func TestActors(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 60*time.Second)
			c := newClient(t, ctx, o)
			t.Run("calls", func(t *testing.T) { actorCalls(t, ctx, c) })
			t.Run("failures", func(t *testing.T) { actorFailures(t, ctx, c) })
			t.Run("one at a time", func(t *testing.T) { actorAlone(t, ctx, c) })
			t.Run("in tasks", func(t *testing.T) { actorsInTasks(t, ctx, c) })
			t.Run("call each other", func(t *testing.T) { actorsCallActors(t, ctx, c) })
			t.Run("as data", func(t *testing.T) { actorsAsData(t, ctx, c) })
			t.Run("spread", func(t *testing.T) { actorsSpread(t, ctx, c) })
			t.Run("end", func(t *testing.T) { actorEnds(t, ctx, c) })
		})
	}
}

func actorCalls(t *testing.T, ctx context.Context, c *Client) {
	f := newTally.Submit(c, 10)
	a, err := f.Result(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := a.String(); got != "<Actor: *gdask.tally, key: "+f.Key()+">" {
		t.Error(got)
	}
	var calls []*ActorFuture[int]
	for range 20 {
		calls = append(calls, Call[int](ctx, a, "Add", 1))
	}
	for i, call := range calls { // in their order
		if n, err := call.Result(ctx); err != nil || n != 11+i || !call.Done() {
			t.Errorf("call %d: %d, %v", i, n, err)
		}
	}
	if n, err := Attribute[int](ctx, a, "N"); err != nil || n != 30 {
		t.Errorf("attribute: %d, %v", n, err)
	}
	for _, s := range []string{"x", "y"} {
		if _, err := Call[any](ctx, a, "Name", s).Result(ctx); err != nil {
			t.Error(err)
		}
	}
	names, err := Call[[]string](ctx, a, "Slice").Result(ctx)
	if err != nil || !slices.Equal(names, []string{"x", "y"}) {
		t.Error(names, err)
	}
	names[0] = "mine" // no memory is shared
	if names, _ = Attribute[[]string](ctx, a, "Names"); names[0] != "x" {
		t.Error("the caller changed the actor's state")
	}
	b := newTally.Submit(c, 10)
	if b.Key() == f.Key() {
		t.Error("two actors have one key")
	}
	again, err := f.Result(ctx)
	if n, err2 := Call[int](ctx, again, "Add", 0).Result(ctx); err != nil || err2 != nil || n != 30 {
		t.Errorf("a second handle: %d, %v, %v", n, err, err2)
	}
}

func actorFailures(t *testing.T, ctx context.Context, c *Client) {
	var te *TaskError
	if _, err := newTally.Submit(c, -1).Result(ctx); !errors.As(err, &te) || te.Message != "no tally below 0" {
		t.Errorf("constructor: %v", err)
	}
	a, err := newTally.Submit(c, 0).Result(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var ce *ActorCallError
	if _, err := Call[int](ctx, a, "Fail").Result(ctx); !errors.As(err, &ce) || ce.Message != "cannot count" || ce.Method != "Fail" {
		t.Errorf("method: %v", err)
	}
	if _, err := Call[int](ctx, a, "Panic").Result(ctx); !errors.As(err, &ce) || !strings.Contains(ce.Stack, "actors_test.go") {
		t.Errorf("panic: %v", err)
	}
	pending := inc.Submit(c, 5)
	for want, err := range map[string]error{
		"no method Ad;":            errOf(Call[int](ctx, a, "Ad", 1).Result(ctx)),
		"takes 1 arguments, got 0": errOf(Call[int](ctx, a, "Add").Result(ctx)),
		"is a string, wants int":   errOf(Call[int](ctx, a, "Add", "one").Result(ctx)),
		"returns int, not string":  errOf(Call[string](ctx, a, "Add", 1).Result(ctx)),
		"has a future inside":      errOf(Call[int](ctx, a, "Add", pending).Result(ctx)),
		"no exported field busy":   errOf(Attribute[int](ctx, a, "busy")),
		"belongs to no client":     errOf(Call[int](ctx, Actor[*tally]{}, "Add", 1).Result(ctx)),
		"argument 1 of \"addto\"":  errOf(addTo.Submit(c, scatter1(t, ctx, c, 5), 1).Result(ctx)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want an error with %q", err, want)
		}
	}
	short, cancel := context.WithCancel(ctx)
	hung := Call[any](short, a, "Hang")
	cancel()
	if _, err := hung.Result(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled call: %v", err)
	}
}

// scatter1 is a future whose type says nothing.
func scatter1(t *testing.T, ctx context.Context, c *Client, v any) *Future[any] {
	t.Helper()
	fs, err := Scatter(ctx, c, []any{v}, ScatterOptions{NoHash: true})
	if err != nil {
		t.Fatal(err)
	}
	return fs[0]
}

func errOf[V any](_ V, err error) error { return err }

func actorAlone(t *testing.T, ctx context.Context, c *Client) {
	f := newTally.Submit(c, 0)
	var calls []*ActorFuture[any]
	for range 4 {
		a, err := f.Result(ctx) // each handle has a queue of its own
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			calls = append(calls, Call[any](ctx, a, "Alone"))
		}
	}
	for _, call := range calls {
		if _, err := call.Result(ctx); err != nil {
			t.Error(err)
		}
	}
}

func actorsInTasks(t *testing.T, ctx context.Context, c *Client) {
	f := newTally.Submit(c, 0)
	a, err := f.Result(ctx)
	if err != nil {
		t.Fatal(err)
	}
	// By the future, by the handle, and by a handle that is a result itself.
	fs := []*Future[int]{addTo.Submit(c, f, 1), addTo.Submit(c, a, 10), addTo.Submit(c, handOn.Submit(c, f), 100)}
	fs = append(fs, addTo.With(Options{Impure: true}).Map(c, a, slices.Repeat([]int{1000}, 20))...)
	if _, err := Gather(ctx, fs); err != nil {
		t.Error(err)
	}
	if n, err := Attribute[int](ctx, a, "N"); err != nil || n != 20111 {
		t.Errorf("%d, %v", n, err)
	}
	moved, err := handOn.Submit(c, a).Result(ctx)
	if n, err2 := Call[int](ctx, moved, "Add", 1).Result(ctx); err != nil || err2 != nil || n != 20112 {
		t.Errorf("a handle that was a result: %d, %v, %v", n, err, err2)
	}
	if n, err := makeIn.Submit(c, 41).Result(ctx); err != nil || n != 42 {
		t.Errorf("made by a task: %d, %v", n, err)
	}
}

func actorsCallActors(t *testing.T, ctx context.Context, c *Client) {
	made, err := Gather(ctx, newTally.Map(c, []int{1, 2}))
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range made {
		if _, err := Call[any](ctx, a, "SetPeer", made[1-i]).Result(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := Call[int](ctx, made[0], "Relay", "Add").Result(ctx); err != nil || n != 102 {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := Call[int](ctx, made[0], "Relay", "Relay").Result(ctx); err == nil || !strings.Contains(err.Error(), "would wait for itself") {
		t.Errorf("an actor that waits for itself: %d, %v", n, err)
	}
}

// A handle, and a future, that come out of a queue are the receiver's.
func actorsAsData(t *testing.T, ctx context.Context, c *Client) {
	type letter struct {
		To Actor[*tally]
		By *Future[int]
	}
	other, err := NewClient(ctx, c.SchedulerAddress(), ClientOptions{NotDefault: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	a, err := newTally.Submit(c, 5).Result(ctx)
	if err != nil {
		t.Fatal(err)
	}
	by := inc.Submit(c, 6)
	if err := by.Exception(ctx); err != nil { // the scheduler knows it by now
		t.Fatal(err)
	}
	in, out := NewQueue[letter](c, "letters", 0), NewQueue[letter](other, "letters", 0)
	if err := in.Put(ctx, letter{a, by}); err != nil {
		t.Fatal(err)
	}
	got, err := out.Get(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n, err := got.By.Result(ctx)
	total, err2 := Call[int](ctx, got.To, "Add", n).Result(ctx)
	if err != nil || err2 != nil || total != 12 || got.To.c != other || got.By.Client() != other {
		t.Errorf("%d, %v, %v", total, err, err2)
	}
	if err := errors.Join(in.Close(), out.Close()); err != nil {
		t.Error(err)
	}
}

func actorsSpread(t *testing.T, ctx context.Context, c *Client) {
	made, err := Gather(ctx, newTally.Map(c, []int{1, 2, 3, 4}))
	if err != nil {
		t.Fatal(err)
	}
	on := map[string]int{}
	for _, a := range made {
		on[a.Worker()]++
	}
	if len(on) != 2 {
		t.Errorf("all on one worker: %v", on)
	}
}

func actorEnds(t *testing.T, ctx context.Context, c *Client) {
	f := newTally.Submit(c, 7)
	a, err := f.Result(ctx)
	if err != nil {
		t.Fatal(err)
	}
	f.Release()
	if n, err := Call[int](ctx, a, "Add", 1).Result(ctx); err != nil || n != 8 {
		t.Fatalf("the handle does not keep the actor: %d, %v", n, err)
	}
	a.keep.Release()
	for err == nil {
		_, err = Call[int](ctx, a, "Add", 1).Result(ctx)
	}
	if lost, ok := errors.AsType[*ActorLostError](err); !ok || !strings.HasPrefix(lost.Error(), "Worker holding Actor was lost: tally-") {
		t.Errorf("an actor that has ended: %v", err)
	}
}
