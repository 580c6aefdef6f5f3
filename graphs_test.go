package gdask

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

var order = Func[string]("order", noteOrder)

// noteOrder is the priority of its task.
func noteOrder(ctx context.Context, _ ...string) (string, error) {
	info, err := CurrentTask(ctx)
	return fmt.Sprint(info.Priority), err
}

// computeInside computes a graph from inside of a task, by a client of its own.
func computeInside(ctx context.Context, depth int) (int, error) {
	if depth == 0 {
		return 1, nil
	}
	w, err := CurrentWorker(ctx)
	if err != nil {
		return 0, err
	}
	c, err := NewClient(ctx, w.Scheduler(), ClientOptions{NotDefault: true})
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	return add.Delay(computed.Delay(depth-1), inc.Delay(depth)).Compute(ctx, c)
}

func TestGraphs(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 60*time.Second)
			o.ThreadsPerWorker, o.NWorkers = new(1), new(1)
			c := newClient(t, ctx, o)
			t.Run("delayed", func(t *testing.T) { delayedCalls(t, ctx, c) })
			t.Run("keys", func(t *testing.T) { keyedGraph(t, ctx, c) })
			t.Run("mistakes", func(t *testing.T) { wrongGraphs(t, ctx, c) })
			t.Run("order", func(t *testing.T) { graphOrder(t, ctx, c) })
			t.Run("inside a task", func(t *testing.T) { graphInside(t, ctx, c) })
		})
	}
}

func delayedCalls(t *testing.T, ctx context.Context, c *Client) {
	f := inc.Submit(c, 100)
	var level []*Delayed[int]
	for i := range 8 {
		level = append(level, add.Delay(f, inc.Delay(i)))
	}
	for len(level) > 1 {
		var next []*Delayed[int]
		for p := range slices.Chunk(level, 2) {
			next = append(next, add.Delay(p[0], p[1]))
		}
		level = next
	}
	if got, err := level[0].Compute(ctx, c); err != nil || got != 8*101+36 {
		t.Errorf("%d, %v", got, err)
	}
	if a, b := inc.Delay(1), inc.Delay(1); a.Key() != b.Key() || !strings.HasPrefix(a.Key(), "inc-") {
		t.Errorf("keys of equal calls: %s, %s", a.Key(), b.Key())
	}
	parts := map[string]any{"X": tenfold.Delay(map[string]any{}), "Y": 1.0}
	if _, err := tenfold.Delay(parts).Compute(ctx, c); err == nil {
		t.Error("a map became a struct")
	}
	held := Persist(c, inc.Delay(1), inc.Delay(2))
	if got, err := Gather(ctx, held); err != nil || !slices.Equal(got, []int{2, 3}) {
		t.Errorf("%v, %v", got, err)
	}
	if holders, err := c.WhoHas(ctx, held[0]); err != nil || len(holders[held[0].Key()]) != 1 {
		t.Errorf("persisted at %v, %v", holders, err)
	}
	a, err := newTally.Delay(5).Persist(c).Result(ctx)
	if n, err2 := Call[int](ctx, a, "Add", 1).Result(ctx); err != nil || err2 != nil || n != 6 {
		t.Errorf("a delayed actor: %d, %v, %v", n, err, err2)
	}
}

func keyedGraph(t *testing.T, ctx context.Context, c *Client) {
	g := NewGraph()
	g.Set("total", sum.Delay(KeyOf[int]("y"), KeyOf[int]("x"), 1))
	g.Set("y", inc.Delay(KeyOf[int]("x")))
	g.Set("x", inc.With(Options{Impure: true}).Delay(1))
	g.Set("text", wordsOf.Delay("one three"))
	g.Set("unused", fail.Delay("nobody wants this"))
	got, err := g.Get(ctx, c, "total", "x", "text")
	if err != nil || got[0] != 6 || got[1] != 2 || got[2].(map[string]int)["three"] != 5 {
		t.Errorf("%v, %v", got, err)
	}
	fs, err := g.Persist(c, "y")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := fs[0].Result(ctx); err != nil || fmt.Sprint(v) != "3" || fs[0].Key() != "y" {
		t.Errorf("%v, %v", v, err)
	}
	Release(fs...)
}

func wrongGraphs(t *testing.T, ctx context.Context, c *Client) {
	circle, twice := NewGraph(), NewGraph()
	circle.Set("p", inc.Delay(KeyOf[int]("q")))
	circle.Set("q", inc.Delay(KeyOf[int]("p")))
	twice.Set("p", inc.Delay(1))
	twice.Set("p", inc.Delay(2))
	for want, err := range map[string]error{
		"in a circle: p -> q -> p":           errOf(circle.Get(ctx, c, "p")),
		"has no key r":                       errOf(circle.Get(ctx, c, "r")),
		"key p of a graph is set twice":      errOf(twice.Get(ctx, c, "p")),
		"depends on nowhere":                 errOf(inc.Delay(KeyOf[int]("nowhere")).Compute(ctx, c)),
		"is a future of float64, wants pair": errOf(tenfold.Delay(KeyOf[float64]("x")).Compute(ctx, c)),
		"takes 1 arguments":                  errOf(add.Delay(inc.Delay(), 1).Compute(ctx, c)),
		"Retries is -1":                      errOf(inc.With(Options{Retries: -1}).Delay(1).Compute(ctx, c)),
		"it broke":                           errOf(inc.Delay(fail.Delay("it broke")).Compute(ctx, c)),
	} {
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "gdask.pair", "pair"), want) {
			t.Errorf("%v; want an error with %q", err, want)
		}
	}
	if f := inc.Delay(KeyOf[int]("nowhere")).Persist(c); f.Status() != Erred {
		t.Error(f)
	}
}

// The static order is the third number of the priorities.
func graphOrder(t *testing.T, ctx context.Context, c *Client) {
	leaf := func(name string) *Delayed[string] { return order.With(Options{Key: name}).Delay() }
	a, b := order.With(Options{Key: "oa"}).Delay(leaf("oa1")), order.With(Options{Key: "ob"}).Delay(leaf("ob1"))
	got, err := Compute(ctx, c, a, b)
	if err != nil || !strings.HasSuffix(got[0], " 1]") || !strings.HasSuffix(got[1], " 3]") {
		t.Errorf("%q, %v", got, err)
	}
}

// One thread is enough for tasks that compute graphs with such tasks.
func graphInside(t *testing.T, ctx context.Context, c *Client) {
	if got, err := computed.Submit(c, 5).Result(ctx); err != nil || got != 1+2+3+4+5+6 {
		t.Errorf("%d, %v", got, err)
	}
}
