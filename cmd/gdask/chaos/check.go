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
	futures := make([]*gdask.Future[Value], 0, len(g.nodes))
	defer func() { gdask.Release(futures...) }()
	want := g.sequential()
	for i := range g.nodes {
		// Submissions go on while faults do. All that depends on a task is
		// submitted when its turn to be let go of comes.
		for len(futures) < min(len(g.nodes), i+ahead) {
			futures = append(futures, w.submit(g, futures, fmt.Sprintf("work-%d-%d", serial, len(futures)), r))
		}
		f := futures[i]
		if r.IntN(3) == 0 && i < len(g.nodes)-1 {
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

// ahead is how many tasks are submitted before the result of the first is
// looked at; more than a window.
const ahead = window + 200

// submit submits the next node.
func (w *world) submit(g graph, before []*gdask.Future[Value], key string, r *rand.Rand) *gdask.Future[Value] {
	i := len(before)
	inputs := make([]any, len(g.inputs[i]))
	for j, k := range g.inputs[i] {
		inputs[j] = before[k]
	}
	return work.With(gdask.Options{Key: key, Priority: float64(r.IntN(3))}).Submit(w.client, g.nodes[i], inputs)
}

// stuck counts the futures by status, for the report of a graph that did not end.
func (w *world) stuck(futures []*gdask.Future[Value]) error {
	count := map[string]int{}
	for _, f := range futures {
		count[f.Status().String()]++
	}
	return fmt.Errorf("statuses of the tasks from there on: %v; faults so far: %s", count, w.faults.summary())
}
