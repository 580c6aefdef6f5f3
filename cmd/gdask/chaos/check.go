//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/gdask/gdask"
)

// graph runs one random graph and compares its results with a sequential run.
// Some results are let go of at once, so that losses must be made good by
// running tasks again whose inputs are gone as well.
func (w *world) graph(ctx context.Context, r *rand.Rand, serial int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, w.o.Patience, fmt.Errorf("graph %d had not ended after %v", serial, w.o.Patience))
	defer cancel()
	g := newGraph(r, w.o.Tasks)
	futures := make([]*gdask.Future[Value], len(g.nodes))
	for i, n := range g.nodes {
		inputs := make([]any, len(g.inputs[i]))
		for j, k := range g.inputs[i] {
			inputs[j] = futures[k]
		}
		f := work.With(gdask.Options{Key: fmt.Sprintf("work-%d-%d", serial, i), Priority: float64(r.IntN(3))})
		futures[i] = f.Submit(w.client, n, inputs)
	}
	defer gdask.Release(futures...)
	want := g.sequential()
	for i, f := range futures {
		if r.IntN(3) == 0 && i < len(futures)-1 {
			f.Release()
			continue
		}
		got, err := f.Result(ctx)
		if err != nil {
			return errors.Join(fmt.Errorf("task %s: %w", f.Key(), err), w.stuck(futures[i:]))
		}
		if err := differs(i, got, want[i]); err != nil {
			return err
		}
	}
	return nil
}

// stuck counts the futures by status, for the report of a graph that did not end.
func (w *world) stuck(futures []*gdask.Future[Value]) error {
	count := map[string]int{}
	for _, f := range futures {
		count[f.Status().String()]++
	}
	return fmt.Errorf("statuses of the tasks from there on: %v; faults so far: %s", count, w.faults.summary())
}
