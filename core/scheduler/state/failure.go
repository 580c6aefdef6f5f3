package state

import "github.com/gdask/gdask/sdk/wire"

// fail makes c the reason why t is, or is about to be, erred.
func (m *Machine) fail(t *task, c *cause) { t.extra().cause = c }

// toErred tells clients, and fails all that depends on the task.
func (m *Machine) toErred(t *task) {
	c := t.cause()
	m.enterState(t, Erred)
	m.remember(t, c)
	t.waitingOn = 0
	for i := range t.dependents {
		if d := t.dependents[i].to; d.state != Memory && d.state != Erred && d.state != Forgotten {
			d.extra().cause = c
			m.recommend(d, Erred)
		}
	}
	m.tellErred(t)
	m.relinquish(t)
	m.letGo(t)
	if t.unreferenced() {
		m.recommend(t, Forgotten)
	}
}

func (t *task) erredMessage() *wire.TaskErred {
	c := t.cause()
	return &wire.TaskErred{
		Key: t.key, Exception: c.exception, Traceback: c.traceback,
		ExceptionText: c.text(), TracebackText: c.tracebackText, Deaths: told(c.deaths),
	}
}

func (m *Machine) releasedErred(t *task) {
	if t.cause() == nil { // the reason went away meanwhile
		m.recommend(t, Waiting)
		return
	}
	m.toErred(t)
}

func (m *Machine) parkedErred(t *task) {
	if t.cause() == nil {
		return
	}
	m.unpark(t)
	m.toErred(t)
}

func (m *Machine) processingErred(t *task) {
	c := t.cause()
	if c == nil {
		return
	}
	if w := m.leave(t); c.key != t.key && m.workers[w.address] == w {
		m.free(w, t.key) // it did not fail there: it waits, for an input that failed
	}
	m.toErred(t)
}

// memoryErred is for actors: their state cannot be made again.
func (m *Machine) memoryErred(t *task) {
	if t.cause() == nil {
		m.fail(t, m.actorLost(t))
	}
	m.freeAll(t)
	for i := range t.dependents {
		if d := t.dependents[i].to; d.state == Waiting {
			d.waitingOn++
		}
	}
	m.toErred(t)
}

// erredReleased lets a task be tried again, and those that it failed.
func (m *Machine) erredReleased(t *task) {
	m.freeErred(t)
	old := t.cause()
	t.more.cause = nil
	t.suspicious, t.more.deaths = 0, nil
	m.enterState(t, Released)
	for i := range t.dependents {
		if d := t.dependents[i].to; d.state == Erred && d.inputErred() == nil {
			m.recommend(d, Waiting)
		}
	}
	m.blameOthers(t, old)
	for i := range t.wants.len() {
		m.toClient(t.wants.at(i), &wire.TaskRetried{Key: t.key})
	}
	switch {
	case t.is(lostDeps), t.unreferenced():
		m.recommend(t, Forgotten)
	case t.needed():
		m.recommend(t, Waiting)
	}
}

// inputErred is an input for which the task would fail at once if it were tried
// again, or nil.
func (t *task) inputErred() *task {
	for i := range t.deps {
		if d := t.deps[i].to; d.state == Erred {
			return d
		}
	}
	return nil
}

// blameOthers is for tasks below one that is tried again which stay erred: they
// fail for another input now.
func (m *Machine) blameOthers(t *task, old *cause) {
	open := []*task{t}
	for len(open) > 0 {
		t := open[len(open)-1]
		open = open[:len(open)-1]
		for i := range t.dependents {
			d := t.dependents[i].to
			if d.state != Erred || d.cause() != old {
				continue
			}
			in := d.inputErred()
			if in == nil || in.cause() == old {
				continue // it is tried again, or its input comes to its turn
			}
			d.more.cause = in.cause()
			for n := range d.wants.len() {
				m.toClient(d.wants.at(n), d.erredMessage())
			}
			open = append(open, d)
		}
	}
}

// freeErred has the workers on which the task failed drop what they keep of it.
func (m *Machine) freeErred(t *task) {
	if t.more == nil {
		return
	}
	for _, a := range t.more.erredOn {
		if w := m.workers[a]; w != nil {
			m.free(w, t.key)
		}
	}
	t.more.erredOn = nil
}
