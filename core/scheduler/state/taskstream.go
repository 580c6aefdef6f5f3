package state

import (
	"bytes"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// Ran is one run of a task that ended: with a result, or with an error after
// which it is not tried again.
type Ran struct {
	Key        wire.Key
	Worker     string
	Erred      bool
	Nbytes     int64
	Typename   string
	Thread     wire.Opaque // what the worker calls its thread; nil when it does not say
	StartStops []wire.StartStop
	Stimulus   string
	At         time.Time // when the scheduler heard of it
}

// taskStream records runs once somebody asked for them.
type taskStream struct {
	max   int
	items []Ran // a ring when it is full
	next  int
	total int64
}

// RecordTasks begins to remember runs, the latest max of them; it does so once
// and for good. Before that nothing is remembered, as in Dask.
func (m *Machine) RecordTasks(maximum int) {
	if m.stream == nil {
		m.stream = &taskStream{max: max(maximum, 1)}
	}
}

// TasksRecorded counts the runs that were remembered so far, those that have
// gone from memory included.
func (m *Machine) TasksRecorded() int64 {
	if m.stream == nil {
		return 0
	}
	return m.stream.total
}

// TaskStream are the remembered runs from number first on, oldest first; the
// first run ever has the number 0.
func (m *Machine) TaskStream(first int64) []Ran {
	s := m.stream
	if s == nil {
		return nil
	}
	n := int64(len(s.items))
	skip := min(max(first-(s.total-n), 0), n)
	out := make([]Ran, 0, n-skip)
	out = append(append(out, s.items[s.next:]...), s.items[:s.next]...)
	return out[skip:]
}

func (s *taskStream) add(r Ran) {
	s.total++
	if len(s.items) < s.max {
		s.items = append(s.items, r)
		return
	}
	s.items[s.next] = r
	s.next = (s.next + 1) % s.max
}

func (s *taskStream) finished(e *wire.TaskFinished, worker string, now time.Time) {
	s.add(Ran{
		Key: e.Key, Worker: worker, Nbytes: e.Nbytes, Typename: e.Typename, Thread: own(e.Thread),
		StartStops: e.StartStops, Stimulus: e.StimulusID, At: now,
	})
}

func (s *taskStream) erred(e *wire.TaskErred, worker string, now time.Time) {
	s.add(Ran{
		Key: e.Key, Worker: worker, Erred: true, Thread: own(e.Thread),
		StartStops: e.StartStops, Stimulus: e.StimulusID, At: now,
	})
}

// own is a small value without the buffer of the message that it came with.
func own(o wire.Opaque) wire.Opaque { return wire.Opaque{Raw: bytes.Clone(o.Raw), Ref: o.Ref} }
