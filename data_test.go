package gdask

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// copies is how many workers hold the value.
func copies(t *testing.T, ctx context.Context, c *Client, f AnyFuture) int {
	t.Helper()
	held, err := c.WhoHas(ctx, f)
	if err != nil || len(held) != 1 {
		t.Fatalf("who has: %v, %v", held, err)
	}
	for _, addresses := range held {
		return len(addresses)
	}
	return 0
}

func TestCopiesThatSomebodyAskedForStay(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 60*time.Second)
			c := newClient(t, ctx, o)
			everywhere, err := Scatter(ctx, c, []int{1, 2}, ScatterOptions{Broadcast: true})
			if err != nil {
				t.Fatal(err)
			}
			one := inc.Submit(c, 40)
			if err := c.Replicate(ctx, ReplicateOptions{N: 2}, one); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := c.MemoryManager().RunOnce(ctx); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range []AnyFuture{everywhere[0], everywhere[1], one} {
				if n := copies(t, ctx, c, f); n != 2 {
					t.Errorf("%s has %d copies, want 2", f.Key(), n)
				}
			}
			if err := c.Replicate(ctx, ReplicateOptions{N: 1}, one); err != nil || copies(t, ctx, c, one) != 1 {
				t.Errorf("after asking for one copy there are %d: %v", copies(t, ctx, c, one), err)
			}
			if got, err := one.Result(ctx); err != nil || got != 41 {
				t.Errorf("result %d, %v", got, err)
			}
			if err := c.Replicate(ctx, ReplicateOptions{N: -1}, one); err == nil || !strings.Contains(err.Error(), "n is -1") {
				t.Errorf("less than no copies: %v", err)
			}
			if err := c.Replicate(ctx, ReplicateOptions{Workers: []string{"nobody"}}, one); err == nil || !strings.Contains(err.Error(), "nobody") {
				t.Errorf("on nobody: %v", err)
			}
		})
	}
}

func TestMemoryManagerIsControlled(t *testing.T) {
	ctx := within(t, 30*time.Second)
	c := newClient(t, ctx, modes["threads"])
	m := c.MemoryManager()
	for _, step := range []struct {
		call func(context.Context) error
		want bool
	}{{func(context.Context) error { return nil }, true}, {m.Stop, false}, {m.RunOnce, false}, {m.Start, true}} {
		if err := step.call(ctx); err != nil {
			t.Fatal(err)
		}
		if got, err := m.Running(ctx); err != nil || got != step.want {
			t.Errorf("running: %v, %v; want %v", got, err, step.want)
		}
	}
}

func TestInspection(t *testing.T) {
	ctx := within(t, 30*time.Second)
	c := newClient(t, ctx, modes["threads"])
	f := inc.Submit(c, 1)
	if _, err := f.Result(ctx); err != nil {
		t.Fatal(err)
	}
	threads, err := c.NThreads(ctx)
	if err != nil || len(threads) != 2 {
		t.Fatalf("threads %v, %v", threads, err)
	}
	held, err := c.HasWhat(ctx)
	if err != nil || len(held) != 2 {
		t.Fatalf("held %v, %v", held, err)
	}
	for address, keys := range held {
		if threads[address] != 1 {
			t.Errorf("threads %v", threads)
		}
		one, err := c.HasWhat(ctx, address)
		if err != nil || len(one) != 1 || len(one[address]) != len(keys) {
			t.Errorf("held by %s: %v, %v", address, one, err)
		}
		if len(keys) == 1 && keys[0] != f.Key() {
			t.Errorf("held %v, want %s", keys, f.Key())
		}
	}
	sizes, err := c.NBytes(ctx, f)
	if err != nil || sizes[f.Key()] <= 0 {
		t.Errorf("sizes %v, %v", sizes, err)
	}
	sums, err := c.NBytesByPrefix(ctx)
	if err != nil || sums["inc"] != sizes[f.Key()] {
		t.Errorf("sums %v, %v; sizes %v", sums, err, sizes)
	}
	if busy, err := c.Processing(ctx); err != nil || len(busy) != 2 {
		t.Errorf("processing %v, %v", busy, err)
	}
	if _, err := c.NBytes(ctx); err == nil {
		t.Error("sizes of nothing")
	}
}

