package simulate

import (
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// runOf is the run that a report is about, or 0.
func runOf(m wire.Msg) int64 {
	switch m := m.(type) {
	case *wire.TaskFinished:
		return m.RunID
	case *wire.TaskErred:
		return m.RunID
	case *wire.LongRunning:
		return m.RunID
	}
	return 0
}

// hear is fromWorker, and verifies that the report of a run is believed of no
// other run: the task stays as it is where the worker was given it anew.
func (s *scheduler) hear(l *link, n *worker, m wire.Msg, run int64) {
	if run == 0 {
		s.fromWorker(l, n, m)
		return
	}
	k := keyOf(m)
	before := s.m.Run(k)
	s.fromWorker(l, n, m)
	if before.Worker == n.address && before.ID != run && s.m.Run(k) != before {
		s.w.fail(k, "%s on run %d of %v is taken for one on run %d", m.Op(), run, k, before.ID)
	}
}

func keyOf(m wire.Msg) wire.Key {
	switch m := m.(type) {
	case *wire.TaskFinished:
		return m.Key
	case *wire.TaskErred:
		return m.Key
	case *wire.LongRunning:
		return m.Key
	}
	return ""
}

// fromWorker handles a message of a worker's stream.
func (s *scheduler) fromWorker(l *link, n *worker, m wire.Msg) {
	ses := s.sessions[n.address]
	if ses == nil || ses.link != l {
		return // of a session that has ended
	}
	a := n.address
	switch m := m.(type) {
	case *wire.TaskFinished:
		s.apply(state.TaskFinished{Worker: a, TaskFinished: m})
	case *wire.TaskErred:
		s.apply(state.TaskErred{Worker: a, TaskErred: m})
	case *wire.ReleaseWorkerData:
		s.apply(state.ReleaseWorkerData{Worker: a, ReleaseWorkerData: m})
	case *wire.AddKeys:
		s.apply(state.AddKeys{Worker: a, AddKeys: m})
	case *wire.LongRunning:
		s.apply(state.LongRunning{Worker: a, LongRunning: m})
	case *wire.Reschedule:
		s.apply(state.Reschedule{Worker: a, Reschedule: m})
	case *wire.StealResponse:
		s.apply(state.StealResponse{Worker: a, StealResponse: m})
	case *wire.RequestRefreshWhoHas:
		s.apply(state.RequestRefreshWhoHas{Worker: a, RequestRefreshWhoHas: m})
	case *wire.WorkerStatusChange:
		ses.closing = m.Status == "closing" || m.Status == "closing_gracefully"
		s.apply(state.WorkerStatus{Address: a, Status: m.Status})
	default:
		s.w.fail("", "a worker says %s, which no scheduler knows", m.Op())
	}
}

// heartbeat is a call beside the stream: it may overtake what is there. It
// reports whether the worker is known.
func (s *scheduler) heartbeat(n *worker, running []state.KeyDuration) bool {
	if s.sessions[n.address] == nil {
		return false
	}
	s.apply(state.Heartbeat{Address: n.address, Executing: running, Metrics: wire.Metrics{Bandwidth: n.bandwidth}})
	return true
}
