package simulate

import (
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

// errand has the machine do something that takes its time; then follows.
func (s *scheduler) errand(order func(id int64) state.Event, then func(state.ErrandDone)) {
	s.lastErrand++
	s.errands = append(s.errands, errand{s.lastErrand, then})
	s.apply(order(s.lastErrand))
}

// errand is one whose end was not told yet.
type errand struct {
	id   int64
	then func(state.ErrandDone)
}

func (s *scheduler) errandDone(d state.ErrandDone) {
	i := slices.IndexFunc(s.errands, func(e errand) bool { return e.id == d.ID })
	if i < 0 {
		s.w.fail("", "errand %d, which nobody asked for, is said to be done", d.ID)
		return
	}
	then := s.errands[i].then
	s.errands = slices.Delete(s.errands, i, i+1)
	then(d)
}

// retire has others take over what a worker has, then removes it. With tell it
// is told to end; without, it goes on its own.
func (s *scheduler) retire(n *worker, tell bool) {
	if s.sessions[n.address] == nil {
		return
	}
	timeout := s.w.between(50*time.Millisecond, 20*time.Second)
	s.errand(func(id int64) state.Event {
		return state.Retire{ID: id, Address: n.address, Timeout: timeout, Leaves: s.w.chance(30)}
	}, func(d state.ErrandDone) {
		if ses := s.sessions[n.address]; ses != nil && d.Status == state.ErrandOK {
			ses.closing = true
			s.retired(ses, tell)
		}
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

// replicate orders copies of some results, or evens out what workers hold.
func (s *scheduler) replicate() {
	var keys []wire.Key
	held := s.m.WhoHas(nil)
	for range min(len(held), 1+s.w.rng.IntN(8)) {
		if k := held[s.w.rng.IntN(len(held))].Key; !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	timeout := s.w.between(time.Millisecond, 10*time.Second)
	s.errand(func(id int64) state.Event {
		switch s.w.rng.IntN(3) {
		case 0:
			return state.Rebalance{ID: id, Timeout: timeout}
		case 1:
			return state.Rebalance{ID: id, Keys: keys, Timeout: timeout}
		}
		return state.Replicate{ID: id, Keys: keys, N: s.w.rng.IntN(4), BranchingFactor: s.w.rng.IntN(3), Timeout: timeout}
	}, func(state.ErrandDone) {})
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
