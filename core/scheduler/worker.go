package scheduler

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/gdask/gdask/core/scheduler/coord"
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// workerPeer is one worker as the shell knows it. All but lastSeen belongs to
// the loop.
type workerPeer struct {
	address  string
	name     string
	reg      *wire.RegisterWorker
	gdask    bool
	conn     *wire.Conn
	byRef    bool // messages stay in this process unencoded
	out      outlet
	status   string
	closing  bool // it said that it closes: its end is no accident
	told     bool // it was told to close, or is being restarted: whatever it says, neither is its end
	gone     bool
	metrics  wire.Metrics
	nanny    string
	lastSeen atomic.Int64 // Unix nanoseconds
	joined   time.Time
	ctx      context.Context // ends with the worker; bounds requests to it
	lost     context.CancelCauseFunc
}

func (w *workerPeer) seen(t time.Time) { w.lastSeen.Store(t.UnixNano()) }

// serveWorker runs a worker's stream until it ends.
func (s *Scheduler) serveWorker(c *wire.Conn, m *wire.RegisterWorker) {
	w := &workerPeer{
		address: m.Address, name: workerName(m), reg: m, gdask: c.Peer().GDask > 0,
		conn: c, byRef: c.ByReference(), status: m.Status, metrics: m.Metrics, nanny: textOf(m.Nanny), joined: time.Now(),
	}
	w.ctx, w.lost = context.WithCancelCause(s.ctx)
	defer w.lost(nil)
	w.seen(w.joined)
	var refusal string
	var interval float64
	err := s.loop.do(s.ctx, func() {
		refusal = s.loop.addWorker(w)
		interval = heartbeatSeconds(len(s.loop.workers))
	})
	if err != nil {
		return
	}
	if !s.answerRegistration(w, refusal, interval) {
		return
	}
	st := wire.NewStream(c)
	defer endStream(st)
	s.loop.post(func() {
		if !w.gone {
			w.out.attach(st)
		}
	})
	end := s.readWorker(w)
	s.loop.post(func() { s.loop.dropWorker(w, end, false) })
}

// answerRegistration writes the plain map that must precede any batch and
// reports whether the worker is in.
func (s *Scheduler) answerRegistration(w *workerPeer, refusal string, interval float64) bool {
	reply := &wire.RegisterWorkerReply{Status: "OK", Time: unixNow(), HeartbeatInterval: interval}
	if refusal != "" {
		reply.Status, reply.Message = "error", refusal
		s.log.warn("worker refused", "address", w.address, "name", w.name, "reason", refusal)
	}
	reply.WorkerPlugins = s.pluginsFor(w)
	if err := w.conn.SendValue(reply); err != nil {
		if refusal == "" {
			s.loop.post(func() { s.loop.dropWorker(w, "left during its registration", false) })
		}
		return false
	}
	return refusal == ""
}

// addWorker enters w and returns why it is refused, or "".
func (l *loop) addWorker(w *workerPeer) (refusal string) {
	if w.address == "" {
		return "a worker must give its address"
	}
	if old := l.workers[w.address]; old != nil && old.gdask && w.gdask {
		// The same listening socket cannot have two owners: the old stream is dead.
		l.dropWorker(old, "registered again", false)
	}
	l.flush()
	l.rejected = l.rejected[:0]
	known := l.workers[w.address] != nil
	if !known {
		l.workers[w.address] = w // so that what the machine says at once finds it
	}
	l.apply(addWorkerEvent(w))
	l.flush()
	for _, r := range l.rejected {
		if r.Address == w.address {
			refusal = r.Reason
		}
	}
	if refusal == "" && known {
		refusal = "a worker with address " + w.address + " is here already"
	}
	if refusal != "" {
		if !known {
			w.gone = true
			delete(l.workers, w.address)
		}
		return refusal
	}
	l.totals.workersAdded++
	l.workerAdded(w)
	return ""
}

func addWorkerEvent(w *workerPeer) state.AddWorker {
	m := w.reg
	return state.AddWorker{
		Address: m.Address, Name: w.name, Host: hostOf(m.Address), NThreads: m.NThreads,
		MemoryLimit: int64(m.MemoryLimit), Resources: m.Resources, Runtimes: m.Runtimes,
		Nanny: w.nanny, Status: m.Status, LocalDirectory: m.LocalDirectory, ServerID: m.ServerID,
		Pid: m.Pid, Services: m.Services, Versions: m.Versions, Held: m.Held, StimulusID: m.StimulusID,
	}
}

func (l *loop) workerAdded(w *workerPeer) {
	l.s.log.info("worker joined", "address", w.address, "name", w.name, "threads", w.reg.NThreads)
	l.peerEvent("add-worker", "worker", w.address)
	l.fleetChanged()
	delete(l.nannies, w.nanny)
	l.hook("add_worker", func(p hook.SchedulerPlugin) func() {
		if h, ok := p.(hook.WorkerAdder); ok {
			return func() { h.AddWorker(w.address) }
		}
		return nil
	})
	for x := range l.watch {
		x.added(w)
	}
}

// dropWorker takes w out of the state and closes its connection. An expected
// end counts against no task.
func (l *loop) dropWorker(w *workerPeer, reason string, expected bool) {
	if w.gone {
		return
	}
	l.forgetWorker(w, reason, expected)
	_ = w.conn.Close()
}

// forgetWorker is dropWorker without closing the connection.
func (l *loop) forgetWorker(w *workerPeer, reason string, expected bool) {
	expected = expected || w.closing || w.told
	w.gone = true
	w.out.drop()
	delete(l.workers, w.address)
	w.lost(errors.New("worker " + w.address + " is gone: " + reason))
	l.totals.workersRemoved++
	l.apply(state.RemoveWorker{Address: w.address, Expected: expected, Reason: reason})
	l.forgetTaskClients(w.address)
	l.coordinate(coord.WorkerGone{Host: remoteHost(w.conn.NetConn())})
	l.peerEvent("remove-worker", "worker", w.address, "reason", reason)
	l.topics.depart(w.address, l.now)
	l.fleetChanged()
	l.hook("remove_worker", func(p hook.SchedulerPlugin) func() {
		if h, ok := p.(hook.WorkerRemover); ok {
			return func() { h.RemoveWorker(w.address) }
		}
		return nil
	})
	for x := range l.watch {
		x.removed(w.address)
	}
	if expected {
		l.s.log.info("worker left", "address", w.address, "name", w.name, "reason", reason)
	} else {
		l.s.log.warn("worker lost", "address", w.address, "name", w.name, "reason", reason)
	}
}
