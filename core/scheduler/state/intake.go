package state

import (
	"math"
	"slices"

	"github.com/gdask/gdask/sdk/wire"
)

func (e UpdateGraph) apply(m *Machine) {
	m.stimulus = e.StimulusID
	c := m.client(e.Client)
	generation := m.nextGeneration(&e)
	fresh := m.create(e.Tasks, generation)
	m.connectAll(fresh, e.Tasks)
	m.refuseCycles(fresh)
	again := m.wish(c, e.Keys, fresh)
	for _, f := range slices.Backward(fresh) {
		switch t := f; {
		case t.is(lostDeps) || t.unreferenced():
			m.recommend(t, Forgotten)
		case t.wants.len() > 0:
			m.recommend(t, Waiting)
		}
	}
	for _, t := range again {
		m.recommend(t, Waiting)
	}
}

// connectAll joins the new tasks, which are in the order of their definitions,
// to their inputs.
func (m *Machine) connectAll(fresh []*task, defs []wire.TaskDef) {
	next := 0
	for i := range defs {
		if next < len(fresh) && fresh[next].key == defs[i].Key && fresh[next].is(inGraph) {
			t := fresh[next]
			t.unset(inGraph)
			m.connect(t, defs[i].Dependencies)
			next++
		}
	}
}

// wish enters the client's wishes and returns the tasks among them that are
// known from before and not under way. Keys mostly come in the order of the
// new tasks, which saves looking them up.
func (m *Machine) wish(c *client, keys []wire.Key, fresh []*task) (again []*task) {
	for i, k := range keys {
		var t *task
		if i < len(fresh) && fresh[i].key == k {
			t = fresh[i]
		} else if t = m.tasks.Get(k); t == nil {
			m.cancelled(c, k, "lost dependencies", "the scheduler does not know the key, and no task makes it")
			continue
		}
		m.want(c, t)
		m.report(c, t)
		if t.state == Released && t.stamp != m.stamp { // those of this graph have its stamp
			again = append(again, t)
		}
	}
	return again
}

// nextGeneration is the middle number of the priority of a graph's tasks:
// later graphs come later, unless they follow at once; a graph sent by a task
// comes before all others of its user priority, as in Dask, and the graphs of
// its own tasks before that: what is deepest ends first.
func (m *Machine) nextGeneration(e *UpdateGraph) float64 {
	if e.SubmittingTask != "" {
		if parent := m.tasks.Get(e.SubmittingTask); parent != nil {
			return min(parent.priority[0], parent.priority[1], 0) - 0.01
		}
	}
	if m.lastGraph.IsZero() || m.now.Sub(m.lastGraph) > e.FifoTimeout {
		m.generation++
		m.lastGraph = m.now
	}
	return m.generation
}

// create makes the tasks that are new; known ones stay as they are.
func (m *Machine) create(defs []wire.TaskDef, generation float64) []*task {
	fresh := make([]*task, 0, len(defs))
	for i := range defs {
		d := &defs[i]
		t := m.tasks.Get(d.Key)
		if t == nil {
			t = m.newTask(d.Key)
		}
		if t.hasSpec() || t.state != Released {
			m.keepFirst(t, d)
			continue
		}
		t.set(specified | inGraph)
		t.spec = d.RunSpec
		t.limits = m.limitsOf(d)
		t.limits.tasks++
		t.priority = [3]float64{-d.Priority, generation, float64(d.Order)}
		if math.IsNaN(d.Priority) { // it has no place in an order
			t.priority[0] = 0
		}
		if d.Actor {
			t.set(actor)
		}
		if d.Retries > 0 {
			t.extra().retries = d.Retries
		}
		if d.Timeout > 0 {
			t.extra().timeout = d.Timeout
		}
		if !d.Annotations.IsNil() {
			t.extra().annotations = d.Annotations
		}
		fresh = append(fresh, t)
	}
	return fresh
}

// connect joins a new task to its inputs. One whose input nobody knows can
// never run.
func (m *Machine) connect(t *task, dependencies []wire.Key) {
	if len(dependencies) > 0 {
		t.deps = make([]edge, 0, len(dependencies))
	}
	var joined map[*task]bool // only for many: a scan of few is cheaper
	if len(dependencies) > 16 {
		joined = make(map[*task]bool, len(dependencies))
	}
	for _, k := range dependencies {
		d := m.tasks.Get(k)
		switch {
		case d == nil:
			t.doom("task " + t.key.String() + " depends on " + k.String() +
				", which the scheduler does not know; submit it with the task, or keep a future of it")
		case d.is(lostDeps) && d.state == Released: // one in memory is as good as any
			t.doom(d.whyLost())
		case joined == nil && t.dependsOn(d) || joined[d]:
		default:
			if joined != nil {
				joined[d] = true
			}
			join(t, d)
		}
	}
}

func (t *task) dependsOn(d *task) bool {
	for i := range t.deps {
		if t.deps[i].to == d {
			return true
		}
	}
	return false
}

func (e UpdateData) apply(m *Machine) {
	sizes := make(map[wire.Key]int64, len(e.Nbytes))
	for _, n := range e.Nbytes {
		sizes[n.Key] = n.Nbytes
	}
	for _, h := range e.WhoHas {
		t := m.tasks.Get(h.Key)
		if t == nil {
			t = m.newTask(h.Key)
		}
		if n, ok := sizes[h.Key]; ok {
			m.resize(t, n)
		}
		if e.Client != "" {
			m.want(m.client(e.Client), t)
		}
		if t.state == Memory && e.Client != "" {
			m.report(m.client(e.Client), t)
		}
		for _, a := range h.Addresses {
			if w := m.workers[a]; w != nil {
				m.receive(t, w)
			}
		}
		if t.state != Released {
			continue
		}
		if t.hasSpec() { // its workers left meanwhile
			m.recommend(t, Waiting)
		} else {
			m.recommend(t, Forgotten)
		}
	}
}

// receive notes a copy of a value that did not come from a run.
func (m *Machine) receive(t *task, w *worker) {
	switch {
	case t.state == Memory:
		m.hold(t, w)
	case t.state == Erred:
		m.free(w, t.key)
	case t.needed():
		m.toMemory(t, w)
	case t.hasSpec():
		m.free(w, t.key) // made again when somebody asks, as any released task
	default: // nobody asked yet; it stays until somebody did and let go
		m.hold(t, w)
		m.enterState(t, Memory)
	}
}
