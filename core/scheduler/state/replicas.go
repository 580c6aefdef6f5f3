package state

import (
	"cmp"
	"slices"

	"github.com/gdask/gdask/sdk/wire"
)

// This file keeps account of copies: which results have several, how many of
// them somebody asked for, and which go.

// listing is a set of tasks that can be gone through bit by bit.
type listing struct {
	list []*task
	at   map[*task]int
	todo int // of a walk: the first so many have not been visited
}

func (l *listing) add(t *task) {
	if _, in := l.at[t]; in {
		return
	}
	if l.at == nil {
		l.at = map[*task]int{}
	}
	l.at[t] = len(l.list)
	l.list = append(l.list, t)
}

func (l *listing) remove(t *task) {
	i, in := l.at[t]
	if !in {
		return
	}
	end := len(l.list) - 1
	delete(l.at, t)
	if i != end {
		l.list[i] = l.list[end]
		l.at[l.list[i]] = i
	}
	l.list[end] = nil
	if l.list = l.list[:end]; end == 0 {
		*l = listing{} // its room is worth something after a time of many
	}
}

// next is the task that a walk visits next, or nil. It goes from the end to the
// beginning, so that the visited one may leave.
func (l *listing) next() *task {
	if l.todo = min(l.todo, len(l.list)); l.todo == 0 {
		return nil
	}
	l.todo--
	return l.list[l.todo]
}

// pinned is how many copies of a result somebody asked for; the memory manager
// keeps as many, as far as there are workers.
func (t *task) pinned() int {
	if t.more == nil {
		return 1
	}
	return max(t.more.pinned, 1)
}

// pin asks for n copies from now on. One is what every result has.
func (m *Machine) pin(t *task, n int) {
	if n > 1 {
		t.extra().pinned = n
		m.pins.add(t)
	} else if t.more != nil {
		t.more.pinned = 0
		m.pins.remove(t)
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
	if len(t.dependents) <= 4*len(w.processing) {
		return slices.ContainsFunc(t.dependents, func(e edge) bool { return e.to.on == w })
	}
	return slices.ContainsFunc(w.processing, func(d *task) bool { return d.dependsOn(t) })
}

// heard says whether a worker gave a sign of life lately: one that stands still
// may be dead.
func (m *Machine) heard(w *worker) bool { return m.now.Sub(w.lastSeen) <= silentFor }

// droppable says whether a worker may drop its copy: another one stays with a
// worker that is heard of, no task needs it there, and it is no actor.
func (m *Machine) droppable(t *task, w *worker) bool {
	if t.has.len() < 2 || t.is(actor) || t.has.find(w) == nil || t.needsAt(w) {
		return false
	}
	for i := range t.has.len() {
		if o := t.has.at(i); o != w && m.heard(o) {
			return true
		}
	}
	return false
}

// drop has a worker drop its copy, which counts no more at once: so no two
// orders on their way can take the last two copies. A worker that needs its copy
// all the same says that it is still there. When the holders that are left die
// before the order has arrived, the result is lost a moment earlier than it would
// have been after: keeping account of the copy until then would save nothing,
// since the worker drops it when the order comes.
func (m *Machine) drop(t *task, w *worker) {
	m.unhold(t, w)
	m.order(w)
	w.shed = append(w.shed, t.key)
}

// dropSome has up to n of the workers drop their copies, those that get no tasks
// or were not heard of first, then those with the most memory in use.
func (m *Machine) dropSome(t *task, n int, among func(*worker) bool) {
	if t.is(actor) {
		return
	}
	able := m.able[:0]
	heard, leaving, staying := 0, 0, 0 // the last two may not, for their tasks
	for i := range t.has.len() {
		w := t.has.at(i)
		if m.heard(w) {
			heard++
		}
		switch needed := t.needsAt(w); {
		case !needed && among(w):
			able = append(able, w)
		case needed && w.running():
			staying++
		case needed:
			leaving++
		}
	}
	if len(able) > 1 {
		slices.SortStableFunc(able, m.worse)
	}
	for i, w := range able {
		// The only copy on a worker that stays is kept as long as tasks of a worker
		// that leaves need theirs: it would only have to be made again.
		kept := i == len(able)-1 && w.running() && leaving > 0 && staying == 0
		if n == 0 || kept || t.has.len() == 1 {
			break
		}
		if m.heard(w) {
			if heard == 1 {
				break // the others may be dead
			}
			heard--
		}
		m.drop(t, w)
		n--
	}
	clear(able)
	m.able = able[:0]
}

// worse orders workers by which should drop its copy.
func (m *Machine) worse(a, b *worker) int {
	last := func(yes bool) int {
		if yes {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(last(a.running()), last(b.running())),
		cmp.Compare(last(m.heard(a)), last(m.heard(b))),
		cmp.Compare(m.weight(b), m.weight(a)),
	)
}

// weight is what a worker uses, with the copies that are on their way to it.
func (m *Machine) weight(w *worker) int64 { return w.measure(m.c.MemoryManager.Measure) + w.awaited }

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
