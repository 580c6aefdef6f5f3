package gdask

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// within bounds a test; a cluster that hangs fails instead of stopping the suite.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func newClient(t *testing.T, ctx context.Context, o LocalOptions) *Client {
	t.Helper()
	o.DashboardAddress = "none"
	c, err := NewClient(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// modes are the two kinds of local cluster that everything works on.
var modes = map[string]LocalOptions{
	"threads":   {Processes: new(false), NWorkers: new(2), ThreadsPerWorker: new(1)},
	"processes": {NWorkers: new(2), ThreadsPerWorker: new(1)},
}

func TestEndToEnd(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 60*time.Second)
			c := newClient(t, ctx, o)
			t.Run("one task", func(t *testing.T) { oneTask(t, ctx, c) })
			t.Run("map", func(t *testing.T) { mapped(t, ctx, c) })
			t.Run("graph", func(t *testing.T) { graph(t, ctx, c) })
			t.Run("errors", func(t *testing.T) { failures(t, ctx, c) })
			t.Run("misuse", func(t *testing.T) { misuse(t, ctx, c) })
			t.Run("values", func(t *testing.T) { values(t, ctx, c) })
			t.Run("cancel", func(t *testing.T) { cancelled(t, ctx, c) })
			t.Run("waiting", func(t *testing.T) { waiting(t, ctx, c) })
			t.Run("release", func(t *testing.T) { released(t, ctx, c) })
			t.Run("scatter", func(t *testing.T) { scattered(t, ctx, c) })
			t.Run("options", func(t *testing.T) { optioned(t, ctx, c) })
			t.Run("tasks submit tasks", func(t *testing.T) { submitting(t, ctx, c) })
		})
	}
}

func oneTask(t *testing.T, ctx context.Context, c *Client) {
	f := add.Submit(c, 1, 2)
	if got, err := f.Result(ctx); err != nil || got != 3 {
		t.Fatalf("%d, %v", got, err)
	}
	if f.Status() != Finished || !strings.HasPrefix(f.Key(), "add-") || f.Exception(ctx) != nil {
		t.Error(f)
	}
	again := add.Submit(c, 1, 2)
	if again.Key() != f.Key() {
		t.Errorf("keys of equal calls: %s, %s", f.Key(), again.Key())
	}
	if got := f.String(); !strings.HasPrefix(got, "<Future: finished, type: int, key: add-") {
		t.Error(got)
	}
	if err := c.WaitForWorkers(ctx, 2); err != nil || !strings.Contains(c.String(), "processes=2 threads=2") {
		t.Error(c, err)
	}
}

func mapped(t *testing.T, ctx context.Context, c *Client) {
	xs := make([]int, 5000)
	for i := range xs {
		xs[i] = i
	}
	fs := add.Map(c, xs, 1)
	got, err := Gather(ctx, fs)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range got {
		if x != i+1 {
			t.Fatalf("result %d is %d", i, x)
		}
	}
	Release(fs...)
}

func graph(t *testing.T, ctx context.Context, c *Client) {
	level := inc.Map(c, []int{0, 1, 2, 3, 4, 5, 6, 7})
	for len(level) > 1 {
		var next []*Future[int]
		for pair := range slices.Chunk(level, 2) {
			next = append(next, add.Submit(c, pair[0], pair[1]))
		}
		level = next
	}
	if got, err := level[0].Result(ctx); err != nil || got != 36 {
		t.Errorf("tree: %d, %v", got, err)
	}
	chain := inc.Submit(c, 1000)
	for range 50 {
		chain = inc.Submit(c, chain)
	}
	if got, err := chain.Result(ctx); err != nil || got != 1051 {
		t.Errorf("chain: %d, %v", got, err)
	}
	args := make([]any, 0, 101)
	for _, f := range inc.Map(c, slices.Repeat([]any{chain}, 100)) {
		args = append(args, f)
	}
	if got, err := sum.Submit(c, append(args, 1)...).Result(ctx); err != nil || got != 105201 {
		t.Errorf("fan in: %d, %v", got, err)
	}
}

