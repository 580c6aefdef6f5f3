package state

import (
	"errors"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// refusal is a peer's word that it cannot send a value, located the scheduler's
// that this peer has it.
var (
	refusal = &Gathered{Peer: peerA, Keys: keys(9), Items: []Item{{Key: key(9), Err: errors.New("no")}}}
	located = &wire.RefreshWhoHas{WhoHas: wire.KeyAddresses{at(9, peerA)}}
)

// daskRows are the groups of transitions that Dask declares for its workers:
// what happens to task 9 for one event after another, and where it is then.
var daskRows = []struct {
	name   string
	events []Event
	want   []State // after each event
}{
	{"F5.1/inputs/released->fetch->flight->memory", []Event{
		Pause{}, task(8, 0, at(9, peerA)), Unpause{}, arrival(9, 1),
	}, []State{Forgotten, Fetch, Flight, Memory}},
	{"F5.1/inputs/fetch->missing", []Event{
		Pause{}, task(8, 0, at(9, peerA)), &wire.RemoveWorker{Worker: peerA},
	}, []State{Forgotten, Fetch, Missing}},
	{"F5.1/inputs/flight->fetch", []Event{
		task(8, 0, at(9, peerA)), &Gathered{Peer: peerA, Keys: keys(9), Busy: true},
	}, []State{Flight, Fetch}},
	{"F5.1/inputs/flight->missing", []Event{
		task(8, 0, at(9, peerA)), &Gathered{Peer: peerA, Keys: keys(9)},
	}, []State{Flight, Missing}},
	{"F5.1/inputs/flight->missing->error/the value cannot be used", []Event{
		task(8, 0, at(9, peerA)), refusal, located, refusal, located, refusal,
	}, []State{Flight, Missing, Flight, Missing, Flight, Forgotten}},
	{"F5.1/inputs/flight->fetch/another one may have it better", []Event{
		task(8, 0, at(9, peerA, peerB)), refusal,
	}, []State{Flight, Flight}},
	{"F5.1/inputs/flight->released", []Event{
		task(8, 0, at(9, peerA)), &wire.FreeKeys{Keys: keys(8)}, arrival(9, 1),
	}, []State{Flight, Cancelled, Forgotten}},
	{"F5.1/inputs/missing->fetch", []Event{
		task(8, 0, at(9)), Pause{}, &wire.RefreshWhoHas{WhoHas: wire.KeyAddresses{at(9, peerA)}},
	}, []State{Missing, Missing, Fetch}},
	{"F5.1/inputs/missing->waiting", []Event{
		task(8, 0, at(9)), task(9, 0, at(7, peerA)),
	}, []State{Missing, Waiting}},
	{"F5.1/inputs/missing->released", []Event{
		task(8, 0, at(9)), &wire.FreeKeys{Keys: keys(8)},
	}, []State{Missing, Forgotten}},

	{"F5.1/compute/released->waiting->ready->executing->memory", []Event{
		task(1, 0), task(9, 0, at(7, peerA)), arrival(7, 1), &Done{Key: key(1), Data: 1}, &Done{Key: key(9), Data: 1},
	}, []State{Forgotten, Waiting, Ready, Executing, Memory}},
	{"F5.1/compute/waiting->constrained->executing", []Event{
		onGPU(1), onGPU(9, at(7, peerA)), arrival(7, 1), &Done{Key: key(1), Data: 1},
	}, []State{Forgotten, Waiting, Constrained, Executing}},
	{"F5.1/compute/executing->error", []Event{
		task(9, 0), &Done{Key: key(9), Failure: &Failure{Text: "no"}},
	}, []State{Executing, Error}},
	{"F5.1/compute/executing->rescheduled->released", []Event{
		task(9, 0), &Done{Key: key(9), Reschedule: true},
	}, []State{Executing, Forgotten}},
	{"F5.1/compute/executing->long-running->memory", []Event{
		task(9, 0), &Secede{Key: key(9), Seconds: 1}, &Done{Key: key(9), Data: 1},
	}, []State{Executing, LongRunning, Memory}},
	{"F5.1/compute/long-running->error", []Event{
		task(9, 0), &Secede{Key: key(9)}, &Done{Key: key(9), Failure: &Failure{Text: "no"}},
	}, []State{Executing, LongRunning, Error}},
	{"F5.1/compute/long-running->rescheduled->released", []Event{
		task(9, 0), &Secede{Key: key(9)}, &Done{Key: key(9), Reschedule: true},
	}, []State{Executing, LongRunning, Forgotten}},
	{"F5.1/compute/waiting->released", []Event{
		task(9, 0, at(7, peerA)), &wire.FreeKeys{Keys: keys(9)},
	}, []State{Waiting, Forgotten}},
	{"F5.1/compute/ready->released", []Event{
		task(1, 0), task(9, 0), &wire.FreeKeys{Keys: keys(9)},
	}, []State{Forgotten, Ready, Forgotten}},
	{"F5.1/compute/constrained->released", []Event{
		onGPU(1), onGPU(9), &wire.FreeKeys{Keys: keys(9)},
	}, []State{Forgotten, Constrained, Forgotten}},
	{"F5.1/compute/ready->waiting/an input was dropped", []Event{
		task(7, 0), &Done{Key: key(7), Data: 1}, Pause{}, task(9, 0, at(7)), &wire.FreeKeys{Keys: keys(7)}, Unpause{},
	}, []State{Forgotten, Forgotten, Forgotten, Ready, Ready, Waiting}},

	{"F5.1/cancel/executing->cancelled->released", []Event{
		task(9, 0), &wire.FreeKeys{Keys: keys(9)}, &Done{Key: key(9), Data: 1},
	}, []State{Executing, Cancelled, Forgotten}},
	{"F5.1/cancel/long-running->cancelled->released", []Event{
		task(9, 0), &Secede{Key: key(9)}, &wire.FreeKeys{Keys: keys(9)}, &Done{Key: key(9), Data: 1},
	}, []State{Executing, LongRunning, Cancelled, Forgotten}},
	{"F5.1/cancel/flight->cancelled->flight/wanted again", []Event{
		task(8, 0, at(9, peerA)), &wire.FreeKeys{Keys: keys(8)}, task(8, 0, at(9, peerA)), arrival(9, 1),
	}, []State{Flight, Cancelled, Flight, Memory}},
	{"F5.1/cancel/executing->cancelled->resumed->memory/to be run again", []Event{
		task(9, 0), &wire.FreeKeys{Keys: keys(9)}, task(9, 0), &Done{Key: key(9), Data: 1},
	}, []State{Executing, Cancelled, Resumed, Memory}},
	{"F5.1/cancel/resumed->waiting/the cancelled run failed", []Event{
		task(9, 0), &wire.FreeKeys{Keys: keys(9)}, task(9, 0, at(7, peerA)), &Done{Key: key(9), Failure: &Failure{Text: "cancelled"}},
	}, []State{Executing, Cancelled, Resumed, Waiting}},
	{"F5.1/cancel/executing->cancelled->resumed->fetch/an input now", []Event{
		task(9, 0), &wire.FreeKeys{Keys: keys(9)}, task(8, 0, at(9, peerA)), Pause{}, &Done{Key: key(9), Failure: &Failure{Text: "cancelled"}},
	}, []State{Executing, Cancelled, Resumed, Resumed, Fetch}},
	{"F5.1/cancel/flight->resumed->waiting/to be run now, and it did not come", []Event{
		task(8, 0, at(9, peerA)), task(9, 0, at(7, peerB)), &Gathered{Peer: peerA, Keys: keys(9)},
	}, []State{Flight, Resumed, Waiting}},

	{"F5.1/end/memory->released->forgotten", []Event{
		task(9, 0), &Done{Key: key(9), Data: 1}, &wire.FreeKeys{Keys: keys(9)},
	}, []State{Executing, Memory, Forgotten}},
	{"F5.1/end/memory->released/a task here has it as an input", []Event{
		task(9, 0), &Done{Key: key(9), Data: 1}, task(8, 0, at(9, peerA), at(7, peerA)), &wire.FreeKeys{Keys: keys(9)},
	}, []State{Executing, Memory, Memory, Released}},
	{"F5.1/end/error->released->forgotten", []Event{
		task(9, 0), &Done{Key: key(9), Failure: &Failure{Text: "no"}}, &wire.FreeKeys{Keys: keys(9)},
	}, []State{Executing, Error, Forgotten}},
}

func keys(ks ...int) (r []wire.Key) {
	for _, k := range ks {
		r = append(r, key(k))
	}
	return r
}

func onGPU(k int, inputs ...wire.KeyAddress) *wire.ComputeTask {
	c := task(k, float64(k), inputs...)
	c.ResourceRestrictions = wire.Resources{"gpu": 1}
	return c
}

func TestRowsOfDasksWorkerTransitions(t *testing.T) {
	for _, c := range daskRows {
		t.Run(c.name, func(t *testing.T) {
			m := New(Config{Resources: map[string]float64{"gpu": 1}})
			for i, e := range c.events {
				apply(t, m, e)
				if got := state(m, 9); got != c.want[i] {
					t.Fatalf("after event %d, %T, it is %s, want %s", i, e, got, c.want[i])
				}
			}
		})
	}
}
