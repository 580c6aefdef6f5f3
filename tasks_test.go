package gdask

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

var (
	inside     = Func[map[string]any]("inside", lookInside)
	again      = Func[string]("again", runAgain)
	stepAside  = Func[int]("stepaside", stepAsideAndBack)
	touchFile  = Func[int]("touchfile", touch)
	thirdTime  = Func[int]("thirdtime", failTwice)
	futureless = Func[*Future[int]]("futureless", func(ctx context.Context) (*Future[int], error) { return nil, ctx.Err() })
)

// Functions that submit themselves are registered once they are defined.
var deepNest, computed *Function[int]

func init() {
	deepNest = Func[int]("deepnest", nestDeeply)
	computed = Func[int]("computed", computeInside)
}

// short is a context that ends soon.
func short(t *testing.T, ctx context.Context) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// lookInside is what a task knows of itself and its worker.
func lookInside(ctx context.Context) (map[string]any, error) {
	w, err := CurrentWorker(ctx)
	if err != nil {
		return nil, err
	}
	info, err := CurrentTask(ctx)
	return map[string]any{
		"key": info.Key, "priority": info.Priority[0], "generation": info.Priority[1], "annotations": info.Annotations,
		"name": w.Name(), "address": w.Address(), "scheduler": w.Scheduler(), "directory": w.LocalDirectory(),
	}, err
}

// nestDeeply submits itself with a client of its own; generations go down.
func nestDeeply(ctx context.Context, depth int) (int, error) {
	info, err := CurrentTask(ctx)
	if err != nil || depth == 0 {
		return 0, err
	}
	c, err := TaskClient(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	inner, err := inside.With(Options{Impure: true}).Submit(c).Result(ctx)
	if err != nil {
		return 0, err
	}
	if g, ok := inner["generation"].(float64); !ok || g >= min(info.Priority[1], 0) {
		return 0, fmt.Errorf("generation %v inside of %v", inner["generation"], info.Priority)
	}
	n, err := deepNest.Submit(c, depth-1).Result(ctx)
	return n + 1, err
}

// runAgain reschedules itself until a file is there, which it makes.
func runAgain(ctx context.Context, path string) (string, error) {
	if _, err := os.Stat(path); err == nil {
		w, err := CurrentWorker(ctx)
		if err != nil {
			return "", err
		}
		return w.Name(), nil
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return "", err
	}
	return "", fmt.Errorf("not here: %w", ErrReschedule)
}

// stepAsideAndBack lets another task have its slot until that has run.
func stepAsideAndBack(ctx context.Context, path string) (int, error) {
	if err := Secede(ctx); err != nil {
		return 0, err
	}
	if err := appears(ctx, path); err != nil {
		return 0, err
	}
	return 1, Rejoin(ctx)
}

func touch(path string) (int, error) { return 0, os.WriteFile(path, nil, 0o600) }

func failTwice(path string) (int, error) {
	b, _ := os.ReadFile(path) // none is there at first
	if len(b) < 2 {
		return 0, errors.Join(errors.New("not yet"), os.WriteFile(path, append(b, 'x'), 0o600))
	}
	return len(b) + 1, nil
}

func TestTasks(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 60*time.Second)
			o.ThreadsPerWorker, o.NWorkers = new(1), new(1)
			c := newClient(t, ctx, o)
			t.Run("annotations", func(t *testing.T) { annotated(t, ctx, c) })
			t.Run("options", func(t *testing.T) { wrongOptions(t, ctx, c) })
			t.Run("nesting", func(t *testing.T) { nestedDeeply(t, ctx, c) })
			t.Run("slots", func(t *testing.T) { slots(t, ctx, c) })
			t.Run("retries", func(t *testing.T) { retried(t, ctx, c) })
			t.Run("forgotten", func(t *testing.T) { forgotten(t, ctx, c) })
			t.Run("map", func(t *testing.T) { mapOptions(t, ctx, c) })
			t.Run("completed", func(t *testing.T) { completions(t, ctx, c) })
			t.Run("cancelled", func(t *testing.T) { cancellations(t, ctx, c) })
			t.Run("futures as data", func(t *testing.T) { futuresAsData(t, ctx, c) })
			t.Run("recreated", func(t *testing.T) { recreated(t, ctx, c) })
			t.Run("progress", func(t *testing.T) { progress(t, ctx, c) })
		})
	}
}

