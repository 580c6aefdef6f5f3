package state

import (
	"slices"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// An errand moves copies at somebody's request and tells when it is done:
// replicate, rebalance or the retirement of a worker. Replicate and rebalance
// run alone; retirements may run side by side, but not with the other two. The
// others wait, in the order in which they came.
type errand struct {
	id      int64
	job     job
	until   time.Time // zero while it waits
	timeout time.Duration
	open    int // its copies under way
	look    bool
	over    bool
}

// job is what distinguishes errands.
type job interface {
	// begin asks for the first copies.
	begin(m *Machine, e *errand)
	// copied is called for each copy that came or will not come.
	copied(m *Machine, e *errand, a *acquisition)
	// check looks again: workers changed, or time has passed.
	check(m *Machine, e *errand)
	// late ends the errand at its time limit, abandon when nobody waits for it.
	late(m *Machine, e *errand)
	abandon(m *Machine, e *errand)
	// shared says whether others of the kind may run at the same time.
	shared() bool
}

// The ends of an errand.
const (
	ErrandOK       = "OK"
	ErrandPartial  = "partial-fail"  // Keys were not copied
	ErrandStranded = "no-recipients" // a worker stays: Keys have nowhere to go
	ErrandGone     = "gone"          // the worker left meanwhile
	ErrandLate     = "timeout"       // a worker stays: Keys could not be copied in time
)

// ErrandDone is the end of an errand.
type ErrandDone struct {
	ID     int64
	Status string
	Keys   []wire.Key // that it did not do its work for
	Reason string     // in words, where Status is not OK
	Copied int        // copies made
}

// AbandonErrand ends an errand that nobody waits for any more. A worker that
// was to retire goes on.
type AbandonErrand struct{ ID int64 }

func (e AbandonErrand) apply(m *Machine) {
	m.waiting = slices.DeleteFunc(m.waiting, func(x *errand) bool { return x.id == e.ID })
	for _, x := range slices.Clone(m.errands) {
		if x.id == e.ID {
			x.job.abandon(m, x)
		}
	}
	m.due = true
}

// send starts an errand as soon as no other is in its way.
func (m *Machine) send(id int64, timeout time.Duration, j job) {
	m.waiting = append(m.waiting, &errand{id: id, job: j, timeout: timeout})
	m.due = true
}

// startErrands begins those whose turn has come.
func (m *Machine) startErrands() {
	for len(m.waiting) > 0 {
		e := m.waiting[0]
		for _, x := range m.errands {
			if !x.job.shared() || !e.job.shared() {
				return
			}
		}
		m.waiting[0] = nil
		m.waiting = m.waiting[1:]
		e.until = m.now.Add(e.timeout)
		m.errands = append(m.errands, e)
		e.job.begin(m, e)
	}
}

// finish ends an errand; copies that are still under way are nobody's now.
func (m *Machine) finish(e *errand, d ErrandDone) {
	if e.over {
		return
	}
	e.over = true
	d.ID = e.id
	m.errands = slices.DeleteFunc(m.errands, func(x *errand) bool { return x == e })
	if e.open > 0 {
		m.disown(e)
	}
	m.out.Done = append(m.out.Done, d)
	m.due = true
	m.recheck() // others may have waited for its copies
}

// alone says that an errand runs that does not want copies made by others.
func (m *Machine) alone() bool { return len(m.errands) > 0 && !m.errands[0].job.shared() }

// disown leaves an errand's copies to nobody.
func (m *Machine) disown(e *errand) {
	for _, as := range m.copies {
		for _, a := range as {
			if a.by == e {
				a.by = nil
			}
		}
	}
}

const (
	// fewErrands is how many errands look again at whatever changes; more wait for
	// the next second.
	fewErrands = 8
	// manyCopies is how many copies of an errand are under way at most.
	manyCopies = 5000
)

// room is how many copies an errand may ask for: it asks for many at a time.
func (e *errand) room() int {
	if e.open > manyCopies/2 {
		return 0
	}
	return manyCopies - e.open
}

// recheck has running errands look again when the event under way is done.
func (m *Machine) recheck() {
	if n := len(m.errands); n > 0 && n <= fewErrands {
		m.lookAgain()
	}
}

// lookAgain has all do so however many they are, recheckOne one of them.
func (m *Machine) lookAgain() { m.due, m.look = true, true }

func (m *Machine) recheckOne(e *errand) { m.due, e.look = true, true }

// advance brings errands on after an event, as far as it goes.
func (m *Machine) advance() {
	for m.due {
		m.due = false
		m.hearEnds()
		m.checkErrands()
		m.startErrands()
		m.settle()
	}
	m.ended = nil
}

// hearEnds tells errands of their copies that came or will not come.
func (m *Machine) hearEnds() {
	for len(m.ended) > 0 {
		a := m.ended[0]
		m.ended = m.ended[1:]
		e := a.by
		if e == nil {
			continue // finished meanwhile
		}
		if e.open--; !e.over {
			e.job.copied(m, e, a)
		}
	}
}

// checkErrands has those look again that are to.
func (m *Machine) checkErrands() {
	all := m.look
	m.look = false
	for _, e := range slices.Clone(m.errands) {
		if all || e.look {
			e.look = false
			if !e.over {
				e.job.check(m, e)
			}
		}
	}
}

// expireErrands ends those that take too long.
func (m *Machine) expireErrands() {
	for _, e := range slices.Clone(m.errands) {
		if m.now.After(e.until) {
			e.job.late(m, e)
		}
	}
}
