package state

// validateCopies checks the account of copies: those that are under way, those
// that there are several of, and the errands that wait for them.
func (m *Machine) validateCopies() {
	awaited, open := map[*worker]int64{}, map[*errand]int{}
	for t, as := range m.copies {
		if m.tasks.Get(t.key) != t || t.state != Memory || !t.is(copying) || len(as) == 0 {
			m.fault("a copy is under way of what is not in memory", t.key)
		}
		for i, a := range as {
			if a.t != t || m.workers[a.to.address] != a.to || t.has.find(a.to) != nil || t.is(actor) {
				m.fault("a copy is under way to "+a.to.address+", which is gone or has it", t.key)
			}
			for _, b := range as[:i] {
				if a.to == b.to {
					m.fault("a copy is under way twice to "+a.to.address, t.key)
				}
			}
			awaited[a.to] += a.bytes
			if a.by != nil {
				open[a.by]++
			}
		}
	}
	for _, w := range m.list {
		if awaited[w] != w.awaited || len(w.fetch)+len(w.shed) > 0 {
			m.fault("wrong bytes under way to "+w.address+", or it was not told", "")
		}
	}
	m.validateErrands(open)
	several := 0
	for t := range m.tasks.All() {
		if t.has.len() > 1 {
			several++
			if i, ok := m.replicas.at[t]; !ok || m.replicas.list[i] != t {
				m.fault("has several copies, but is not listed so", t.key)
			}
		}
		if t.is(copying) && m.copies[t] == nil {
			m.fault("marked as being copied, but nobody was asked", t.key)
		}
	}
	if several != len(m.replicas.list) || several != len(m.replicas.at) {
		m.fault("wrong number of results with several copies", "")
	}
}

// validateErrands checks that errands know what is under way for them, exclude
// each other, and that none waits without need.
func (m *Machine) validateErrands(open map[*errand]int) {
	retiring, single := map[*worker]int{}, 0
	for _, e := range m.errands {
		if e.over || open[e] != e.open {
			m.fault("an errand miscounts its copies, or is over", "")
		}
		if r, ok := e.job.(*retirement); ok {
			retiring[r.w]++
		} else {
			single++
		}
		delete(open, e)
	}
	if len(open) > 0 || len(m.ended) > 0 || m.due {
		m.fault("copies are under way for errands that do not run, or have not heard of their end", "")
	}
	if single > 1 || single == 1 && len(m.errands) > 1 || len(m.waiting) > 0 && len(m.errands) == 0 {
		m.fault("errands run together that must not, or wait for none", "")
	}
	for _, w := range m.list {
		if w.retiring != retiring[w] {
			m.fault("wrong number of retirements of "+w.address, "")
		}
	}
}
