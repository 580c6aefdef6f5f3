package state

import (
	"slices"

	"github.com/gdask/gdask/sdk/wire"
)

// This file keeps account of copies: which results have several, how many of
// them somebody asked for, and which go.

// replicas lists the results that have more than one copy.
type replicas struct {
	list []*task
	at   map[*task]int
}

func (r *replicas) add(t *task) {
	if r.at == nil {
		r.at = map[*task]int{}
	}
	r.at[t] = len(r.list)
	r.list = append(r.list, t)
}

func (r *replicas) remove(t *task) {
	i, end := r.at[t], len(r.list)-1
	delete(r.at, t)
	if i != end {
		r.list[i] = r.list[end]
		r.at[r.list[i]] = i
	}
	r.list[end] = nil
	r.list = r.list[:end]
}

// pinned is how many copies of a result somebody asked for; the memory manager
// keeps as many, as far as there are.
func (t *task) pinned() int {
	if t.more == nil {
		return 1
	}
	return max(t.more.pinned, 1)
}

// pin asks for n copies from now on. One is what every result has.
func (t *task) pin(n int) {
	if n > 1 || t.more != nil {
		t.extra().pinned = n
	}
}

// holders are all workers with a copy. The slice may be shared.
func (t *task) holders() []string {
	n := t.has.len()
	if n <= 1 {
		return t.addresses()
	}
	r := make([]string, n)
	for i := range r {
		r[i] = t.has.at(i).address
	}
	return r
}

// needsAt says whether a task that is with the worker has t as its input.
func (t *task) needsAt(w *worker) bool {
	return slices.ContainsFunc(t.dependents, func(e edge) bool { return e.to.on == w })
}

// droppable says whether a worker may drop its copy: another one stays, no
// task needs it there, and it is no actor.
func (m *Machine) droppable(t *task, w *worker) bool {
	return t.has.len() > 1 && t.has.find(w) != nil && !t.is(actor) && !t.needsAt(w)
}

// drop has a worker drop its copy, which counts no more: a worker that needs it
// all the same says that it is still there.
func (m *Machine) drop(t *task, w *worker) {
	m.unhold(t, w)
	m.order(w)
	w.shed = append(w.shed, t.key)
}

// order notes that a worker is to be told what to copy or to drop.
func (m *Machine) order(w *worker) {
	if len(w.shed)+len(w.fetch) == 0 {
		m.ordered = append(m.ordered, w)
	}
}

// sendOrders tells the workers, each in one message a kind.
func (m *Machine) sendOrders() {
	for i, w := range m.ordered {
		m.ordered[i] = nil
		fetch, shed := w.fetch, w.shed
		w.fetch, w.shed = nil, nil
		if m.workers[w.address] != w {
			continue
		}
		if len(shed) > 0 {
			m.toWorker(w, &wire.RemoveReplicas{Keys: shed, StimulusID: managerStimulus})
		}
		m.sendFetch(w, fetch)
	}
	m.ordered = m.ordered[:0]
}

// sendFetch tells a worker which copies to fetch, and from whom. What it need
// not fetch any more is left out.
func (m *Machine) sendFetch(w *worker, ts []*task) {
	msg := &wire.AcquireReplicas{StimulusID: managerStimulus}
	for _, t := range ts {
		if m.acquisition(t, w) != nil {
			msg.WhoHas = append(msg.WhoHas, wire.KeyAddress{Key: t.key, Addresses: t.addresses()})
			msg.Nbytes = append(msg.Nbytes, wire.KeySize{Key: t.key, Nbytes: t.size(m)})
		}
	}
	if len(msg.WhoHas) > 0 {
		m.toWorker(w, msg)
	}
}

// managerStimulus is the reason that messages about copies give.
const managerStimulus = "active_memory_manager"

// lightest is the worker among ws that should get a copy of t: one that does
// not have it nor is about to, that was heard of lately, with the least memory
// in use.
func (m *Machine) lightest(t *task, ws []*worker) (best *worker) {
	silent, weight := false, int64(0)
	for _, w := range ws {
		if !w.running() || t.has.find(w) != nil || m.acquisition(t, w) != nil {
			continue
		}
		s, n := m.silent(w), m.weight(w)
		if best == nil || s != silent && silent || s == silent && n < weight {
			best, silent, weight = w, s, n
		}
	}
	return best
}

// weight is what a worker uses, with the copies that are on their way to it.
func (m *Machine) weight(w *worker) int64 { return w.measure(m.c.MemoryManager.Measure) + w.awaited }

// heaviest is the worker that should drop its copy of t; workers that get no
// tasks go first. It is nil when none may.
func (m *Machine) heaviest(t *task) (best *worker) {
	able, leaving, staying := 0, 0, 0 // that may; that may not, for their tasks
	for i := range t.has.len() {
		w := t.has.at(i)
		if !m.droppable(t, w) {
			if !w.running() && t.needsAt(w) {
				leaving++
			} else if t.needsAt(w) {
				staying++
			}
			continue
		}
		able++
		if best == nil || (w.running() != best.running() && best.running()) ||
			w.running() == best.running() && m.weight(w) > m.weight(best) {
			best = w
		}
	}
	// The only copy on a worker that stays is kept as long as tasks of a worker
	// that leaves need theirs: it would only have to be made again.
	if able == 1 && best.running() && leaving > 0 && staying == 0 {
		return nil
	}
	return best
}
