package state

import (
	"fmt"
	"slices"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

const (
	// goneFor is how long a worker that was lost unexpectedly may come back
	// before tasks that only it could run are hopeless.
	goneFor = 30 * time.Second
	// keptGone is how many lost workers are remembered.
	keptGone = 64
)

// exit is what is known of a worker's death.
type exit struct {
	name, address, host string
	WorkerExit
	known   bool       // a supervisor told
	awaited bool       // a supervisor will tell
	blamed  []wire.Key // tasks that it counts against
}

func (e AddWorker) apply(m *Machine) {
	m.stimulus = e.StimulusID
	if m.workers[e.Address] != nil {
		m.reject(e, "a worker with the address "+e.Address+" is here already")
		return
	}
	w := m.newWorker(e)
	if other := m.names[w.reg.Name]; other != nil {
		m.reject(e, fmt.Sprintf("name taken, %s: the worker at %s has it; choose another name", w.reg.Name, other.address))
		return
	}
	m.workers[e.Address], m.names[w.reg.Name] = w, w
	m.list = append(m.list, w)
	m.threads += w.nthreads
	m.lastJoin = m.now
	m.gone = slices.DeleteFunc(m.gone, func(g *worker) bool { return g.address == e.Address })
	m.refresh(w)
	for _, h := range e.Held {
		m.regain(w, h)
	}
	m.changed()
}

func (m *Machine) reject(e AddWorker, reason string) {
	m.out.Rejected = append(m.out.Rejected, Rejected{e.Address, reason})
}

// regain notes a result that a worker brings along from before it reconnected.
func (m *Machine) regain(w *worker, h wire.KeySize) {
	t := m.tasks.Get(h.Key)
	switch {
	case t == nil || t.state == Erred || t.state == Released && !t.needed():
		m.free(w, h.Key)
	case t.state == Memory:
		m.hold(t, w)
	default:
		m.resize(t, h.Nbytes)
		m.toMemory(t, w)
	}
}

func (e RemoveWorker) apply(m *Machine) {
	m.stimulus = e.StimulusID
	w := m.workers[e.Address]
	if w == nil {
		return
	}
	delete(m.workers, e.Address)
	delete(m.names, w.reg.Name)
	m.list = slices.DeleteFunc(m.list, func(x *worker) bool { return x == w })
	m.threads -= w.nthreads
	w.status, w.lastSeen = "closed", m.now
	m.refresh(w)
	if w.exit == nil {
		w.exit = w.newExit() // to be completed by its supervisor
	}
	expected := (e.Expected || w.exit.Wanted) && !w.exit.OOM // it may have said goodbye on the SIGTERM that ended it for its memory
	if !expected {
		if m.gone = append(m.gone, w); len(m.gone) > keptGone {
			m.gone = slices.Delete(m.gone, 0, 1)
		}
	}
	m.stopAcquisitions(func(a *acquisition) bool { return a.to == w })
	for len(w.processing) > 0 {
		m.orphan(w.processing[len(w.processing)-1], w, expected)
	}
	for len(w.has) > 0 {
		t := w.has[len(w.has)-1]
		m.unhold(t, w)
		if t.vanished() {
			m.recommend(t, Released)
		}
	}
	for _, o := range m.list {
		m.toWorker(o, &wire.RemoveWorker{Worker: e.Address, StimulusID: e.StimulusID})
	}
	m.changed()
	m.recheckRetirement(w)
	m.recheck()
}

// orphan takes a task off a worker that is gone, and fails it when it was
// running at the unexpected death of too many.
func (m *Machine) orphan(t *task, w *worker, expected bool) {
	if !expected {
		t.suspicious++
		t.prefix.suspicious++
		x := t.extra()
		x.deaths = append(x.deaths, w.exit)
		w.exit.blamed = append(w.exit.blamed, t.key)
		if int(t.suspicious) > m.c.AllowedFailures {
			m.fail(t, m.killedWorker(t, w))
			m.transition(t, Erred) // at once: a dependent must not wake it before
			return
		}
	}
	m.leave(t)
	m.toReleased(t)
}

// apply finds the worker: one that was lost, or one whose stream has not ended
// yet. Others never joined or were expected to end: no task blames them.
func (e WorkerExit) apply(m *Machine) {
	for _, g := range slices.Backward(m.gone) {
		// A second report of one death tells more than the first.
		if e.describes(g) && (!g.exit.known || g.exit.Pid == e.Pid) {
			g.exit.WorkerExit, g.exit.known = e, true
			m.forgive(g)
			m.announce()
			return
		}
	}
	for _, w := range m.list {
		if e.describes(w) {
			w.exit = w.newExit()
			w.exit.WorkerExit, w.exit.known = e, true
			return
		}
	}
}

// forgive takes back what tasks were blamed for: the end of their worker turns out
// to have been wanted. One that has failed of it stays so.
func (m *Machine) forgive(w *worker) {
	if !w.exit.Wanted || w.exit.OOM {
		return
	}
	for _, k := range w.exit.blamed {
		t := m.tasks.Get(k)
		if t == nil || t.state == Erred || t.more == nil {
			continue
		}
		if i := slices.Index(t.more.deaths, w.exit); i >= 0 {
			t.more.deaths = slices.Delete(t.more.deaths, i, i+1)
			t.suspicious--
			t.prefix.suspicious--
		}
	}
	w.exit.blamed = nil
}

// describes reports whether it is the end of w. A worker that died at once may
// be known to its supervisor by its process only. Where both are known the
// address decides: the process may be that of the worker's plugin.
func (e WorkerExit) describes(w *worker) bool {
	if e.Address == "" {
		return e.Pid != 0 && e.Pid == w.reg.Pid
	}
	return e.Address == w.address
}

func (e WorkerStatus) apply(m *Machine) {
	m.stimulus = e.StimulusID
	w := m.workers[e.Address]
	if w == nil || w.status == e.Status {
		return
	}
	w.status, w.lastSeen = e.Status, m.now
	m.refresh(w)
	m.changed()
	m.recheck()
}

func (e Heartbeat) apply(m *Machine) {
	w := m.workers[e.Address]
	if w == nil {
		return
	}
	w.metrics, w.lastSeen, w.beat, w.reported = e.Metrics, m.now, m.now, e.Executing
	m.weigh(w)
	m.learnBandwidth(e.Metrics.Bandwidth)
	for _, d := range e.Executing {
		t := m.tasks.Get(d.Key)
		if t != nil && t.on == w {
			t.prefix.runsFor(d.Seconds)
		}
		// A task that runs longer than it was thought to weighs more.
		if t == nil || t.on != w || t.is(seceded) || !(d.Seconds > t.expected && d.Seconds < maxSeconds) {
			continue
		}
		w.occupancy += 2*d.Seconds - t.expected
		w.ahead += m.aheadOf(2*d.Seconds) - m.aheadOf(t.expected)
		t.expected = 2 * d.Seconds
		m.refresh(w)
	}
}

// maxBandwidth bounds what is believed, in bytes per second; the least is one.
const maxBandwidth = 1e15

// learnBandwidth follows what workers measured, each of them as much as any
// other. Zero is a worker's word that it measured nothing yet.
func (m *Machine) learnBandwidth(measured float64) {
	if measured >= 1 && measured <= maxBandwidth {
		m.bandwidth += (measured - m.bandwidth) / float64(len(m.list))
	}
}

func (e Tick) apply(m *Machine) {
	if m.parked.live > 0 || len(m.queues) > 0 {
		m.changed() // who may come back depends on the time
	}
	m.expireParked()
	m.announce()
	m.balance()
	m.watch()
	m.expireCopies()
	m.expireErrands()
	m.manageInTime()
	if m.now.Sub(m.looked) >= time.Second {
		m.looked = m.now
		if len(m.errands) > 0 {
			m.lookAgain()
		}
	}
	for _, w := range m.list {
		if ttl := m.c.WorkerTTL; ttl > 0 && !w.closing && m.now.Sub(w.lastSeen) > ttl {
			w.closing = true
			m.out.Close = append(m.out.Close, CloseWorker{w.address, fmt.Sprintf("silent for more than %v", ttl)})
		}
	}
}

// expireParked fails tasks that found no worker within the timeout for that.
func (m *Machine) expireParked() {
	limit := m.c.NoWorkersTimeout
	if limit <= 0 || m.parked.live == 0 || !m.now.After(m.expiry) {
		return
	}
	m.expiry = m.now.Add(limit)
	m.parked.each(func(t *task) {
		due := t.extra().parkedAt.Add(limit)
		if m.now.After(due) {
			m.expire(t)
		} else if due.Before(m.expiry) {
			m.expiry = due
		}
	})
}