func TestRebalance(t *testing.T) {
	ctx := within(t, 30*time.Second)
	o := modes["threads"]
	machine := state.DefaultConfig()
	machine.Rebalance = state.Balance{Measure: "managed", RecipientMax: 1}
	o.Scheduler = &machine
	c := newClient(t, ctx, o)
	threads, err := c.NThreads(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var all []AnyFuture
	for address := range threads {
		fs, err := Scatter(ctx, c, make([][]byte, 10), ScatterOptions{Workers: []string{address}, NoHash: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range fs {
			all = append(all, f)
		}
		break
	}
	if err := c.Rebalance(ctx); err != nil {
		t.Fatal(err)
	}
	held, err := c.HasWhat(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for address, keys := range held {
		if len(keys) != 5 {
			t.Errorf("%s holds %d, want 5", address, len(keys))
		}
	}
	if err := c.Rebalance(ctx, all...); err != nil {
		t.Error(err)
	}
	var missing *CopiesError
	if err := c.core.Rebalance(ctx, []wire.Key{wire.StrKey("nothing"), all[0].TaskKey()}, nil); !errors.As(err, &missing) || len(missing.Keys) != 1 {
		t.Errorf("rebalance of what is gone: %v", err)
	}
	if err := c.RebalanceAmong(ctx, []string{"nobody"}); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("among nobody: %v", err)
	}
}

func TestRetiringWorkersLosesNothing(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 60*time.Second)
			c := newClient(t, ctx, o)
			made := pid.With(Options{Impure: true}).Map(c, repeat(0, 20))
			before, err := Gather(ctx, made)
			if err != nil {
				t.Fatal(err)
			}
			sent, err := Scatter(ctx, c, []int{1, 2, 3, 4}, ScatterOptions{})
			if err != nil {
				t.Fatal(err)
			}
			report, err := c.RetireWorkers(ctx, RetireOptions{N: 1, Close: true})
			if err != nil || len(report.Retired) != 1 || len(report.Kept) != 0 {
				t.Fatalf("report %+v, %v", report, err)
			}
			after, err := Gather(ctx, made)
			if err != nil {
				t.Fatal(err)
			}
			for i := range before {
				if before[i] != after[i] {
					t.Errorf("result %d was made again", i)
				}
			}
			if got, err := Gather(ctx, sent); err != nil || len(got) != 4 {
				t.Errorf("scattered %v, %v", got, err)
			}
			threads, err := c.NThreads(ctx)
			if err != nil || len(threads) != 1 {
				t.Fatalf("threads %v, %v", threads, err)
			}
			report, err = c.RetireWorkers(ctx, RetireOptions{N: 1})
			if err != nil || len(report.Retired) != 0 || len(report.Kept) != 1 {
				t.Errorf("the last worker holds everything: %+v, %v", report, err)
			}
			if got, err := inc.Submit(c, 5).Result(ctx); err != nil || got != 6 {
				t.Errorf("afterwards: %d, %v", got, err)
			}
			if _, err := c.RetireWorkers(ctx, RetireOptions{}); err == nil {
				t.Error("retired nobody without an error")
			}
		})
	}
}

// S17: scaling down keeps results and scattered data.
func TestScalingDownKeepsScatteredData(t *testing.T) {
	ctx := within(t, 60*time.Second)
	o := modes["processes"]
	o.NWorkers = new(3)
	c := newClient(t, ctx, o)
	lc := c.Cluster().(*LocalCluster)
	sent, err := Scatter(ctx, c, repeat(7, 12), ScatterOptions{NoHash: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{10, 3, 1} {
		if err := lc.Scale(n); err != nil {
			t.Fatal(err)
		}
		if err := lc.Settled(ctx); err != nil {
			t.Fatal(err)
		}
		if got := len(lc.Workers()); got != n {
			t.Errorf("%d workers, want %d", got, n)
		}
	}
	got, err := Gather(ctx, sent)
	if err != nil || len(got) != 12 || got[11] != 7 {
		t.Errorf("scattered data: %v, %v", got, err)
	}
	if err := lc.Scale(0); err != nil {
		t.Fatal(err)
	}
	if err := lc.Settled(ctx); err != nil || len(lc.Workers()) != 0 {
		t.Errorf("scaled to nothing: %v with %d workers", err, len(lc.Workers()))
	}
}
