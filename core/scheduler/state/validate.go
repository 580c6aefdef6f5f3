package state

// Check verifies what must hold between events and says what does not; nil when
// all is well. It looks at everything, so it is for tests and simulations.
func (m *Machine) Check() []string {
	kept := m.out.Errors
	m.out.Errors = nil
	m.validate()
	var found []string
	for _, d := range m.out.Errors {
		found = append(found, d.String())
	}
	m.out.Errors = kept
	return found
}

// validate checks what must hold after every event and notes what does not.
func (m *Machine) validate() {
	var counts Counts
	for t := range m.tasks.All() {
		counts[t.state]++
		if m.tasks.Get(t.key) != t || t.state == Forgotten {
			m.fault("task listed under another key, or forgotten", t.key)
		}
		m.validateTask(t)
		m.validateNeed(t)
		m.validateLinks(t)
	}
	for s := range counts[:Forgotten] {
		if counts[s] != m.counts[s] {
			m.fault("wrong count of "+State(s).String(), "")
		}
	}
	m.validateNames()
	m.validateClients()
	m.validateFleet()
	m.validateQueues()
	m.validateLeft()
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
	case t.state.active() && t.state != Waiting && open > 0:
		m.fault("is "+t.state.String()+" without its inputs", t.key)
	case t.state == Erred && t.cause() == nil:
		m.fault("erred without a cause", t.key)
	case t.rec != noRec:
		m.fault("a recommendation was left", t.key)
	case t.is(seceded) && t.state != Processing:
		m.fault("long-running while "+t.state.String(), t.key)
	}
}

// validateNeed checks that what is needed is on its way, and nothing else.
func (m *Machine) validateNeed(t *task) {
	switch {
	case t.state == Released && t.needed():
		m.fault("needed, but nothing makes it", t.key)
	case t.state.active() && !t.needed():
		m.fault("is "+t.state.String()+" though nobody needs it", t.key)
	case t.state != Memory && t.unreferenced():
		m.fault("is "+t.state.String()+" though nothing refers to it", t.key)
	case t.state == Memory && !t.needed() && t.hasSpec():
		m.fault("a result is kept that nobody needs", t.key)
	case !t.hasSpec() && t.state != Memory:
		m.fault("data is "+t.state.String(), t.key)
	case t.is(lostDeps) && t.state != Memory && t.state != Erred:
		m.fault("is "+t.state.String()+" though it can never run", t.key)
	}
}

// validateLinks checks both ends of what joins a task to others.
func (m *Machine) validateLinks(t *task) {
	for i, e := range t.deps {
		if back := e.to.dependents; int(e.pos) >= len(back) || back[e.pos].to != t || int(back[e.pos].pos) != i {
			m.fault("a dependency has no opposite", t.key)
		}
		if m.tasks.Get(e.to.key) != e.to {
			m.fault("depends on a task that is not known", t.key)
		}
	}
	for i, e := range t.dependents {
		if back := e.to.deps; int(e.pos) >= len(back) || back[e.pos].to != t || int(back[e.pos].pos) != i {
			m.fault("a dependent has no opposite", t.key)
		}
	}
	for i := range t.has.len() {
		if l := t.has.ref(i); int(l.pos) >= len(l.to.has) || l.to.has[l.pos] != t || m.workers[l.to.address] != l.to {
			m.fault("wrong place in the results of "+l.to.address, t.key)
		}
	}
	for i := range t.wants.len() {
		if l := t.wants.ref(i); int(l.pos) >= len(l.to.wants) || l.to.wants[l.pos] != t || m.clients[l.to.id] != l.to {
			m.fault("wrong place in the wishes of "+l.to.id, t.key)
		}
	}
}

// validateNames compares what is counted by name and by collection.
func (m *Machine) validateNames() {
	type sum struct {
		counts Counts
		tasks  int
		nbytes int64
	}
	groups, prefixes, shared := map[*group]*sum{}, map[*prefix]*Counts{}, map[*limits]int{}
	for t := range m.tasks.All() {
		g, p := groups[t.group], prefixes[t.prefix]
		if g == nil {
			g = &sum{}
			groups[t.group] = g
		}
		if p == nil {
			p = &Counts{}
			prefixes[t.prefix] = p
		}
		g.tasks++
		g.counts[t.state]++
		p[t.state]++
		if t.state == Memory {
			g.nbytes += t.size(m)
		}
		if t.limits != nil {
			shared[t.limits]++
		}
	}
	for g, s := range groups {
		s.counts[Forgotten] = g.counts[Forgotten] // of earlier tasks
		if g.counts != s.counts || g.tasks != s.tasks || g.nbytes != s.nbytes || m.groups[g.name] != g {
			m.fault("wrong sums of the group "+g.name, "")
		}
	}
	for p, s := range prefixes {
		s[Forgotten] = p.counts[Forgotten]
		if p.counts != *s || m.prefixes[p.name] != p {
			m.fault("wrong counts of the prefix "+p.name, "")
		}
	}
	for l, n := range shared {
		if l.tasks != n || m.limits[l.id] != l {
			m.fault("wrong number of tasks with the limits "+l.id, "")
		}
	}
	if len(groups) != len(m.groups) || len(shared) != len(m.limits) {
		m.fault("a group or limits without tasks are kept", "")
	}
}

func (m *Machine) validateClients() {
	for _, c := range m.clients {
		for i, t := range c.wants {
			if l := t.wants.find(c); l == nil || int(l.pos) != i || m.tasks.Get(t.key) != t {
				m.fault("wrong place in the wishes of "+c.id, t.key)
			}
		}
	}
}
