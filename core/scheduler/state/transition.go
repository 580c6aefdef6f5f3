package state

import "slices"

// step carries a task from one state to another. It changes this task only,
// and recommends what follows for others.
type step func(m *Machine, t *task)

// table is the declared steps. A pair that it lacks and that does not involve
// released is taken in two steps, by way of released.
type table [nStates][nStates]step

func newTable() *table {
	s := &table{}
	s[Released][Waiting] = (*Machine).releasedWaiting
	s[Released][Erred] = (*Machine).releasedErred
	s[Released][Forgotten] = (*Machine).toForgotten
	s[Waiting][Released] = (*Machine).waitingReleased
	s[Waiting][Processing] = (*Machine).schedule
	s[NoWorker][Released] = (*Machine).parkedReleased
	s[NoWorker][Processing] = (*Machine).schedule
	s[NoWorker][Erred] = (*Machine).parkedErred
	s[Queued][Released] = (*Machine).parkedReleased
	s[Queued][Processing] = (*Machine).schedule
	s[Queued][Erred] = (*Machine).parkedErred
	s[Processing][Released] = (*Machine).processingReleased
	s[Processing][Erred] = (*Machine).processingErred
	s[Memory][Released] = (*Machine).memoryReleased
	s[Memory][Erred] = (*Machine).memoryErred
	s[Memory][Forgotten] = (*Machine).toForgotten
	s[Erred][Released] = (*Machine).erredReleased
	s[Erred][Forgotten] = (*Machine).toForgotten
	return s
}

// recommend asks for a state of a task once the step under way is done. A
// later recommendation replaces an earlier one, except that one to release
// what nobody needs gives way to any other.
func (m *Machine) recommend(t *task, s State) {
	if s == Processing {
		m.ready = append(m.ready, t)
		return
	}
	if t.rec == noRec {
		m.stack = append(m.stack, t)
	} else if s == unneeded {
		return
	}
	t.rec = s
}

// settle follows recommendations until none is left: last in, first out, and
// tasks that became ready after all others, in the order of their priority.
func (m *Machine) settle() {
	for {
		for n := len(m.stack); n > 0; n = len(m.stack) {
			t := m.stack[n-1]
			m.stack[n-1] = nil
			m.stack = m.stack[:n-1]
			s := t.rec
			t.rec = noRec
			if s = m.revise(t, s); s != t.state && s != noRec {
				m.transition(t, s)
			}
		}
		if len(m.ready) == 0 {
			if m.dispatch(); len(m.stack)+len(m.ready) == 0 {
				return
			}
			continue
		}
		m.start()
	}
}

// start places the ready tasks.
func (m *Machine) start() {
	r := m.ready
	if len(r) > 1 && !slices.IsSortedFunc(r, before) {
		slices.SortFunc(r, before)
	}
	for i, t := range r {
		r[i] = nil
		if t.waitingOn == 0 && (t.state == Waiting || t.state == NoWorker) {
			if t.needed() {
				m.transition(t, Processing)
			} else {
				m.recommend(t, Released)
			}
		}
	}
	// Placing recommends no other task to processing, so r is still all of it.
	m.ready = r[:0]
}

// revise fits a recommendation to what has changed since it was made.
func (m *Machine) revise(t *task, s State) State {
	switch {
	case t.state == Forgotten:
		return noRec
	case t.is(lostDeps) && t.state == Released:
		return Forgotten // whatever else was asked for meanwhile
	case s == unneeded:
		if t.needed() || !(t.state.active() || t.state == Memory) {
			return noRec
		}
		return Released
	case s == Waiting:
		if !t.needed() {
			return Released
		}
		if t.state == Memory {
			return noRec
		}
	case s == Forgotten:
		lost := !t.hasSpec() && t.has.len() == 0
		if !t.is(lostDeps) && !lost && !t.unreferenced() {
			return noRec
		}
	}
	return s
}

// transition carries a task to a state, in two steps where none is declared.
func (m *Machine) transition(t *task, s State) {
	if t.state == s {
		return
	}
	if f := m.steps[t.state][s]; f != nil {
		f(m, t)
		return
	}
	if t.state == Released || s == Released || m.steps[t.state][Released] == nil || m.steps[Released][s] == nil {
		m.impossible(t, s)
		return
	}
	m.steps[t.state][Released](m, t)
	if t.rec == Forgotten || t.state != Released {
		return // it cannot run again
	}
	if t.rec != noRec {
		t.rec = s
		return // the step is next on the stack
	}
	m.steps[Released][s](m, t)
}
