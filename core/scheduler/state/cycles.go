package state

import (
	"fmt"
	"slices"
	"strings"
)

// refuseCycles looks for new tasks that wait for themselves. Where every input
// comes before its tasks there are none.
func (m *Machine) refuseCycles(fresh []*task) {
	later := false
	m.stamp++
	for _, t := range fresh { // in submission order, mostly inputs first
		for i := range t.deps {
			if d := t.deps[i].to; d.stamp != m.stamp && d.state == Released && d.hasSpec() {
				later = true
			}
		}
		t.stamp = m.stamp // of no queue yet
	}
	if later {
		m.refuseKnots(fresh)
	}
}

// refuseKnots marks the tasks that remain when those without new inputs are
// taken away again and again: they could never run.
func (m *Machine) refuseKnots(fresh []*task) {
	open := make(map[*task]int, len(fresh))
	for _, t := range fresh {
		open[t] = 0
	}
	var free []*task
	for _, t := range fresh {
		for i := range t.deps {
			if _, in := open[t.deps[i].to]; in {
				open[t]++
			}
		}
		if open[t] == 0 {
			free = append(free, t)
		}
	}
	for len(free) > 0 {
		t := free[len(free)-1]
		free = free[:len(free)-1]
		delete(open, t)
		for i := range t.dependents {
			d := t.dependents[i].to
			if n, in := open[d]; in {
				if open[d] = n - 1; n == 1 {
					free = append(free, d)
				}
			}
		}
	}
	m.blameCycles(fresh, open)
	for _, t := range fresh { // nothing that is kept may refer to itself
		if _, in := open[t]; !in {
			continue
		}
		for i, e := range slices.Backward(t.deps) {
			if _, in := open[e.to]; in {
				t.dropDep(i)
			}
		}
	}
}

// blameCycles marks the tasks of knots: each waits for a cycle, which the walk
// along its inputs finds.
func (m *Machine) blameCycles(fresh []*task, knots map[*task]int) {
	at := make(map[*task]int, len(knots)) // place on the path of the present walk
	for _, first := range fresh {
		if _, in := knots[first]; !in || first.is(lostDeps) {
			continue
		}
		var path []*task
		t := first
		for !t.is(lostDeps) {
			if from, again := at[t]; again {
				t.doom(describeCycle(path[from:]))
				break
			}
			at[t] = len(path)
			path = append(path, t)
			t = t.inputAmong(knots)
		}
		for _, p := range path {
			p.doom(t.whyLost())
			delete(at, p)
		}
	}
}

// inputAmong is an input that is one of the tasks.
func (t *task) inputAmong(tasks map[*task]int) *task {
	for i := range t.deps {
		if _, in := tasks[t.deps[i].to]; in {
			return t.deps[i].to
		}
	}
	return t // not reached: a task without such an input is in no knot
}

// shownCycle is how many keys of a cycle are named.
const shownCycle = 8

func describeCycle(tasks []*task) string {
	var b strings.Builder
	b.WriteString("the graph has a cycle, so that none of its tasks can begin: ")
	for i, t := range tasks {
		if i == shownCycle {
			fmt.Fprintf(&b, "(%d more), ", len(tasks)-i)
			break
		}
		b.WriteString(t.key.String() + " depends on ")
	}
	b.WriteString(tasks[0].key.String() + "; remove one of these dependencies")
	return b.String()
}
