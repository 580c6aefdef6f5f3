package state

import (
	"fmt"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// Alarm is a task that does not get on as it should.
type Alarm struct {
	// Stuck says that nothing seems to happen for the task any more; else it
	// only runs much longer than its name's other tasks ever did.
	Stuck   bool
	Task    TaskInfo
	Reason  string
	Since   time.Time // when it was first seen so
	Explain []string
	Story   []Transition
}

const (
	// looks is how often the watchdog looks within the time after which it speaks.
	looks = 10
	// muchLonger is how many times the longest run so far a run must last to be
	// called slow.
	muchLonger = 10
	// watchedAtOnce is how many tasks that may wait are looked at in one tick: a
	// look at many takes several.
	watchedAtOnce = 50_000
	// watchDepth is how many tasks of one worker are looked at, or of one queue,
	// and maxSuspects how many are remembered: where so many hang, the others do
	// for the same reason.
	watchDepth  = 100
	maxSuspects = 10_000
	// maxAlarms bounds the alarms of one look.
	maxAlarms = 20
)

// watchdog finds tasks that make no progress. It suspects a task when the state
// shows that nobody is working on it, and speaks when every look for
// Config.Watchdog found it so.
type watchdog struct {
	looked   time.Time
	suspects map[*task]*suspect
	seen     uint64 // number of the look
	looking  bool   // at tasks that wait, from place on
	place    int
}

type suspect struct {
	run    int64
	since  time.Time
	look   uint64
	spoken bool
}

// watch is the look at a tick, when it is time.
func (m *Machine) watch() {
	limit, d := m.c.Watchdog, &m.dog
	if limit <= 0 {
		return
	}
	if d.looking {
		m.watchSome()
		return
	}
	every := limit / looks
	gap := m.now.Sub(d.looked)
	if gap < every {
		return
	}
	if d.suspects == nil || gap > 3*max(every, time.Second) { // the first look, or this process slept
		d.suspects = map[*task]*suspect{}
	}
	d.looked = m.now
	d.seen++
	m.watchWorkers()
	m.watchReady()
	d.looking, d.place = true, 0
	m.watchSome()
}

// watchSome goes on with the look at tasks that wait, and ends it.
func (m *Machine) watchSome() {
	d := &m.dog
	if m.counts[Waiting] > 0 {
		part, next := m.tasks.Part(d.place, watchedAtOnce)
		for t := range part {
			if t.state == Waiting {
				m.watchInputs(t)
			}
		}
		if d.place = next; next > 0 {
			return
		}
	}
	d.looking = false
	for t, s := range d.suspects {
		if s.look != d.seen {
			delete(d.suspects, t)
		}
	}
}

// suspect notes that nobody works on a task, and speaks once after the limit.
func (m *Machine) suspect(t *task, format string, a ...any) {
	s := m.suspected(t, m.now)
	if s != nil && !s.spoken && m.now.Sub(s.since) >= m.c.Watchdog {
		s.spoken = m.alarm(t, true, s.since, fmt.Sprintf(format, a...))
	}
}

// suspected is what is noted of a task, since a time unless it was before; nil
// when too much is.
func (m *Machine) suspected(t *task, since time.Time) *suspect {
	d := &m.dog
	s := d.suspects[t]
	if s == nil || s.run != t.runID {
		if s == nil && len(d.suspects) >= maxSuspects {
			return nil
		}
		s = &suspect{run: t.runID, since: since}
		d.suspects[t] = s
	}
	s.look = d.seen
	return s
}

func (m *Machine) alarm(t *task, stuck bool, since time.Time, reason string) bool {
	if len(m.out.Alarms) >= maxAlarms {
		return false
	}
	info, _ := m.Task(t.key)
	m.out.Alarms = append(m.out.Alarms, Alarm{
		Stuck: stuck, Task: info, Reason: reason, Since: since, Explain: m.Explain(t.key), Story: m.Story(t.key),
	})
	return true
}

// watchWorkers looks at what is assigned.
func (m *Machine) watchWorkers() {
	for _, w := range m.list {
		still := w.ended == w.endedSeen
		w.endedSeen = w.ended
		for _, r := range w.reported {
			if t := m.tasks.Get(r.Key); t != nil && t.on == w {
				m.watchRun(t, seconds(min(r.Seconds, maxSeconds)))
			}
		}
		if !still || len(w.processing) == 0 {
			continue // it gets on
		}
		executing := make(map[wire.Key]bool, len(w.reported))
		for _, r := range w.reported {
			executing[r.Key] = true
		}
		for _, t := range w.processing[:min(len(w.processing), watchDepth+len(executing))] {
			if !executing[t.key] && !t.is(seceded) {
				m.watchAssigned(t, w, len(executing))
			}
		}
	}
}

// watchRun tells of a run that lasts much longer than any before.
func (m *Machine) watchRun(t *task, ran time.Duration) {
	longest := seconds(t.prefix.longest)
	if longest <= 0 || ran < max(m.c.Watchdog, muchLonger*longest) || t.is(seceded) {
		return
	}
	if s := m.suspected(t, m.now.Add(-ran)); s != nil && !s.spoken {
		s.spoken = m.alarm(t, false, s.since, fmt.Sprintf("worker %s has been executing it for %v; the longest run of %q before lasted %v",
			t.on.address, ran.Round(time.Millisecond), t.prefix.name, longest.Round(time.Millisecond)))
	}
}

// watchAssigned is about a task that its worker does not execute, while the
// worker has finished nothing since the last look.
func (m *Machine) watchAssigned(t *task, w *worker, executing int) {
	switch {
	case !w.running():
		m.suspect(t, "worker %s is %s and has not begun it", w.address, w.status)
	case m.now.Sub(w.beat) > m.c.Watchdog/looks:
		m.suspect(t, "worker %s has sent no heartbeat since %s", w.address, w.beat.UTC().Format(time.RFC3339))
	case executing >= w.nthreads:
		// all threads are busy with tasks that take long
	case t.limits != nil && len(t.limits.resources) > 0 && executing > 0:
		// what executes may use what the task asks for
	default:
		m.suspect(t, "worker %s executes %d tasks on %d threads, but not this one, and has finished none%s",
			w.address, executing, w.nthreads, fetching(t))
	}
}

func fetching(t *task) string {
	if len(t.deps) == 0 {
		return ""
	}
	return fmt.Sprintf("; it may still be fetching some of the %d inputs", len(t.deps))
}

// watchReady looks at tasks that are not assigned, though their inputs are there.
func (m *Machine) watchReady() {
	for _, l := range m.queues {
		if t := l.queue.peek(); t != nil {
			if w := m.couldStart(t); w != nil {
				m.suspect(t, "worker %s has room for it, but it stays queued", w.address)
			}
		}
	}
	looked := 0
	m.parked.some(func(t *task) bool {
		if w := m.couldStart(t); w != nil {
			m.suspect(t, "worker %s may run it, but it counts as one that no worker may run", w.address)
		}
		looked++
		return looked < watchDepth
	})
}

// couldStart is a worker with room for the task, or nil.
func (m *Machine) couldStart(t *task) *worker {
	for _, w := range m.open[openSlots] {
		if w.running() && t.limits.allows(w) && t.limits.spare(w) {
			return w
		}
	}
	return nil
}

// watchInputs suspects a task that waits for what nobody makes.
func (m *Machine) watchInputs(t *task) {
	missing := 0
	for i := range t.deps {
		switch d := t.deps[i].to; {
		case d.state == Memory:
		case d.state.active():
			missing++
		default:
			m.suspect(t, "it waits for %v, which is %v: nobody makes it", d.key, d.state)
			return
		}
	}
	if missing == 0 {
		m.suspect(t, "all of its inputs are in memory, but it still waits")
	}
}
