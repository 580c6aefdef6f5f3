package state

import "math"

// validateFleet checks workers, one by one and their sums.
func (m *Machine) validateFleet() {
	threads := 0
	for _, w := range m.list {
		threads += w.nthreads
		if m.workers[w.address] != w || m.names[w.reg.Name] != w {
			m.fault("a worker is not listed by its address or name: "+w.address, "")
		}
		m.validateWorker(w)
		m.validateOpen(w)
	}
	m.validateSteals()
	m.validateCopies()
	if threads != m.threads || len(m.list) != len(m.workers) || len(m.list) != len(m.names) {
		m.fault("wrong number of workers or threads", "")
	}
	for class, l := range m.open {
		for i, w := range l {
			if int(w.openIn) != class || w.openPos != i || m.workers[w.address] != w {
				m.fault("wrong place among the open workers: "+w.address, "")
			}
		}
	}
}

func (m *Machine) validateWorker(w *worker) {
	var nbytes int64
	var occupancy, ahead float64
	seceding, actors, used := 0, 0, map[string]float64{}
	for i, t := range w.processing {
		if t.on != w || int(t.onPos) != i || m.tasks.Get(t.key) != t {
			m.fault("wrong place in the tasks of "+w.address, t.key)
		}
		occupancy += t.expected
		if t.is(seceded) {
			seceding++
		} else {
			ahead += m.aheadOf(t.expected)
		}
		if t.is(actor) {
			actors++
		}
		for r, n := range t.limits.resources {
			used[r] += n
		}
	}
	for i, t := range w.has {
		nbytes += t.size(m)
		if t.home() == w {
			actors++
		}
		if l := t.has.find(w); l == nil || int(l.pos) != i || m.tasks.Get(t.key) != t {
			m.fault("wrong place in the results of "+w.address, t.key)
		}
	}
	if nbytes != w.nbytes || seceding != w.seceded || actors != w.actors {
		m.fault("wrong bytes, actors or long-running tasks of "+w.address, "")
	}
	if !near(occupancy, w.occupancy) || !near(ahead, w.ahead) {
		m.fault("wrong occupancy of "+w.address, "")
	}
	for r := range w.reg.Resources {
		if !near(used[r], w.used[r]) {
			m.fault("wrong resources in use at "+w.address, "")
		}
	}
}

// near allows for rounding; infinities and NaN are never right.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(a)) }

func (m *Machine) validateOpen(w *worker) {
	want := int8(-1)
	switch {
	case !w.running():
	case w.load() < w.slots:
		want = openSlots
	case m.roomAhead(w):
		want = openAhead
	}
	if w.openIn != want {
		m.fault("listed among the wrong open workers: "+w.address, "")
	}
}

// validateQueues checks that ready tasks are listed once, and that none of them
// waits while a worker could start it.
func (m *Machine) validateQueues() {
	listed := map[*task]int{}
	seen := map[*limits]bool{}
	for _, l := range m.queues {
		if seen[l] || !l.queued {
			m.fault("a queue is listed twice, or not as listed", "")
		}
		seen[l] = true
		m.validateQueue(&l.queue, listed)
		if t := l.queue.peek(); t != nil {
			m.validateFirst(t)
		}
	}
	m.validateQueue(&m.parked, listed)
	for t := range m.tasks.All() {
		in := t.state == Queued || t.state == NoWorker
		if in != (listed[t] == 1) || listed[t] > 1 || t.state == Queued && !seen[t.limits] {
			m.fault("state "+t.state.String()+" contradicts the queues", t.key)
		}
		if t.state == NoWorker {
			if now, _ := m.anywhere(t.limits); now {
				m.fault("no-worker, though one may run it", t.key)
			}
		}
	}
}

func (m *Machine) validateQueue(q *queue, listed map[*task]int) {
	n := 0
	q.each(func(t *task) {
		listed[t]++
		n++
	})
	if n != q.live {
		m.fault("wrong length of a queue", "")
	}
}

// validateFirst checks that no free slot is left for the first of a queue.
func (m *Machine) validateFirst(t *task) {
	for _, w := range m.open[openSlots] {
		if t.limits.allows(w) && t.limits.spare(w) {
			m.fault("queued, though "+w.address+" could start it", t.key)
		}
	}
}
