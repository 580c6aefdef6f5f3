package scheduler

import (
	"fmt"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// readWorker reads a worker's stream until it ends and says why it did.
func (s *Scheduler) readWorker(w *workerPeer) (end string) {
	var items []item
	for {
		in, err := w.conn.Recv()
		if err != nil {
			s.logEnd(w.conn.NetConn(), err)
			return streamEnd(err)
		}
		w.seen(time.Now())
		closed := false
		for _, m := range in.Msgs {
			if ev := workerEvent(w.address, m); ev != nil {
				items = append(items, item{ev: ev, from: w})
			} else if fn := s.workerAction(w, m); fn != nil {
				items = append(items, item{fn: fn, from: w})
			} else if isStreamClose(m) {
				closed = true
			}
		}
		s.loop.in.push(items...)
		clear(items)
		items = items[:0]
		if closed {
			return "closed its stream"
		}
	}
}

func streamEnd(err error) string {
	if usualEnd(err) {
		return "its connection ended"
	}
	return fmt.Sprintf("its connection failed: %v", err)
}

func isStreamClose(m wire.Msg) bool {
	_, ok := m.(*wire.CloseStream)
	return ok
}

// workerEvent is the machine's event for a message of a worker's stream, or nil.
func workerEvent(address string, m wire.Msg) state.Event {
	switch m := m.(type) {
	case *wire.TaskFinished:
		return state.TaskFinished{Worker: address, TaskFinished: m}
	case *wire.TaskErred:
		return state.TaskErred{Worker: address, TaskErred: m}
	case *wire.ReleaseWorkerData:
		return state.ReleaseWorkerData{Worker: address, ReleaseWorkerData: m}
	case *wire.AddKeys:
		return state.AddKeys{Worker: address, AddKeys: m}
	case *wire.LongRunning:
		return state.LongRunning{Worker: address, LongRunning: m}
	case *wire.Reschedule:
		return state.Reschedule{Worker: address, Reschedule: m}
	case *wire.StealResponse:
		return state.StealResponse{Worker: address, StealResponse: m}
	case *wire.RequestRefreshWhoHas:
		return state.RequestRefreshWhoHas{Worker: address, RequestRefreshWhoHas: m}
	}
	return nil
}

// workerAction is what the shell does on the loop for a message, or nil.
func (s *Scheduler) workerAction(w *workerPeer, m wire.Msg) func() {
	l := s.loop
	switch m := m.(type) {
	case *wire.WorkerStatusChange:
		return func() { l.workerStatus(w, m.Status, m.StimulusID) }
	case *wire.LogEvent:
		msg := apart(m.Msg)
		return func() { l.logEvent(m.Topic, msg) }
	case *wire.KeepAlive, *wire.CloseStream:
		return nil
	}
	s.log.warn("unknown message of a worker ignored", "worker", w.address, "op", m.Op())
	return nil
}

func (l *loop) workerStatus(w *workerPeer, status, stimulus string) {
	l.noteStatus(w, status)
	l.apply(state.WorkerStatus{Address: w.address, Status: status, StimulusID: stimulus})
}

// noteStatus is the shell's part of a new status.
func (l *loop) noteStatus(w *workerPeer, status string) {
	w.status = status
	w.closing = status == "closing" || status == "closed" || status == "closing_gracefully"
	l.peerEvent("worker-status-change", "worker", w.address, "status", status)
	l.fleetChanged()
}

// checkWorkers removes workers that have been silent for too long. gap is the time since the last check: when this
// process itself was stopped, what the workers said meanwhile is still unread.
func (l *loop) checkWorkers(gap time.Duration) {
	for _, w := range l.workers {
		w.lastSeen.Add(int64(stopped(gap)))
		ttl := l.s.workerTTL(w.gdask, len(l.workers))
		silent := l.now.Sub(time.Unix(0, w.lastSeen.Load()))
		if ttl > 0 && silent > ttl {
			l.dropWorker(w, fmt.Sprintf("silent for %v, longer than its time to live of %v", silent.Round(time.Millisecond), ttl), false)
			l.s.replace(w)
		}
	}
}

// workerTTL is how long a worker may be silent; 0: for ever.
func (s *Scheduler) workerTTL(gdask bool, workers int) time.Duration {
	ten := 10 * time.Duration(heartbeatSeconds(workers)*float64(time.Second))
	switch {
	case !gdask && s.set.State.WorkerTTL > 0:
		return max(s.set.State.WorkerTTL, ten)
	case !gdask || s.set.GDaskWorkerTTL < 0:
		return 0
	case s.set.GDaskWorkerTTL > 0:
		return s.set.GDaskWorkerTTL
	}
	return max(ten, 10*time.Second)
}

// heartbeatSeconds is the interval at which that many peers should give a sign
// of life: often while they are few.
func heartbeatSeconds(n int) float64 {
	switch {
	case n <= 10:
		return 0.5
	case n < 50:
		return 1
	case n < 200:
		return 2
	}
	return float64(n)/200 + 1
}

// WorkerExited adds what a supervisor knows of a worker's death to what clients
// are told of tasks that killed their workers. It may come before or after the
// end of the worker's connection is noticed.
func (s *Scheduler) WorkerExited(e state.WorkerExit) { s.loop.in.push(item{ev: e}) }
