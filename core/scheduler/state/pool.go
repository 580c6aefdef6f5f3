package state

// pool offers workers for copies, those with the least memory in use first. It is
// made at most once an event, however many copies that one asks for.
type pool struct {
	event uint64 // that it was made in
	spots heap[spot]
}

// spot is a worker as the pool knows it.
type spot struct {
	w      *worker
	silent bool // it was not heard of lately: others are preferred
	weight int64
	place  int // among the workers, where all else is equal
}

func (a spot) before(b spot) bool {
	switch {
	case a.silent != b.silent:
		return b.silent
	case a.weight != b.weight:
		return a.weight < b.weight
	}
	return a.place < b.place
}

// open makes the pool for the event under way, unless it is.
func (p *pool) open(m *Machine, among []*worker) {
	if p.event == m.events {
		return
	}
	p.event = m.events
	spots := p.spots.items[:0]
	for i, w := range among {
		if w.running() && m.workers[w.address] == w {
			spots = append(spots, spot{w, m.silent(w), m.weight(w), i})
		}
	}
	p.spots.before = spot.before
	p.spots.fill(spots)
}

// everybody is the pool of all workers.
func (m *Machine) everybody() *pool {
	m.pool.open(m, m.list)
	return &m.pool
}

// copyTo has up to n workers of the pool fetch a copy, none that has it or is
// about to. It returns how many do.
func (m *Machine) copyTo(p *pool, t *task, n int, by *errand) (asked int) {
	if t.is(actor) {
		return 0
	}
	m.markCopies(t)
	var aside []spot
	for asked < n && p.spots.len() > 0 {
		s := p.spots.pop()
		if !s.w.running() { // since a moment ago
			continue
		}
		if s.w.marked != m.marks {
			m.acquire(t, s.w, by)
			s.weight += t.size(m)
			asked++
		}
		aside = append(aside, s)
	}
	for _, s := range aside {
		p.spots.push(s)
	}
	return asked
}

// markCopies marks the workers that have a copy or were asked to fetch one.
func (m *Machine) markCopies(t *task) {
	m.marks++
	for i := range t.has.len() {
		t.has.at(i).marked = m.marks
	}
	if t.is(copying) {
		for _, a := range m.copies[t] {
			a.to.marked = m.marks
		}
	}
}
