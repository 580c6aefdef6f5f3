package state

import (
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// What a worker says of task 9 in each state, and what becomes of it.
func TestAnswersToStealRequests(t *testing.T) {
	gpu := func(k int) *wire.ComputeTask {
		c := task(k, float64(k))
		c.ResourceRestrictions = wire.Resources{"gpu": 1}
		return c
	}
	for name, c := range map[string]struct {
		before []Event
		answer string
		after  State
	}{
		"unknown":                    {nil, "", Forgotten},
		"waiting":                    {[]Event{task(9, 0, at(1, peerA))}, "waiting", Forgotten},
		"ready":                      {[]Event{task(1, 0), task(9, 0)}, "ready", Forgotten},
		"ready, paused":              {[]Event{Pause{}, task(9, 0)}, "ready", Forgotten},
		"constrained":                {[]Event{gpu(1), gpu(9)}, "constrained", Forgotten},
		"executing":                  {[]Event{task(9, 0)}, "executing", Executing},
		"given back by the executor": {[]Event{task(9, 0), Pause{}, &Unstarted{Key: key(9)}}, "ready", Forgotten},
		"long-running":               {[]Event{task(9, 0), &Secede{Key: key(9), Seconds: 1}}, "long-running", LongRunning},
		"in memory":                  {[]Event{task(9, 0), &Done{Key: key(9), Data: 1}}, "memory", Memory},
		"failed":                     {[]Event{task(9, 0), &Done{Key: key(9), Failure: &Failure{Text: "no"}}}, "error", Error},
		"cancelled":                  {[]Event{task(9, 0), &wire.FreeKeys{Keys: []wire.Key{key(9)}}}, "cancelled", Cancelled},
		"resumed":                    {[]Event{task(9, 0), &wire.FreeKeys{Keys: []wire.Key{key(9)}}, task(9, 0)}, "resumed", Resumed},
		"an input":                   {[]Event{task(1, 0, at(9, peerA))}, "flight", Flight},
	} {
		t.Run(name, func(t *testing.T) {
			m := New(Config{Resources: map[string]float64{"gpu": 1}})
			apply(t, m, c.before...)
			r := sent[*wire.StealResponse](t, apply(t, m, &wire.StealRequest{Key: key(9), StimulusID: "steal-7"}))
			if r.Key != key(9) || r.State != c.answer || r.StimulusID != "steal-7" {
				t.Errorf("answer %+v, want %q", r, c.answer)
			}
			if got := state(m, 9); got != c.after {
				t.Errorf("now %s, want %s", got, c.after)
			}
			if r := sent[*wire.StealResponse](t, apply(t, m, &wire.StealRequest{Key: key(9)})); c.after == Forgotten && r.State != "" {
				t.Errorf("asked again it says %q", r.State)
			}
		})
	}
}

// An input of a stolen task need not come any more, unless another one waits
// for it; what comes back is run as if it were new.
func TestAStolenTaskLeavesNothingBehind(t *testing.T) {
	m := New(Config{})
	apply(t, m, task(8, 0, at(1, peerA)), task(9, 0, at(1, peerA), at(2, peerB)))
	apply(t, m, &wire.StealRequest{Key: key(9)})
	if state(m, 1) != Flight || state(m, 2) != Cancelled {
		t.Errorf("the inputs are %s and %s", state(m, 1), state(m, 2))
	}
	apply(t, m, &Gathered{Peer: peerB, Keys: []wire.Key{key(2)}, Items: []Item{{Key: key(2), Data: 1}}})
	if state(m, 2) != Forgotten {
		t.Errorf("a needless input is %s", state(m, 2))
	}
	apply(t, m, task(9, 0))
	o := apply(t, m, &Done{Key: key(9), Data: 1})
	if f := sent[*wire.TaskFinished](t, o); f.RunID != 109 {
		t.Errorf("report %+v", f)
	}
}
