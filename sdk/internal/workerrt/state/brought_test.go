package state

import (
	"slices"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// Values that are brought to a worker are kept in every state, for the scheduler
// is told that they are there.
func TestBroughtValuesAreKept(t *testing.T) {
	bring := &UpdateData{Items: []Item{{Key: key(9), Data: 5, Nbytes: 8}}}
	free := func(k int) Event { return &wire.FreeKeys{Keys: []wire.Key{key(k)}} }
	failed := &Done{Key: key(9), Failure: &Failure{Text: "cancelled"}}
	for name, c := range map[string]struct {
		before   []Event
		after    []Event
		data     any
		finished bool // reported as a run's result
	}{
		"unknown":                       {data: 5},
		"waiting":                       {before: []Event{task(9, 0, at(1, peerA))}, data: 5, finished: true},
		"ready":                         {before: []Event{task(1, 0), task(9, 0)}, data: 5, finished: true},
		"executing, which fails":        {before: []Event{task(9, 0)}, after: []Event{failed}, data: 5, finished: true},
		"executing, which works":        {before: []Event{task(9, 0)}, after: []Event{&Done{Key: key(9), Data: 6}}, data: 6, finished: true},
		"executing, which reschedules":  {before: []Event{task(9, 0)}, after: []Event{&Done{Key: key(9), Reschedule: true}}, data: 5, finished: true},
		"seceded, which fails":          {before: []Event{task(9, 0), &Secede{Key: key(9)}}, after: []Event{failed}, data: 5, finished: true},
		"cancelled":                     {before: []Event{task(9, 0), free(9)}, after: []Event{failed}, data: 5},
		"resumed":                       {before: []Event{task(9, 0), free(9), task(9, 0)}, after: []Event{failed}, data: 5, finished: true},
		"resumed as an input":           {before: []Event{task(9, 0), free(9), task(8, 0, at(9, peerA))}, after: []Event{failed}, data: 5},
		"in flight":                     {before: []Event{task(8, 0, at(9, peerA))}, after: []Event{arrival(9, 5)}, data: 5},
		"in flight for nobody":          {before: []Event{task(8, 0, at(9, peerA)), free(8)}, after: []Event{arrival(9, 5)}, data: 5},
		"in flight for nobody, in vain": {before: []Event{task(8, 0, at(9, peerA)), free(8)}, after: []Event{&Gathered{Peer: peerA, Keys: []wire.Key{key(9)}}}, data: 5},
		"in flight and to be run":       {before: []Event{task(8, 0, at(9, peerA)), task(9, 0)}, after: []Event{arrival(9, 5)}, data: 5, finished: true},
		"freed after it came":           {before: []Event{task(9, 0)}, after: []Event{free(9), failed}},
	} {
		t.Run(name, func(t *testing.T) {
			m := New(Config{})
			apply(t, m, c.before...)
			reported := false
			for _, e := range append([]Event{bring}, c.after...) {
				o := apply(t, m, e)
				reported = reported || slices.ContainsFunc(o.Send, func(msg wire.Msg) bool {
					f, ok := msg.(*wire.TaskFinished)
					return ok && f.Key == key(9)
				})
			}
			got := m.Task(key(9))
			switch {
			case c.data == nil:
				if got != nil {
					t.Errorf("%s stays", got.State)
				}
			case got == nil || got.State != Memory || got.Data != c.data:
				t.Errorf("the task is %+v, want %v in memory", got, c.data)
			}
			if reported != c.finished {
				t.Errorf("reported as finished: %v", reported)
			}
		})
	}
}

func arrival(k int, data any) *Gathered {
	return &Gathered{Peer: peerA, Keys: []wire.Key{key(k)}, Items: []Item{{Key: key(k), Data: data, Nbytes: 8}}}
}

// A function that was cancelled, goes on all the same and secedes makes room
// for others: it may wait for them.
func TestACancelledFunctionThatSecedesFreesItsSlot(t *testing.T) {
	for name, again := range map[string][]Event{"cancelled": nil, "resumed": {task(1, 0)}} {
		t.Run(name, func(t *testing.T) {
			m := New(Config{})
			apply(t, m, task(1, 0), &wire.FreeKeys{Keys: []wire.Key{key(1)}})
			apply(t, m, again...)
			apply(t, m, task(2, 0))
			o := apply(t, m, &Secede{Key: key(1), Seconds: 1})
			if len(o.Execute) != 1 || o.Execute[0].Key != key(2) {
				t.Errorf("execute %v", o.Execute)
			}
			if s := m.Stats(); s.LongRunning != 1 || s.Executing != 1 {
				t.Errorf("stats %+v", s)
			}
			apply(t, m, &Done{Key: key(1), Failure: &Failure{Text: "cancelled"}}, &Done{Key: key(2), Data: 1})
			if s := m.Stats(); s.LongRunning != 0 {
				t.Errorf("in the end %+v", s)
			}
		})
	}
}

func TestAResetCancelsInTheSameOrderAlways(t *testing.T) {
	var first []wire.Key
	for range 20 {
		m := New(Config{NThreads: 12})
		for k := range 12 {
			apply(t, m, task(k, 0))
		}
		got := apply(t, m, Reset{}).Cancel
		if len(got) != 12 || first != nil && !slices.Equal(got, first) {
			t.Fatalf("cancelled %q, before %q", got, first)
		}
		first = slices.Clone(got)
	}
}

// A task whose input nobody can send fails with the reason, and is tried again
// elsewhere where the scheduler has it so.
func TestATaskFailsWhoseInputNobodyCanSend(t *testing.T) {
	m := New(Config{Address: "tcp://10.0.0.9:1"})
	events := []Event{
		&wire.ComputeTask{Key: key(8), RunID: 5, WhoHas: wire.KeyAddresses{at(9, peerA)}}, refusal, located, refusal, located, refusal,
	}
	var erred *wire.TaskErred
	for _, e := range events {
		if err := m.Apply(e); err != nil {
			t.Fatal(err)
		}
		for _, msg := range m.Take().Send {
			if x, ok := msg.(*wire.TaskErred); ok {
				erred = x
			}
		}
	}
	if erred == nil || erred.Key != key(8) || erred.RunID != 5 || erred.ExceptionText != "no" {
		t.Errorf("said %+v", erred)
	}
	if err := m.Check(); err != nil {
		t.Error(err)
	}
	if err := m.Apply(&wire.FreeKeys{Keys: keys(8)}); err != nil {
		t.Fatal(err)
	}
	if n := m.Stats().Tasks; n > 0 {
		t.Errorf("%d tasks are left", n)
	}
}