func annotated(t *testing.T, ctx context.Context, c *Client) {
	outer := c.Annotate(Options{Priority: 3, Annotations: map[string]any{"colour": "red", "size": 1}})
	view := outer.Annotate(Options{Annotations: map[string]any{
		"size": 2, "name": func(key string) any { return "of " + key },
	}})
	got, err := inside.With(Options{Key: "noted", Priority: 7}).Submit(view).Result(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprint(got["annotations"]); s != "map[colour:red name:of noted size:2]" || fmt.Sprint(got["priority"]) != "-7" || got["key"] != "noted" {
		t.Errorf("%v", got)
	}
	for _, what := range []string{"name", "address", "scheduler", "directory"} {
		if got[what] == "" {
			t.Errorf("no %s: %v", what, got)
		}
	}
	got, err = inside.Delay().Compute(ctx, outer)
	if s := fmt.Sprint(got["annotations"], got["priority"]); err != nil || s != "map[colour:red size:1] -3" {
		t.Errorf("delayed: %s, %v", s, err)
	}
	got, err = inside.With(Options{Impure: true}).Submit(c).Result(ctx)
	if notes, _ := got["annotations"].(map[string]any); err != nil || len(notes) > 0 || got["priority"] != 0.0 {
		t.Errorf("plain: %v, %v", got, err)
	}
	if _, err := CurrentTask(ctx); err == nil {
		t.Error("there is a task outside of tasks")
	}
}

func wrongOptions(t *testing.T, ctx context.Context, c *Client) {
	for want, o := range map[string]Options{
		"Retries is -1": {Retries: -1}, "Timeout is -1s": {Timeout: -time.Second},
		"without Workers": {AllowOtherWorkers: true}, "resource GPU is -1": {Resources: map[string]float64{"GPU": -1}},
		"Keys, which are for Map": {Keys: []string{"a"}}, "annotations of": {Annotations: map[string]any{"f": make(chan int)}},
	} {
		if _, err := inc.With(o).Submit(c, 1).Result(ctx); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want an error with %q", err, want)
		}
	}
}

// One thread is enough for tasks that wait for tasks, however deep.
func nestedDeeply(t *testing.T, ctx context.Context, c *Client) {
	if got, err := deepNest.Submit(c, 8).Result(ctx); err != nil || got != 8 {
		t.Errorf("%d, %v", got, err)
	}
}

func slots(t *testing.T, ctx context.Context, c *Client) {
	path := filepath.Join(t.TempDir(), "there")
	first := stepAside.Submit(c, path)
	second := touchFile.Submit(c, path)
	if got, err := Gather(ctx, []*Future[int]{first, second}); err != nil || got[0] != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if err := errors.Join(Secede(ctx), Rejoin(ctx)); err == nil || strings.Count(err.Error(), "context that a task was called with") != 2 {
		t.Errorf("outside of tasks: %v", err)
	}
	if _, err := again.Submit(c, filepath.Join(t.TempDir(), "once")).Result(ctx); err != nil {
		t.Errorf("rescheduled: %v", err)
	}
}

func retried(t *testing.T, ctx context.Context, c *Client) {
	path := filepath.Join(t.TempDir(), "tries")
	if got, err := thirdTime.Submit(c.Annotate(Options{Retries: 2}), path).Result(ctx); err != nil || got != 3 {
		t.Errorf("%d, %v", got, err)
	}
	path = filepath.Join(t.TempDir(), "by hand")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := thirdTime.Submit(c, path)
	if err := f.Exception(ctx); err == nil {
		t.Error("the second time is the third")
	}
	if err := f.Retry(ctx); err != nil {
		t.Fatal(err)
	}
	until(t, "another try", func() bool { return f.Status() != Erred })
	if got, err := f.Result(ctx); err != nil || got != 3 {
		t.Errorf("by hand: %d, %v", got, err)
	}
	if text, err := explode.Submit(c).Traceback(ctx); err != nil || !strings.Contains(text, "functions_test.go") {
		t.Errorf("traceback %q, %v", text, err)
	}
	if f := inc.Submit(c, 1); f.Client() != c || f.Exception(ctx) != nil || f.Type() != "int" || f.Cancelled() {
		t.Error(f)
	}
}

func forgotten(t *testing.T, ctx context.Context, c *Client) {
	path := filepath.Join(t.TempDir(), "fired")
	gate := nap.With(Options{Impure: true}).Submit(c, 20, 1)
	f := touchFile.With(Options{Impure: true, Priority: -1}).Submit(c, path)
	FireAndForget(f)
	Release(f)
	gate.Release()
	there(t, ctx, path)
}