func failures(t *testing.T, ctx context.Context, c *Client) {
	var te *TaskError
	bad := fail.Submit(c, "it broke")
	if _, err := bad.Result(ctx); !errors.As(err, &te) || te.Message != "it broke" {
		t.Errorf("error: %v", err)
	}
	if bad.Status() != Erred {
		t.Error(bad)
	}
	_, err := explode.Submit(c).Result(ctx)
	if !errors.As(err, &te) || !strings.Contains(te.Message, "too deep") || !strings.Contains(te.Stack, "functions_test.go") {
		t.Errorf("panic: %v\n%s", err, te.Stack)
	}
	if _, err := inc.Submit(c, bad).Result(ctx); !errors.As(err, &te) || te.Message != "it broke" {
		t.Errorf("dependent of an error: %v", err)
	}
	ok := inc.Submit(c, 1)
	if _, err := Gather(ctx, []*Future[int]{ok, bad}); err == nil {
		t.Error("gather hides an error")
	}
	if got, err := GatherSkip(ctx, []*Future[int]{ok, bad}); err != nil || !slices.Equal(got, []int{2}) {
		t.Errorf("gather without the failed: %v, %v", got, err)
	}
}

func misuse(t *testing.T, ctx context.Context, c *Client) {
	for name, f := range map[string]*Future[int]{
		"wrong type":      add.Submit(c, "a", 1),
		"too few":         add.Submit(c, 1),
		"wrong future":    inc.Submit(c, fail.With(Options{}).Submit(c), wordsOf.Submit(c, "x")),
		"failed argument": inc.Submit(c, add.Submit(c)),
		"no slice":        inc.Map(c, 1)[0],
	} {
		if _, err := f.Result(ctx); err == nil || f.Status() != Erred {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func values(t *testing.T, ctx context.Context, c *Client) {
	big := blob.Submit(c, 20<<20, byte('x'))
	if n, err := length.Submit(c, big).Result(ctx); err != nil || n != 20<<20 {
		t.Errorf("length of a big value: %d, %v", n, err)
	}
	if b, err := big.Result(ctx); err != nil || len(b) != 20<<20 || bytes.Count(b, []byte("x")) != len(b) {
		t.Errorf("big value: %d bytes, %v", len(b), err)
	}
	if n, err := length.Submit(c, bytes.Repeat([]byte("y"), 5<<20)).Result(ctx); err != nil || n != 5<<20 {
		t.Errorf("big argument: %d, %v", n, err)
	}
	if m, err := wordsOf.Submit(c, "a bc def").Result(ctx); err != nil || len(m) != 3 || m["def"] != 3 {
		t.Errorf("map: %v, %v", m, err)
	}
	if x, err := tenfold.Submit(c, pair{1, 2}).Result(ctx); err != nil || x != 30 {
		t.Errorf("struct: %v, %v", x, err)
	}
	if p, err := point.Submit(c).Result(ctx); err != nil || p == nil {
		t.Errorf("pointer: %v, %v", p, err)
	}
}

func cancelled(t *testing.T, ctx context.Context, c *Client) {
	var ce *CancelledError
	running := nap.With(Options{Impure: true}).Submit(c, 60000, 1)
	after := inc.Submit(c, running)
	running.Cancel()
	if _, err := running.Result(ctx); !errors.As(err, &ce) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := after.Result(ctx); err == nil {
		t.Error("a dependent of a cancelled task has a result")
	}
	if got, err := inc.Submit(c, 77).Result(ctx); err != nil || got != 78 {
		t.Errorf("after the cancellation: %d, %v", got, err)
	}
}

func waiting(t *testing.T, ctx context.Context, c *Client) {
	slow := nap.With(Options{Impure: true}).Submit(c, 300, 1)
	quick := inc.Map(c, []int{5, 6, 7})
	all := append([]*Future[int]{slow}, quick...)
	done, rest, err := WaitFirst(ctx, all...)
	if err != nil || len(done) == 0 || len(done)+len(rest) != 4 {
		t.Errorf("first: %d done, %d not, %v", len(done), len(rest), err)
	}
	var order []*Future[int]
	for f, err := range AsCompleted(ctx, all...) {
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, f)
	}
	if len(order) != 4 || order[0] == slow {
		t.Errorf("completed in order %v", order)
	}
	if err := Wait(ctx, all...); err != nil {
		t.Error(err)
	}
	called := make(chan int, 1)
	slow.AddDoneCallback(func(f *Future[int]) {
		x, _ := f.Result(ctx)
		called <- x
	})
	if x := <-called; x != 1 {
		t.Errorf("callback: %d", x)
	}
	short, stop := context.WithTimeout(ctx, time.Millisecond)
	defer stop()
	if err := Wait(short, nap.With(Options{Impure: true}).Submit(c, 100, 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("bounded wait: %v", err)
	}
}

func released(t *testing.T, ctx context.Context, c *Client) {
	f := inc.Submit(c, 123456)
	if err := Wait(ctx, f); err != nil {
		t.Fatal(err)
	}
	f.Release()
	if _, err := f.Result(ctx); !errors.Is(err, ErrReleased) {
		t.Errorf("result of a released future: %v", err)
	}
	again := inc.Submit(c, 123456)
	if got, err := again.Result(ctx); err != nil || got != 123457 {
		t.Errorf("submitted again: %d, %v", got, err)
	}
}

func scattered(t *testing.T, ctx context.Context, c *Client) {
	fs, err := Scatter(ctx, c, []int{10, 20, 30}, ScatterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := sum.Submit(c, fs[0], fs[1], fs[2]).Result(ctx); err != nil || got != 60 {
		t.Errorf("sum of scattered values: %d, %v", got, err)
	}
	if got, err := Gather(ctx, fs); err != nil || !slices.Equal(got, []int{10, 20, 30}) {
		t.Errorf("scattered values: %v, %v", got, err)
	}
	everywhere, err := Scatter(ctx, c, [][]byte{make([]byte, 1<<20)}, ScatterOptions{Broadcast: true})
	if err != nil {
		t.Fatal(err)
	}
	holders, err := c.WhoHas(ctx, everywhere[0])
	if err != nil || len(holders[everywhere[0].Key()]) != 2 {
		t.Errorf("broadcast: %v, %v", holders, err)
	}
}

func optioned(t *testing.T, ctx context.Context, c *Client) {
	named := inc.With(Options{Key: "my-key", Priority: 5, Retries: 1}).Submit(c, 1)
	if got, err := named.Result(ctx); err != nil || got != 2 || named.Key() != "my-key" {
		t.Errorf("%s: %d, %v", named.Key(), got, err)
	}
	fs := inc.With(Options{Key: "part"}).Map(c, []int{1, 2})
	if _, err := Gather(ctx, fs); err != nil || fs[1].Key() != "part-1" {
		t.Errorf("%s: %v", fs[1].Key(), err)
	}
	impure := inc.With(Options{Impure: true})
	if a, b := impure.Submit(c, 1), impure.Submit(c, 1); a.Key() == b.Key() {
		t.Errorf("impure calls share the key %s", a.Key())
	}
	_, err := nap.With(Options{Timeout: 50 * time.Millisecond, Impure: true}).Submit(c, 60000, 1).Result(ctx)
	if err == nil {
		t.Error("a task ran past its time")
	}
}

func submitting(t *testing.T, ctx context.Context, c *Client) {
	if got, err := nested.Submit(c, 10).Result(ctx); err != nil || got != 55 {
		t.Errorf("%d, %v", got, err)
	}
}

func TestWorkersArePlacedWhereTheyShould(t *testing.T) {
	for name, o := range modes {
		ctx := within(t, 60*time.Second)
		c := newClient(t, ctx, o)
		pids, err := Gather(ctx, pid.With(Options{Impure: true}).Map(c, make([]int, 100)))
		if err != nil {
			t.Fatal(err)
		}
		own := slices.Contains(pids, os.Getpid())
		if own != (name == "threads") {
			t.Errorf("%s: own process %d, workers' %v", name, os.Getpid(), slices.Compact(pids))
		}
	}
}

func TestValuesPassByReferenceInProcess(t *testing.T) {
	ctx := within(t, 30*time.Second)
	c := newClient(t, ctx, modes["threads"])
	p, err := point.Submit(c).Result(ctx)
	if err != nil || p != &shared {
		t.Errorf("%p, %v; want %p", p, err, &shared)
	}
}

func TestDefaultClient(t *testing.T) {
	ctx := within(t, 30*time.Second)
	if _, err := DefaultClient(); err == nil {
		t.Error("a default client without any")
	}
	a := newClient(t, ctx, modes["threads"])
	b, err := NewClient(ctx, a.Cluster())
	if err != nil {
		t.Fatal(err)
	}
	quiet, err := NewClient(ctx, a.Cluster(), ClientOptions{NotDefault: true})
	if err != nil {
		t.Fatal(err)
	}
	if d, _ := DefaultClient(); d != b {
		t.Error("the newest client is not the default")
	}
	for _, c := range []*Client{quiet, b} {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if d, _ := DefaultClient(); d != a {
		t.Error("the default does not fall back")
	}
	if got, err := inc.Submit(a, 1).Result(ctx); err != nil || got != 2 {
		t.Errorf("the cluster was closed with another's client: %d, %v", got, err)
	}
}
