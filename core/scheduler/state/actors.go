package state

import "github.com/gdask/gdask/sdk/wire"

// An actor is a task whose result is an object that stays where it was made.
// Other workers hold mere handles of it, so holders are not copies: only its
// home counts.

// home is the worker where an actor lives, or nil.
func (t *task) home() *worker {
	if t.more == nil {
		return nil
	}
	return t.more.home
}

// settleIn makes the worker that made an actor its home.
func (m *Machine) settleIn(t *task, w *worker) {
	if t.home() == nil {
		t.extra().home = w
		w.actors++
	}
}

// moveOut ends an actor's life in its home.
func (m *Machine) moveOut(t *task, w *worker) {
	if t.home() == w {
		t.more.home = nil
		w.actors--
	}
}

// vanished says that nobody has the result any more: of an actor, that its home
// is gone, whoever has a handle.
func (t *task) vanished() bool {
	return t.has.len() == 0 || t.is(actor) && t.home() == nil
}

// IsActor says whether the result of k is an actor, which can be neither copied
// nor moved.
func (m *Machine) IsActor(k wire.Key) bool {
	t := m.tasks.Get(k)
	return t != nil && t.is(actor)
}

// Actors is how many actors live, or are being made, on a worker.
func (m *Machine) Actors(address string) int {
	if w := m.workers[address]; w != nil {
		return w.actors
	}
	return 0
}
