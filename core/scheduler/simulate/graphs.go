package simulate

import (
	"fmt"
	"slices"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// goRuntime is what most tasks need and all workers have.
const goRuntime = "go"

// graph makes up the tasks of one graph, inputs before the tasks that take
// them. Some depend on what is given.
func (w *World) graph(given []*def) []*def {
	w.graphs++
	n := 1 + w.rng.IntN(w.Tasks)
	inputs := w.shape(n)
	g := make([]*def, 0, n)
	for i := range n {
		d := &def{name: fmt.Sprintf("%s-%04d-%d", w.prefix(), w.graphs, i)}
		for _, j := range inputs(i) {
			d.deps = append(d.deps, g[j])
		}
		if len(given) > 0 && w.chance(15) {
			if x := given[w.rng.IntN(len(given))]; !slices.Contains(d.deps, x) {
				d.deps = append(d.deps, x)
			}
		}
		g = append(g, w.define(d, int64(i)))
	}
	return g
}

func (w *World) prefix() string {
	return [...]string{"load", "inc", "sum", "split", "shuffle", "train"}[w.rng.IntN(6)]
}

// define makes up all but the inputs of a task.
func (w *World) define(d *def, order int64) *def {
	d.program = w.program()
	d.nbytes = int64(w.rng.IntN(4000))
	if w.chance(2) {
		d.nbytes = int64(w.rng.IntN(50_000_000)) // its transfer matters
	}
	t := wire.TaskDef{RunSpec: wire.StringOpaque("x"), Runtime: goRuntime, Order: order}
	if w.chance(10) {
		t.Priority = float64(w.rng.IntN(5) - 2)
	}
	if w.chance(15) || d.program.kind == flaky {
		t.Retries = 1 + w.rng.IntN(3)
	}
	d.unsendable = w.mood.frail && w.chance(4)
	d.mayFail = d.program.kind == fails || d.program.kind == spoils || d.program.kind == kills || d.program.kind == flaky && d.program.times > t.Retries
	if w.chance(2) || w.mood.frail && w.chance(10) {
		d.program.kind, t.Actor, d.mayFail = works, true, true
	}
	w.restrict(d, &t)
	w.oracle.add(d)
	t.Key = d.key
	for _, in := range d.deps {
		t.Dependencies = append(t.Dependencies, in.key)
	}
	d.task = t
	return d
}

// restrict says where some tasks may run.
func (w *World) restrict(d *def, t *wire.TaskDef) {
	switch n := w.rng.IntN(100); {
	case n < 4:
		t.Resources = wire.Resources{"GPU": float64(1 + w.rng.IntN(2))}
	case n < 6:
		t.Resources = wire.Resources{"GPU": 1, "MEM": 10}
	case n < 9:
		t.Workers = []string{w.workers[w.rng.IntN(len(w.workers))].name}
		t.AllowOther = w.chance(50)
	case n < 10:
		t.Runtime = "rare"
	default:
		return
	}
	d.mayFail = d.mayFail || !t.AllowOther
}

// program makes up what a task does.
func (w *World) program() program {
	p := program{kind: works, takes: w.between(0, 20*time.Millisecond)}
	switch n := w.rng.IntN(100); {
	case n < 15:
		p.takes = 0
	case n < 19:
		p.takes = w.between(200*time.Millisecond, time.Second)
	}
	p.times = 1 + w.rng.IntN(2)
	switch n := w.rng.IntN(200); {
	case n < 2:
		p.kind = fails
	case n < 8:
		p.kind = flaky
	case n < 11:
		p.kind = reschedules
	case n < 16:
		p.kind = secedes
	case n < 20:
		p.kind = rejoins
	case n < 24:
		p.kind = submits
	case n < 25:
		p.kind, p.times = kills, 1+w.rng.IntN(6)
	}
	w.moody(&p)
	return p
}
