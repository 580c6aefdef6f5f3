package simulate

import (
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/worker/workertest"
)

// receive is the arrival of a message of the scheduler.
func (n *worker) receive(l *link, m wire.Msg) {
	n.post(func() {
		if n.link == l {
			n.read(m)
		}
	})
}

func (n *worker) read(m wire.Msg) {
	switch m := m.(type) {
	case *wire.FreeKeys:
		n.exec.revoke(m.Keys...)
	case *wire.StealRequest:
		n.exec.revoke(m.Key)
	case *wire.RemoveWorker:
		if c := n.calls[m.Worker]; c != nil {
			c.fail(errGone)
		}
	case *wire.WorkerStatusChange:
		n.setStatus(m.Status)
		return
	case *wire.CloseWorker:
		n.close()
		return
	}
	n.apply(m)
}

// setStatus changes what the worker does from now on, and says so.
func (n *worker) setStatus(status string) {
	if n.status == status || n.status == "closing" {
		return
	}
	n.status = status
	if status == "running" || status == "closing_gracefully" {
		n.apply(workertest.Unpause{})
	} else {
		n.apply(workertest.Pause{})
	}
	n.send(&wire.WorkerStatusChange{Status: status}, true)
}

// close is an end in good order.
func (n *worker) close() {
	n.setStatus("closing")
	n.w.after(n.w.between(0, 5*time.Millisecond), func() { n.kill(false) })
}

// kill ends the worker on the spot. The scheduler notices the end of the
// connection, at once or, with slow, by and by.
func (n *worker) kill(slow bool) {
	if n.dead {
		return
	}
	n.w.note(n.name, " ends", "")
	n.dead, n.inbox, n.frozen = true, nil, false
	for _, l := range []*link{n.link, n.joining} {
		if l != nil {
			l.breakOff(slow, func() { n.w.sched.ended(l, n) })
		}
	}
	for _, j := range n.exec.running {
		j.leaveClient(true)
	}
}

// freeze has the worker stand still for a while.
func (n *worker) freeze(d time.Duration) {
	if n.dead || n.frozen {
		return
	}
	n.w.note(n.name, " freezes", "")
	n.frozen = true
	n.w.after(d, n.thaw)
}

// thaw goes on with all that came meanwhile.
func (n *worker) thaw() {
	if !n.frozen {
		return
	}
	n.w.note(n.name, " thaws", "")
	n.frozen = false
	waiting := n.inbox
	n.inbox = nil
	for i, do := range waiting {
		if n.dead {
			return
		}
		do()
		if i%8 == 7 {
			n.settle()
		}
	}
	n.settle()
}

// cutOff ends the worker's connection with the scheduler.
func (n *worker) cutOff(slow bool) {
	l := n.link
	if l == nil {
		return
	}
	l.breakOff(slow, func() { n.post(func() { n.lost(l) }) }, func() { n.w.sched.ended(l, n) })
}

// beat is a heartbeat and the search for what is missing, again and again.
func (n *worker) beat() {
	if n.dead {
		return
	}
	n.post(func() {
		n.apply(workertest.FindMissing{})
		if l := n.link; l != nil {
			running := n.exec.durations()
			n.w.routinely(n.w.delay(), func() {
				if !n.w.sched.heartbeat(n, running) && n.link == l {
					n.cutOff(false)
				}
			})
		}
	})
	n.w.routinely(n.w.between(300*time.Millisecond, 700*time.Millisecond), n.beat)
}

// durations are the running tasks and how long they run.
func (x *executor) durations() (r []state.KeyDuration) {
	for _, j := range x.running {
		r = append(r, state.KeyDuration{Key: j.d.key, Seconds: (x.n.w.now - j.since).Seconds()})
	}
	return r
}
