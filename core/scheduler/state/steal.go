package state

import (
	"strconv"

	"github.com/gdask/gdask/sdk/wire"
)

// Stealing moves tasks that have not begun from a busy worker, the victim, to
// an idle one, the thief. Only the victim knows what has begun: it is asked,
// and the task moves when it says that it has dropped it. Until then the task
// is the victim's.

// steal is a request that was not answered yet.
type steal struct {
	id            string
	victim, thief *worker // without a thief the task is placed like a new one
	less, more    float64 // seconds of work that the move takes off and puts on
}

// The states in which a worker gives up a task.
var notBegun = map[string]bool{"waiting": true, "ready": true, "constrained": true}

// The answers of a worker that does not have the task at all.
var unknownThere = map[string]bool{"": true, "released": true, "forgotten": true}

func (e StealResponse) apply(m *Machine) {
	m.stimulus = e.StimulusID
	w, t := m.from(e.Worker), m.tasks.Get(e.Key)
	if w == nil || t == nil {
		return
	}
	s := m.steals[t]
	if s == nil || s.victim != w || s.id != e.StimulusID {
		return // the task went another way meanwhile, or this is the answer again
	}
	m.endSteal(t)
	switch {
	case notBegun[e.State] && s.thief != nil && m.mayTake(s.thief, t):
		m.move(t, s.thief)
	case notBegun[e.State], unknownThere[e.State]:
		m.recommend(t, Released) // nobody has it: it is placed again
	}
}

// mayTake says whether a thief still may run the task.
func (m *Machine) mayTake(w *worker, t *task) bool {
	if m.workers[w.address] != w || !w.running() || !t.limits.allows(w) || !t.limits.spare(w) {
		return false
	}
	_, in := m.demand(t, w)
	return w.reg.MemoryLimit <= 0 || in <= w.reg.MemoryLimit
}

// move makes a task that its worker has dropped another worker's.
func (m *Machine) move(t *task, to *worker) {
	m.leave(t)
	m.log.add(Transition{t.key, Processing, Processing, m.named(), m.now})
	expected, _ := m.demand(t, to)
	m.hand(t, to, expected)
}

// request asks the victim for a task.
func (m *Machine) request(t *task, thief *worker, less, more float64) {
	m.stealID++
	s := &steal{id: "steal-" + strconv.FormatInt(m.stealID, 10), victim: t.on, thief: thief, less: less, more: more}
	m.steals[t] = s
	t.set(stealing)
	s.victim.going++
	s.victim.moving -= less
	if thief != nil {
		thief.coming++
		thief.moving += more
	}
	m.toWorker(s.victim, &wire.StealRequest{Key: t.key, StimulusID: s.id})
}

// endSteal forgets a request: it was answered, or the task went another way.
func (m *Machine) endSteal(t *task) {
	s := m.steals[t]
	delete(m.steals, t)
	t.unset(stealing)
	s.victim.going--
	s.victim.moving += s.less
	s.victim.still()
	if s.thief != nil {
		s.thief.coming--
		s.thief.moving -= s.more
		s.thief.still()
	}
}

// still leaves no rest of rounding.
func (w *worker) still() {
	if w.going+w.coming == 0 {
		w.moving = 0
	}
}

// heavy is a worker's seconds of work once the requests under way are granted,
// and count its tasks that take slots.
func (w *worker) heavy() float64 { return max(w.occupancy+w.moving, 0) }
func (w *worker) count() int     { return w.load() + w.coming - w.going }
