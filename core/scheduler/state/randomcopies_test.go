package state

import (
	"slices"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// checkCopies checks what the machine says of copies: only those may go that
// are not the last one, and only those are fetched that are not there.
func checkCopies(t *testing.T, m *Machine, out Output) {
	t.Helper()
	for _, w := range out.ToWorkers {
		switch msg := w.Msg.(type) {
		case *wire.RemoveReplicas:
			for _, k := range msg.Keys {
				if i, _ := m.Task(k); i.State != Memory || slices.Contains(i.WhoHas, w.Address) || i.Actor {
					t.Fatalf("%s is to drop %v, which is %v on %v", w.Address, k, i.State, i.WhoHas)
				}
			}
		case *wire.AcquireReplicas:
			for n, h := range msg.WhoHas {
				i, _ := m.Task(h.Key)
				if i.State != Memory || slices.Contains(i.WhoHas, w.Address) || len(h.Addresses) == 0 || msg.Nbytes[n].Key != h.Key || i.Actor {
					t.Fatalf("%s is to fetch %v from %v, which is %v on %v", w.Address, h.Key, h.Addresses, i.State, i.WhoHas)
				}
			}
		}
	}
}

// copyOrDrop has a worker do what it is told of copies; sometimes it cannot,
// and sometimes it says nothing.
func (w *world) copyOrDrop(a string, m wire.Msg) {
	switch m := m.(type) {
	case *wire.AcquireReplicas:
		for _, h := range m.WhoHas {
			if w.rng.IntN(6) == 0 || !slices.ContainsFunc(h.Addresses, func(from string) bool { return w.held[from][h.Key] }) {
				continue
			}
			w.held[a][h.Key] = true
			w.copies++
			w.apply(AddKeys{Worker: a, AddKeys: &wire.AddKeys{Keys: []wire.Key{h.Key}}})
		}
	case *wire.RemoveReplicas:
		for _, k := range m.Keys {
			if w.held[a][k] && w.rng.IntN(5) == 0 {
				w.apply(AddKeys{Worker: a, AddKeys: &wire.AddKeys{Keys: []wire.Key{k}}})
				continue
			}
			delete(w.held[a], k)
			w.dropped++
			w.apply(ReleaseWorkerData{Worker: a, ReleaseWorkerData: &wire.ReleaseWorkerData{Key: k}})
		}
	}
}

// errand asks for something that is done with copies.
func (w *world) errand(as []string, some func([]wire.Key) []wire.Key) {
	w.next++
	id, timeout := int64(w.next), time.Duration(w.rng.IntN(3000))*time.Millisecond
	kind := w.rng.IntN(8)
	if kind < 5 {
		w.errands[id] = ""
	}
	switch {
	case kind < 2:
		w.apply(Replicate{ID: id, Keys: some(w.m.Keys()), N: w.rng.IntN(4), Timeout: timeout})
	case kind < 3:
		w.apply(Rebalance{ID: id, Timeout: timeout})
	case kind < 5 && len(as) > 0:
		w.errands[id] = as[w.rng.IntN(len(as))]
		w.apply(Retire{ID: id, Address: w.errands[id], Timeout: timeout})
	case kind < 5:
		delete(w.errands, id)
	case kind < 6:
		for open := range w.errands {
			delete(w.errands, open)
			w.apply(AbandonErrand{ID: open})
			break
		}
	default:
		w.apply(ManageMemory{Method: ManagerRunOnce})
	}
}

// errandsDone removes workers that have retired.
func (w *world) errandsDone(done []ErrandDone) {
	for _, d := range done {
		address := w.errands[d.ID]
		delete(w.errands, d.ID)
		if _, alive := w.held[address]; alive && d.Status == ErrandOK {
			w.retired++
			w.leave(address, true)
		}
	}
}
