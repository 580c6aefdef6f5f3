package state

import (
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

func TestTransfersAreToldWithTheRunThatWantedThem(t *testing.T) {
	m := New(Config{NThreads: 2})
	apply(t, m, task(8, 0, at(1, peerA), at(2, peerB)))
	apply(t, m, task(9, 1, at(1, peerA)))
	came := func(peer string, k int, start float64) *Gathered {
		return &Gathered{Peer: peer, Keys: []wire.Key{key(k)}, Items: []Item{{Key: key(k), Data: 1, Nbytes: 1}}, Start: start, Stop: start + 1}
	}
	apply(t, m, came(peerA, 1, 10), came(peerB, 2, 20))
	first := sent[*wire.TaskFinished](t, apply(t, m, &Done{Key: key(8), Data: 1, Start: 30, Stop: 31})).StartStops
	want := []wire.StartStop{
		{Action: "transfer", Start: 10, Stop: 11, Source: peerA}, {Action: "transfer", Start: 20, Stop: 21, Source: peerB},
		{Action: "compute", Start: 30, Stop: 31},
	}
	if len(first) != 3 || first[0] != want[0] || first[1] != want[1] || first[2] != want[2] {
		t.Errorf("%+v", first)
	}
	second := sent[*wire.TaskErred](t, apply(t, m, &Done{Key: key(9), Failure: &Failure{Text: "no"}, Start: 32, Stop: 33})).StartStops
	if len(second) != 1 || second[0].Action != "compute" {
		t.Errorf("a transfer is told twice: %+v", second)
	}
}
