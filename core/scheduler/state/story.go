package state

import (
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// Transition is one change of a task's state.
type Transition struct {
	Key      wire.Key
	From, To State
	Stimulus string // id of the event that caused it, or the event's name
	Time     time.Time
}

// ring keeps the latest transitions in room that the first one allocates.
type ring struct {
	size  int
	items []Transition
	total uint64
}

func newRing(n int) ring { return ring{size: n} }

func (r *ring) add(t Transition) {
	if r.total == 0 {
		r.items = make([]Transition, r.size)
	}
	if len(r.items) > 0 {
		r.items[r.total%uint64(len(r.items))] = t
	}
	r.total++
}

// Story are the remembered transitions of the keys, or those that events with
// these ids or names caused, oldest first; without any all of them. A steal is
// a transition from processing to processing.
func (m *Machine) Story(keysOrStimuli ...wire.Key) []Transition {
	want := make(map[wire.Key]bool, len(keysOrStimuli))
	stimuli := make(map[string]bool, len(keysOrStimuli))
	for _, k := range keysOrStimuli {
		want[k] = true
		if s, ok := k.Str(); ok {
			stimuli[s] = true
		}
	}
	n := uint64(len(m.log.items))
	first := uint64(0)
	if m.log.total > n {
		first = m.log.total - n
	}
	var r []Transition
	for i := first; i < m.log.total && n > 0; i++ {
		if t := m.log.items[i%n]; len(keysOrStimuli) == 0 || want[t.Key] || stimuli[t.Stimulus] {
			r = append(r, t)
		}
	}
	return r
}

// Since are the transitions after the first n, oldest first, as far as they are
// remembered, and how many there are now.
func (m *Machine) Since(n uint64) (ts []Transition, total uint64) {
	size := uint64(len(m.log.items))
	if m.log.total > size {
		n = max(n, m.log.total-size)
	}
	for ; n < m.log.total; n++ {
		ts = append(ts, m.log.items[n%size])
	}
	return ts, m.log.total
}

// enterState changes a task's state with all counts that follow from it.
func (m *Machine) enterState(t *task, s State) {
	old := t.state
	if old == s {
		return
	}
	t.state = s
	m.log.add(Transition{t.key, old, s, m.named(), m.now})
	m.counts[old]--
	m.counts[s]++
	p, g := t.prefix, t.group
	p.counts[old]--
	p.counts[s]++
	p.entered[s]++
	g.counts[old]--
	g.counts[s]++
	if s == Memory {
		g.nbytes += t.size(m)
	} else if old == Memory {
		g.nbytes -= t.size(m)
		if t.is(copying) {
			m.stopCopies(t)
		}
	}
	if was, is := old.active(), s.active(); was != is {
		d := int32(1)
		if was {
			d = -1
		}
		for i := range t.deps {
			t.deps[i].to.waiters += d
		}
	}
}
