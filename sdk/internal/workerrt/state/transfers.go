package state

import "github.com/gdask/gdask/sdk/wire"

// moved is a list of transfers.
type moved struct {
	wire.StartStop
	before *moved
}

// noteTransfer counts a transfer for a task that waits for one of the values: a
// transfer serves many, but each is told once, as Dask does.
func (m *Machine) noteTransfer(e *Gathered) {
	if e.Stop <= e.Start {
		return
	}
	for i := range e.Items {
		t := m.tasks.Get(e.Items[i].Key)
		if t == nil || e.Items[i].Err != nil {
			continue
		}
		for _, w := range t.waiters {
			if w.t.State == Waiting && w.t.epoch == w.epoch {
				phase := wire.StartStop{Action: "transfer", Start: e.Start, Stop: e.Stop, Source: e.Peer}
				w.t.moved = &moved{phase, w.t.moved}
				return
			}
		}
	}
}

// withTransfers puts the transfers of the task's inputs before its run.
func (t *Task) withTransfers(run []wire.StartStop) []wire.StartStop {
	if t.moved == nil {
		return run
	}
	var all []wire.StartStop
	for n := t.moved; n != nil; n = n.before {
		all = append([]wire.StartStop{n.StartStop}, all...)
	}
	t.moved = nil
	return append(all, run...)
}
