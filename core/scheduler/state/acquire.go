package state

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

const (
	// acquirePatience is how long a copy may take beside its transfer at four
	// times the usual pace, before somebody else is asked.
	acquirePatience = 10 * time.Second
	// silentFor is how long ago the last word of a worker may be, and stallFor
	// the last copy that it did not get, before others are preferred to it.
	silentFor = 10 * time.Second
	stallFor  = time.Minute
)

// acquisition is a copy that a worker was asked to fetch and does not have yet.
// It ends when the worker says that it has it, with the worker, with the result
// itself, and when it takes too long: no message has to arrive for that.
type acquisition struct {
	t     *task
	to    *worker
	from  *worker // whose copy may go then; nil: nobody's
	by    *errand // nil: the memory manager
	bytes int64
	until time.Time
	got   bool
}

// acquisition is the one of t for a worker, or nil.
func (m *Machine) acquisition(t *task, w *worker) *acquisition {
	if !t.is(copying) {
		return nil
	}
	for _, a := range m.copies[t] {
		if a.to == w {
			return a
		}
	}
	return nil
}

// acquire has a worker fetch a copy.
func (m *Machine) acquire(t *task, to *worker, by *errand) *acquisition {
	a := &acquisition{t: t, to: to, by: by, bytes: t.size(m)}
	to.awaited += a.bytes
	transfer := time.Duration(float64(min(to.awaited, maxBytes)) / m.bandwidth * float64(time.Second))
	a.until = m.now.Add(acquirePatience + 4*min(transfer, time.Hour))
	if len(m.copies) == 0 || a.until.Before(m.soonest) {
		m.soonest = a.until
	}
	m.copies[t] = append(m.copies[t], a)
	t.set(copying)
	if by != nil {
		by.open++
	}
	m.order(to)
	to.fetch = append(to.fetch, t)
	return a
}

// arrived ends what was asked of w for t: the copy is there.
func (m *Machine) arrived(t *task, w *worker) {
	if a := m.acquisition(t, w); a != nil {
		m.endAcquisition(a, true)
	}
}

// endAcquisition takes it off the account. Whoever asked hears of it when the
// event under way is done.
func (m *Machine) endAcquisition(a *acquisition, got bool) {
	a.got = got
	a.to.awaited -= a.bytes
	left := slices.DeleteFunc(m.copies[a.t], func(x *acquisition) bool { return x == a })
	if m.copies[a.t] = left; len(left) == 0 {
		delete(m.copies, a.t)
		a.t.unset(copying)
	}
	if a.by != nil {
		m.ended = append(m.ended, a)
		m.due = true
	}
}

// stopCopies ends all of a result that is there no more. Workers need not go
// on where nobody needs it.
func (m *Machine) stopCopies(t *task) {
	for as := m.copies[t]; len(as) > 0; as = m.copies[t] {
		a := as[len(as)-1]
		m.endAcquisition(a, false)
		if !t.needed() && m.workers[a.to.address] == a.to {
			m.free(a.to, t.key)
		}
	}
}

// stopAcquisitions ends those that the condition holds for.
func (m *Machine) stopAcquisitions(over func(*acquisition) bool) {
	var ends []*acquisition
	for _, as := range m.copies {
		for _, a := range as {
			if over(a) {
				ends = append(ends, a)
			}
		}
	}
	slices.SortFunc(ends, func(a, b *acquisition) int { // maps have no order
		return cmp.Or(compareKeys(a.t.key, b.t.key), strings.Compare(a.to.address, b.to.address))
	})
	for _, a := range ends {
		m.endAcquisition(a, false)
	}
}

// expireCopies gives up what takes too long. The worker may still get it; until
// then others are asked first.
func (m *Machine) expireCopies() {
	if len(m.copies) == 0 || !m.now.After(m.soonest) {
		return
	}
	next := m.now.Add(time.Hour)
	m.stopAcquisitions(func(a *acquisition) bool {
		late := m.now.After(a.until)
		if late {
			a.to.stalled = m.now
		} else if a.until.Before(next) {
			next = a.until
		}
		return late
	})
	m.soonest = next
	if soon := m.now.Add(time.Second); next.Before(soon) {
		m.soonest = soon // all are looked at: not more often than this
	}
}

// silent says whether a worker gave no sign of life or got no copies lately.
func (m *Machine) silent(w *worker) bool {
	return m.now.Sub(w.lastSeen) > silentFor || !w.stalled.IsZero() && m.now.Sub(w.stalled) < stallFor
}
