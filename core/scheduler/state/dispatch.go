package state

import (
	"slices"
	"time"
)

// schedule finds a place for a task whose inputs are all in memory: a worker,
// the queue, or the bench of tasks that no worker may run.
func (m *Machine) schedule(t *task) {
	l := t.limits
	if t.state == Waiting {
		if first := l.queue.peek(); first != nil && before(first, t) <= 0 {
			m.toQueue(t)
			return
		}
	}
	if w := m.decide(t); w != nil {
		m.assign(t, w)
		return
	}
	switch now, later := m.anywhere(l); {
	case t.state == Queued:
	case now:
		if t.state == NoWorker {
			m.unpark(t)
		}
		m.toQueue(t)
	case m.hopeless(later):
		m.refuse(t)
	case t.state != NoWorker:
		m.enterState(t, NoWorker)
		m.stamp++
		m.park(t)
	}
}

// hopeless says that an unsatisfiable task should fail rather than wait.
func (m *Machine) hopeless(later bool) bool {
	return m.c.FailFast && !later && len(m.list) > 0 && m.now.Sub(m.lastJoin) >= m.c.FailFastGrace
}

// park puts a task on the bench of those that no worker may run.
func (m *Machine) park(t *task) {
	if m.parked.live == 0 {
		m.expiry = m.now.Add(m.c.NoWorkersTimeout)
	}
	m.parked.push(t, m.stamp)
	t.limits.parked++
	m.benched[t.limits] = true
	t.extra().parkedAt = m.now
}

func (m *Machine) toQueue(t *task) {
	l := t.limits
	m.enterState(t, Queued)
	m.stamp++
	l.queue.push(t, m.stamp)
	if !l.queued {
		l.queued, l.deserted = true, time.Time{}
		m.queues = append(m.queues, l)
	}
}

// unpark takes a queued or no-worker task off its list.
func (m *Machine) unpark(t *task) {
	if t.state == NoWorker {
		m.parked.remove(t)
		if t.limits.parked--; t.limits.parked == 0 {
			delete(m.benched, t.limits)
		}
	} else {
		t.limits.queue.remove(t)
	}
}

// dispatch sends queued tasks to open workers, best priority first.
func (m *Machine) dispatch() {
	if len(m.queues) > len(m.limits) {
		m.dropEmptyQueues() // some were left behind
	}
	if len(m.queues) == 0 || len(m.open[openSlots])+len(m.open[openAhead]) == 0 {
		return
	}
	for len(m.queues) == 1 { // nearly always
		l := m.queues[0]
		t := l.queue.peek()
		if t == nil {
			l.queued = false
			m.queues[0] = nil
			m.queues = m.queues[:0]
			return
		}
		w := m.decide(t)
		if w == nil {
			return
		}
		m.assign(t, w)
	}
	m.dispatchMany()
}

// dispatchMany merges several queues; one whose first task fits nowhere is out.
func (m *Machine) dispatchMany() {
	m.dropEmptyQueues()
	in := slices.Clone(m.queues)
	for len(in) > 0 {
		best := 0
		for i, l := range in {
			if t := l.queue.peek(); before(t, in[best].queue.peek()) < 0 {
				best = i
			}
		}
		l := in[best]
		t := l.queue.peek()
		if w := m.decide(t); w != nil {
			m.assign(t, w)
			if l.queue.peek() != nil {
				continue
			}
		}
		in = slices.Delete(in, best, best+1)
	}
}

func (m *Machine) dropEmptyQueues() {
	m.queues = slices.DeleteFunc(m.queues, func(l *limits) bool {
		l.queued = l.queue.live > 0
		return !l.queued
	})
}

// changed notes that workers may run other tasks than before, and looks again
// at the tasks that none could run, in the order of their priority.
func (m *Machine) changed() {
	m.fleet++
	m.retryParked()
	m.watchQueues()
}

// watchQueues fails queued tasks whose workers have all gone, by the rules for
// those that never had one.
func (m *Machine) watchQueues() {
	for _, l := range m.queues {
		now, later := m.anywhere(l)
		if now {
			l.deserted = time.Time{}
			continue
		}
		if l.deserted.IsZero() {
			l.deserted = m.now
		}
		if limit := m.c.NoWorkersTimeout; m.hopeless(later) {
			l.queue.each(m.refuse)
		} else if limit > 0 && m.now.Sub(l.deserted) > limit {
			l.queue.each(m.expire)
		}
	}
}

// expire fails a task that no worker could run for too long.
func (m *Machine) expire(t *task) {
	m.fail(t, m.noWorkerInTime(t))
	m.recommend(t, Erred)
}

// refuse fails a task that no worker may run.
func (m *Machine) refuse(t *task) {
	m.fail(t, m.noValidWorker(t))
	m.recommend(t, Erred)
}

// retryParked looks at what tasks ask for first: they are many more.
func (m *Machine) retryParked() {
	hope := false
	for l := range m.benched {
		if now, later := m.anywhere(l); now || m.hopeless(later) {
			hope = true
			break
		}
	}
	if !hope {
		return
	}
	m.parked.each(func(t *task) {
		if now, later := m.anywhere(t.limits); now || m.hopeless(later) {
			m.recommend(t, Processing)
		}
	})
}
