package state

// validateSteals checks that a task in a request is its victim's, and what
// workers sum over requests.
func (m *Machine) validateSteals() {
	type sum struct {
		going, coming int
		moving        float64
	}
	sums := map[*worker]*sum{}
	of := func(w *worker) *sum {
		if sums[w] == nil {
			sums[w] = &sum{}
		}
		return sums[w]
	}
	for t, s := range m.steals {
		if m.tasks.Get(t.key) != t || t.on != s.victim || m.workers[s.victim.address] != s.victim {
			m.fault("a task is to be stolen from a worker that does not have it", t.key)
		}
		if !t.is(stealing) || t.is(seceded) || t.is(actor) || s.thief == s.victim {
			m.fault("a task is to be stolen that must not be", t.key)
		}
		of(s.victim).going++
		of(s.victim).moving -= s.less
		if s.thief != nil {
			of(s.thief).coming++
			of(s.thief).moving += s.more
		}
	}
	for _, w := range m.list {
		s := of(w)
		if s.going != w.going || s.coming != w.coming || !near(s.moving, w.moving) {
			m.fault("wrong sums of what is stolen at "+w.address, "")
		}
	}
	for t := range m.tasks.All() {
		if t.is(stealing) && m.steals[t] == nil {
			m.fault("marked as to be stolen without a request", t.key)
		}
	}
}
