package state

// validate checks what must hold after every event and notes what does not.
func (m *Machine) validate() {
	var counts Counts
	for k, t := range m.tasks {
		counts[t.state]++
		if t.key != k || t.state == Forgotten {
			m.fault("task listed under another key, or forgotten", k)
		}
		m.validateTask(t)
	}
	for s := range counts[:Forgotten] {
		if counts[s] != m.counts[s] {
			m.fault("wrong count of "+State(s).String(), "")
		}
	}
	for _, w := range m.list {
		for i, t := range w.processing {
			if t.on != w || int(t.onPos) != i {
				m.fault("wrong place in the tasks of "+w.address, t.key)
			}
		}
		for i, t := range w.has {
			if l := t.has.find(w); l == nil || int(l.pos) != i {
				m.fault("wrong place in the results of "+w.address, t.key)
			}
		}
	}
}

func (m *Machine) validateTask(t *task) {
	waiters, open := int32(0), int32(0)
	for i := range t.dependents {
		if t.dependents[i].to.state.active() {
			waiters++
		}
	}
	for i := range t.deps {
		if t.deps[i].to.state != Memory {
			open++
		}
	}
	switch {
	case waiters != t.waiters:
		m.fault("wrong number of waiters", t.key)
	case (t.on != nil) != (t.state == Processing):
		m.fault("state "+t.state.String()+" contradicts the assignment", t.key)
	case (t.state == Memory) != (t.has.len() > 0):
		m.fault("state "+t.state.String()+" contradicts the holders", t.key)
	case t.state == Waiting && (open != t.waitingOn || open == 0):
		m.fault("waits for the wrong number of inputs", t.key)
	case t.state == Processing && open > 0:
		m.fault("runs without its inputs", t.key)
	case t.state == Erred && t.cause() == nil:
		m.fault("erred without a cause", t.key)
	case t.rec != noRec:
		m.fault("a recommendation was left", t.key)
	}
}
