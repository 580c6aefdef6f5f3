package scheduler

import (
	"testing"

	"github.com/gdask/gdask/core/scheduler/state"
)

// A retirement may wait for others; the worker that loses its connection in the
// meantime and comes back is retired then, as was asked for.
func TestAWorkerThatCameBackIsRetired(t *testing.T) {
	s := start(t, nil)
	const address = "tcp://127.0.0.1:1"
	newWorker(t, s, address, 1)
	lost := &workerPeer{address: address, gone: true}
	err := s.loop.do(t.Context(), func() {
		s.loop.retired(&retiring{remove: true}, lost, state.ErrandDone{Status: state.ErrandOK})
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, s, "the worker is gone", func() bool { return s.loop.workers[address] == nil })
}