func mapOptions(t *testing.T, ctx context.Context, c *Client) {
	fs := inc.With(Options{Keys: []string{"k-a", "k-b", "k-c"}, BatchSize: 2}).Map(c, []int{1, 2, 3})
	if got, err := Gather(ctx, fs); err != nil || !slices.Equal(got, []int{2, 3, 4}) || fs[2].Key() != "k-c" {
		t.Errorf("%v, %v", got, err)
	}
	for want, o := range map[string]Options{
		"1 keys for 3 calls": {Keys: []string{"a"}}, "key \"a\" twice": {Keys: []string{"a", "b", "a"}}, "BatchSize is -1": {BatchSize: -1},
	} {
		if err := inc.With(o).Map(c, []int{1, 2, 3})[0].Exception(ctx); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want an error with %q", err, want)
		}
	}
}

func completions(t *testing.T, ctx context.Context, c *Client) {
	slow := nap.With(Options{Impure: true}).Submit(c, 30, 9)
	done := NewCompleted(inc.Submit(c, 1), slow, inc.Submit(c, 2))
	var got []int
	for f, err := range done.All(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		v, err := f.Result(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, v); len(got) == 1 {
			if err := done.Add(inc.Submit(c, 3)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if slices.Sort(got); !slices.Equal(got, []int{2, 3, 4, 9}) || done.Len() != 0 || done.HasReady() {
		t.Errorf("%v, %d left", got, done.Len())
	}
	if _, err := done.Next(ctx); !errors.Is(err, ErrNoneLeft) {
		t.Errorf("next of none: %v", err)
	}
	endless := patient.With(Options{Impure: true}).Submit(c, 1)
	defer endless.Cancel()
	_ = done.Add(endless, inc.Submit(c, 1))
	if fs, err := done.NextBatch(ctx); err != nil || len(fs) != 1 || done.Len() != 1 {
		t.Errorf("batch %v, %v", fs, err)
	}
	if fs, err := done.TakeDone(); err != nil || len(fs) != 0 {
		t.Errorf("nothing is ready, got %v, %v", fs, err)
	}
	if _, err := done.Next(short(t, ctx)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("time ran out: %v", err)
	}
	done.Clear()
	for range done.Batches(ctx) {
		t.Error("a cleared collection has futures")
	}
}

func cancellations(t *testing.T, ctx context.Context, c *Client) {
	a, b := patient.With(Options{Key: "pa"}).Submit(c, 1), patient.With(Options{Key: "pb"}).Submit(c, 2)
	Cancel(a, b)
	err := Wait(ctx, a, inc.Submit(c, 1), b)
	var all *FuturesCancelledError
	var one *CancelledError
	if !errors.As(err, &all) || len(all.ByReason["user"]) != 2 || !errors.As(err, &one) || !strings.Contains(err.Error(), "for reason user 2: pa pb") {
		t.Errorf("%v", err)
	}
	if !a.Cancelled() {
		t.Error(a)
	}
	lost := inc.With(Options{Impure: true}).Submit(c, 1)
	endless := patient.With(Options{Key: "pc"}).Submit(c, 3)
	defer endless.Cancel()
	if err := Wait(short(t, ctx), endless, lost); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("time ran out: %v", err)
	}
}

type parcel struct {
	First  *Future[int]
	Others map[string]*Future[string]
}

// Futures that come as data belong to who receives them.
func futuresAsData(t *testing.T, ctx context.Context, c *Client) {
	other, err := NewClient(ctx, c.SchedulerAddress(), ClientOptions{NotDefault: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	f := inc.Submit(c, 41)
	text := again.With(Options{Impure: true}).Submit(c, os.DevNull)
	box, err := Scatter(ctx, c, []parcel{{First: f, Others: map[string]*Future[string]{"x": text}}}, ScatterOptions{NoHash: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := box[0].Result(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := got.First.Result(ctx); err != nil || n != 42 || got.First.Key() != f.Key() {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := got.Others["x"].Result(ctx); err != nil {
		t.Error(err)
	}
	var loose Future[int]
	b, err := f.MarshalBinary()
	if err == nil {
		err = loose.UnmarshalBinary(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loose.Result(ctx); err == nil || !strings.Contains(err.Error(), "belongs to no client") {
		t.Errorf("a future of nobody: %v", err)
	}
	if _, err := inc.Submit(other, &loose).Result(ctx); err == nil {
		t.Error("a future of nobody is an argument")
	}
	Bind(other, &loose)
	if n, err := loose.Result(ctx); err != nil || n != 42 {
		t.Errorf("bound: %d, %v", n, err)
	}
	if n, err := inc.Submit(other, &loose).Result(ctx); err != nil || n != 43 {
		t.Errorf("argument: %d, %v", n, err)
	}
	if f, err := futureless.Submit(c).Result(ctx); err != nil || f != nil {
		t.Errorf("no future at all: %v, %v", f, err)
	}
}

// here is set by functions that run in this very process.
var here atomic.Int32

var visit = Func[int]("visit", func(x int) (int, error) {
	if here.Add(1); x < 0 {
		return 0, fmt.Errorf("%d is below 0", x)
	}
	return 10 * x, nil
})

func recreated(t *testing.T, ctx context.Context, c *Client) {
	f := visit.Submit(c, inc.Submit(c, 4))
	if _, err := f.Result(ctx); err != nil {
		t.Fatal(err)
	}
	before := here.Load()
	if v, err := f.Recreate(ctx); err != nil || v != 50 || here.Load() != before+1 {
		t.Errorf("%d, %v, %d runs here", v, err, here.Load()-before)
	}
	bad := visit.Submit(c, inc.Submit(c, -9))
	last := inc.Submit(c, bad)
	key, err := last.RecreateError(ctx)
	if key != bad.Key() || err == nil || err.Error() != "-8 is below 0" {
		t.Errorf("%s: %v", key, err)
	}
	if _, err := f.RecreateError(ctx); err == nil || !strings.Contains(err.Error(), "has not failed") {
		t.Errorf("of a task that is well: %v", err)
	}
	data, err := Scatter(ctx, c, []int{1}, ScatterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := data[0].Recreate(ctx); err == nil || !strings.Contains(err.Error(), "no task") {
		t.Errorf("of data: %v", err)
	}
}

func progress(t *testing.T, ctx context.Context, c *Client) {
	var text strings.Builder
	var fs []AnyFuture
	for i := range 10 {
		fs = append(fs, inc.Submit(c, i))
	}
	fs = append(fs, fail.Submit(c, "one"), fail.Submit(c, "two"))
	if err := Progress(ctx, &text, fs...); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(text.String()), "\n")
	if want := "fail [####################] 2/2, 2 failed  inc [####################] 10/10"; lines[len(lines)-1] != want {
		t.Errorf("the last of %d lines is %q, want %q", len(lines), lines[len(lines)-1], want)
	}
	endless := patient.With(Options{Impure: true}).Submit(c, 1)
	defer endless.Cancel()
	if err := Progress(short(t, ctx), &text, endless); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("time ran out: %v", err)
	}
}

// What is sent is warned of, with the argument that makes it large, once.
func TestLargeGraphs(t *testing.T) {
	ctx := within(t, 60*time.Second)
	var text strings.Builder
	var mu sync.Mutex
	log := hclog.New(&hclog.LoggerOptions{Output: &text, Level: hclog.Warn, Mutex: &mu})
	cluster := newClient(t, ctx, modes["processes"]).Cluster()
	c, err := NewClient(ctx, cluster, ClientOptions{Logger: log, LargeGraph: 1_000_000, NotDefault: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	count := func() int { mu.Lock(); defer mu.Unlock(); return strings.Count(text.String(), "large graph") }
	length.Submit(c, make([]byte, 900_000)).Release()
	if n := count(); n != 0 {
		t.Errorf("%d warnings of a small graph", n)
	}
	f := weigh.Submit(c, 3, make([]byte, 1_200_000))
	if _, err := f.Result(ctx); err != nil || count() != 1 {
		t.Errorf("%v, %d warnings", err, count())
	}
	for _, want := range []string{"1.14 MiB", "argument 2 of weigh (a bytes)", f.Key(), "scatter"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("%q does not say %q", text.String(), want)
		}
	}
	parts := make([][]byte, 30)
	for i := range parts {
		parts[i] = make([]byte, 100_000+i)
	}
	Release(length.With(Options{BatchSize: 3}).Map(c, parts)...)
	_, _ = Compute(ctx, c, add.Delay(length.Delay(parts[0]), weigh.Delay(1, make([]byte, 1_000_000))))
	if n := count(); n != 3 {
		t.Errorf("%d warnings, want 3", n)
	}
	Release(inc.Map(c, make([]int, 100_000))...) // a few bytes each
	if n := count(); n != 3 {
		t.Errorf("%d warnings, want 3: the number of tasks is no reason", n)
	}
}

var weigh = Func[int]("weigh", func(n int, b []byte) int { return n * len(b) })
