package state

import (
	"cmp"
	"slices"

	"github.com/gdask/gdask/sdk/wire"
)

// slabSize is how many messages are allocated at once: they live as long as a
// batch on its way out, so one by one they would be most of the garbage.
const slabSize = 64

type slabs struct {
	finished []wire.TaskFinished
	times    []wire.StartStop
	added    []wire.Key
}

func (s *slabs) taskFinished() *wire.TaskFinished {
	if len(s.finished) == 0 {
		s.finished = make([]wire.TaskFinished, slabSize)
	}
	f := &s.finished[0]
	s.finished = s.finished[1:]
	return f
}

func (s *slabs) startStop(e *Done) []wire.StartStop {
	if len(s.times) == 0 {
		s.times = make([]wire.StartStop, slabSize)
	}
	one := s.times[:1:1]
	s.times = s.times[1:]
	one[0] = wire.StartStop{Action: "compute", Start: e.Start, Stop: e.Stop}
	return one
}

// sendFinished reports a value; e is nil when nothing was run for it just now.
func (m *Machine) sendFinished(t *Task, e *Done) {
	f := m.slabs.taskFinished()
	f.Key, f.RunID, f.Nbytes, f.Typename, f.Status = t.Key, t.RunID, t.Nbytes, t.Type, "OK"
	if e != nil {
		f.StartStops = t.withTransfers(m.slabs.startStop(e))
	}
	m.out.Send = append(m.out.Send, f)
}

func (m *Machine) sendErred(t *Task, e *Done) {
	msg := &wire.TaskErred{
		Key: t.Key, RunID: t.RunID, Status: "error",
		Exception: t.Failure.Exception, Traceback: t.Failure.Traceback,
		ExceptionText: t.Failure.Text, TracebackText: t.Failure.TracebackText,
	}
	if e != nil {
		msg.StartStops = t.withTransfers(m.slabs.startStop(e))
	}
	m.out.Send = append(m.out.Send, msg)
}

func sortTasks(ts []*Task) {
	slices.SortFunc(ts, func(a, b *Task) int { return cmp.Compare(a.Key, b.Key) })
}
