package state

import (
	"slices"

	"github.com/gdask/gdask/sdk/wire"
)

// releasedWaiting starts a task: it waits for its inputs, which start too.
func (m *Machine) releasedWaiting(t *task) {
	if t.is(lostDeps) || !t.hasSpec() {
		m.recommend(t, Forgotten)
		return
	}
	n := int32(0)
	for i := range t.deps {
		switch d := t.deps[i].to; d.state {
		case Memory:
		case Erred:
			t.extra().cause = d.cause()
			m.recommend(t, Erred)
			return
		default:
			n++
		}
	}
	m.enterState(t, Waiting)
	t.waitingOn = n
	if t.more != nil {
		t.more.cause = nil // of a failure that was overtaken
	}
	for _, v := range slices.Backward(t.deps) {
		if d := v.to; d.state == Released {
			m.recommend(d, Waiting)
		}
	}
	if n == 0 {
		m.recommend(t, Processing)
	}
}

// relinquish releases the inputs of a task that is no longer active, as far as
// nobody else needs them.
func (m *Machine) relinquish(t *task) {
	for i := range t.deps {
		if d := t.deps[i].to; !d.needed() && (d.state == Memory || d.state.active()) {
			m.recommend(d, unneeded)
		}
	}
}

// toReleased ends an active state. The task starts again when it is still
// needed, else its inputs go too: their turn comes after the task's.
func (m *Machine) toReleased(t *task) {
	m.enterState(t, Released)
	t.waitingOn = 0
	m.relinquish(t)
	switch {
	case t.is(lostDeps):
		m.recommend(t, Forgotten)
	case t.cause() == nil && t.needed():
		m.recommend(t, Waiting)
	case t.unreferenced():
		m.recommend(t, Forgotten)
	}
}

func (m *Machine) waitingReleased(t *task) { m.toReleased(t) }

func (m *Machine) parkedReleased(t *task) {
	m.unpark(t)
	m.toReleased(t)
}

// processingReleased takes a task back from its worker.
func (m *Machine) processingReleased(t *task) {
	w := m.leave(t)
	if m.workers[w.address] == w {
		m.free(w, t.key)
	}
	m.toReleased(t)
}

// toMemory notes a result from any state, and wakes who waits for it.
func (m *Machine) toMemory(t *task, w *worker) {
	switch t.state {
	case NoWorker, Queued:
		m.unpark(t)
	case Processing:
		if other := m.leave(t); other != w { // the result came from elsewhere
			m.free(other, t.key)
		}
	}
	m.hold(t, w)
	if t.is(actor) {
		m.settleIn(t, w)
	}
	m.enterState(t, Memory)
	t.waitingOn = 0
	for i := range t.dependents {
		if d := t.dependents[i].to; d.state == Waiting {
			if d.waitingOn--; d.waitingOn == 0 {
				m.recommend(d, Processing)
			}
		}
	}
	m.relinquish(t)
	for i := range t.wants.len() {
		m.toClient(t.wants.at(i), m.inMemory(t))
	}
	m.letGo(t)
	if !t.needed() {
		if t.unreferenced() {
			m.recommend(t, Forgotten)
		} else {
			m.recommend(t, unneeded)
		}
	}
}

func (m *Machine) inMemory(t *task) *wire.KeyInMemory {
	k := &wire.KeyInMemory{Key: t.key, Workers: t.addresses(), Nbytes: t.size(m)}
	if t.typ != nil {
		k.Type, k.Typename = t.typ.class, t.typ.name
	}
	return k
}

// memoryReleased drops a result: nobody needs it, or its last copy is lost.
func (m *Machine) memoryReleased(t *task) {
	if t.is(actor) && t.wants.len() > 0 && t.home() == nil {
		m.fail(t, m.actorLost(t))
		m.recommend(t, Erred)
		return
	}
	m.freeAll(t)
	m.enterState(t, Released)
	for i := range t.wants.len() {
		m.toClient(t.wants.at(i), &wire.LostData{Key: t.key})
	}
	for i := range t.dependents {
		switch d := t.dependents[i].to; d.state {
		case NoWorker, Queued, Processing:
			m.recommend(d, Waiting)
		case Waiting:
			d.waitingOn++
		}
	}
	switch {
	case t.is(lostDeps), !t.hasSpec(), t.unreferenced():
		m.recommend(t, Forgotten)
	case t.needed():
		m.recommend(t, Waiting)
	}
}

// toForgotten ends a task. Those that depend on it can never run again, and
// inputs that nothing else refers to end too.
func (m *Machine) toForgotten(t *task) {
	m.freeAll(t)
	m.freeErred(t)
	held := t.state == Memory
	m.enterState(t, Forgotten)
	for n := len(t.dependents); n > 0; n = len(t.dependents) {
		e := t.dependents[n-1]
		d := e.to
		d.doom(t.whyLost())
		if d.state == Waiting && !held {
			d.waitingOn--
		}
		d.dropDep(int(e.pos))
		if d.state != Memory && d.state != Erred {
			m.recommend(d, Forgotten)
		}
	}
	t.waiters = 0
	for n := len(t.deps); n > 0; n = len(t.deps) {
		d := t.deps[n-1].to
		t.dropDep(n - 1)
		if d.unreferenced() {
			m.recommend(d, Forgotten)
		}
	}
	for t.wants.len() > 0 {
		c := t.wants.at(0)
		m.cancelled(c, t.key, "lost dependencies", t.whyLost())
		m.unwant(c, t)
	}
	if t.pinned() > 1 {
		m.pins.remove(t)
	}
	m.leaveGroup(t)
	m.dropLimits(t)
	m.tasks.Remove(t)
	t.spec, t.more, t.typ = wire.Opaque{}, nil, nil // its neighbours in memory may live on
}
