package simulate

import (
	"fmt"
	"slices"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// restart forgets all tasks of all clients.
func (w *World) restart() {
	for _, d := range w.oracle.list {
		d.given = true
	}
	w.sched.apply(state.Restart{})
}

// retireStep is the pause between two looks at a retiring worker.
const retireStep = 50 * time.Millisecond

// retire has others take over what a worker has, then removes it. With close it
// is told to end; without, it goes on its own.
func (s *scheduler) retire(n *worker, tell bool) {
	ses := s.sessions[n.address]
	if ses == nil || n.status != "running" || len(s.running()) < 2 {
		return
	}
	ses.closing = true
	s.tell(ses, &wire.WorkerStatusChange{Status: "closing_gracefully"})
	s.apply(state.WorkerStatus{Address: n.address, Status: "closing_gracefully"})
	s.moveOn(ses, tell, 100)
}

// moveOn copies what only the retiring worker has, until nothing is left.
func (s *scheduler) moveOn(ses *session, tell bool, tries int) {
	n := ses.worker
	if ses.gone {
		return
	}
	moves := s.planMoves(n.address)
	if len(moves) == 0 && len(s.m.Processing(n.address)) == 0 || tries == 0 {
		s.retired(ses, tell)
		return
	}
	for i, to := range s.running() {
		var keys []wire.Key
		for j, k := range moves {
			if j%len(s.running()) == i {
				keys = append(keys, k)
			}
		}
		if len(keys) > 0 {
			s.copyTo(to, n.address, keys)
		}
	}
	s.w.after(retireStep, func() { s.moveOn(ses, tell, tries-1) })
}

// planMoves are the keys that only workers hold which do not run.
func (s *scheduler) planMoves(address string) (r []wire.Key) {
	running := s.running()
	keys := s.m.HasWhat(address)
	for i, h := range s.m.WhoHas(keys) {
		safe := slices.ContainsFunc(running, func(x *session) bool { return slices.Contains(h.Addresses, x.worker.address) })
		if !safe && len(running) > 0 {
			r = append(r, keys[i])
		}
	}
	return r
}

// copyTo has a worker fetch keys and enters what it got.
func (s *scheduler) copyTo(to *session, from string, keys []wire.Key) {
	s.w.after(s.w.delay(), func() {
		to.worker.post(func() {
			to.worker.copyKeys(from, keys, func(copied []wire.Key) {
				if s.sessions[to.worker.address] != nil && len(copied) > 0 {
					s.apply(state.AddKeys{Worker: to.worker.address, AddKeys: &wire.AddKeys{Keys: copied}})
				}
			})
		})
	})
}

func (s *scheduler) retired(ses *session, tell bool) {
	if tell {
		s.tell(ses, &wire.CloseWorker{Reason: "scheduler-retire"})
	}
	s.w.after(5*time.Millisecond, func() {
		if !ses.gone {
			s.drop(ses, "retired")
			s.flush()
		}
	})
}

// replicate orders more copies of some result, or fewer.
func (s *scheduler) replicate() {
	held := s.m.WhoHas(nil)
	all := s.running()
	if len(held) == 0 || len(all) == 0 {
		return
	}
	for range 1 + s.w.rng.IntN(8) {
		k := held[s.w.rng.IntN(len(held))]
		ses := all[s.w.rng.IntN(len(all))]
		switch {
		case !slices.Contains(k.Addresses, ses.worker.address):
			s.tell(ses, &wire.AcquireReplicas{WhoHas: wire.KeyAddresses{k}, StimulusID: fmt.Sprint("acquire-", s.w.stats.Events)})
		case len(k.Addresses) > 1:
			s.tell(ses, &wire.RemoveReplicas{Keys: []wire.Key{k.Key}, StimulusID: fmt.Sprint("remove-", s.w.stats.Events)})
		}
	}
}

// restrict says anew where some tasks may run.
func (s *scheduler) restrict() {
	keys := s.m.Keys()
	if len(keys) == 0 {
		return
	}
	e := state.SetRestrictions{Workers: map[wire.Key][]string{}}
	k := keys[s.w.rng.IntN(len(keys))]
	s.w.oracle.defs[k].mayFail = true
	e.Workers[k] = []string{s.w.workers[s.w.rng.IntN(len(s.w.workers))].name}
	s.apply(e)
}
