package simulate

import (
	"fmt"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/worker/workertest"
)

// check verifies all invariants of the scheduler's machine.
func (s *scheduler) check() {
	for _, e := range s.m.Check() {
		s.w.fail("", "an invariant of the scheduler does not hold: %s", e)
	}
}

// checkOrder verifies an instruction for a worker: that it is to one that
// lives, is newer than all before, and names where the inputs are.
func (s *scheduler) checkOrder(m state.ToWorker) {
	c, ok := m.Msg.(*wire.ComputeTask)
	if !ok {
		return
	}
	if s.sessions[m.Address] == nil {
		s.w.fail(c.Key, "%v is given to %s, which is not here", c.Key, m.Address)
	}
	if n := s.w.at[m.Address]; n != nil {
		n.noteOrder(c)
	}
	if c.RunID <= s.w.lastRun {
		s.w.fail(c.Key, "run %d of %v comes after run %d", c.RunID, c.Key, s.w.lastRun)
	}
	s.w.lastRun = c.RunID
	d := s.w.oracle.defs[c.Key]
	if d == nil || len(c.WhoHas) > len(d.deps) || len(c.WhoHas) < len(d.deps) && !d.mayVanish && !d.lost() {
		s.w.fail(c.Key, "%v is to run with %d inputs", c.Key, len(c.WhoHas))
	}
	for _, in := range c.WhoHas {
		if len(in.Addresses) == 0 {
			s.w.fail(c.Key, "%v is to run, but nobody has its input %v", c.Key, in.Key)
		}
	}
}

// check verifies the invariants of the worker's machine, mostly.
func (n *worker) check() {
	if !n.w.chance(100 / min(100, n.w.CheckEvery)) {
		return
	}
	if err := n.m.Check(); err != nil {
		n.w.fail("", "an invariant of worker %s does not hold: %v", n.name, err)
	}
}

// checkReport verifies that what a worker reports is true as it says it.
func (n *worker) checkReport(m wire.Msg) {
	var keys []wire.Key
	switch m := m.(type) {
	case *wire.TaskFinished:
		keys = []wire.Key{m.Key}
	case *wire.AddKeys:
		keys = m.Keys
	case *wire.TaskErred:
		if t := n.m.Task(m.Key); t == nil || t.State != workertest.Error {
			n.w.fail(m.Key, "%s reports a failure of %v, which has not failed there", n.name, m.Key)
		}
	}
	for _, k := range keys {
		if t := n.m.Task(k); t == nil || t.State != workertest.Memory || t.Data == nil {
			n.w.fail(k, "%s reports %v as in memory, which it is not", n.name, k)
		}
	}
}

// checkItems verifies values that came from a peer.
func (n *worker) checkItems(items []workertest.Item) {
	for _, i := range items {
		if d := n.w.oracle.defs[i.Key]; d == nil || i.Err == nil && i.Data != d.value {
			n.w.fail(i.Key, "%s got a wrong value of %v", n.name, i.Key)
		}
	}
}

// describe says what all machines know of a key.
func (w *World) describe(k wire.Key) (r []string) {
	if i, ok := w.sched.m.Task(k); ok {
		r = append(r, fmt.Sprintf("scheduler: %v, on %q, wanted by %q, held by %q, waits for %v, run %d, from %v, for %v",
			i.State, i.ProcessingOn, i.WhoWants, i.WhoHas, i.WaitingOn, i.RunID, i.Dependencies, i.Dependents))
	} else {
		r = append(r, "scheduler: unknown")
	}
	for _, l := range w.sched.m.Explain(k) {
		r = append(r, "  "+l)
	}
	for _, t := range w.sched.m.Story(k) {
		r = append(r, fmt.Sprintf("  %v: %v to %v by %s", t.Time.Sub(w.clock())+w.now, t.From, t.To, t.Stimulus))
	}
	for _, n := range w.workers {
		if t := n.m.Task(k); t != nil {
			r = append(r, fmt.Sprintf("%s (%s, %s, dead %v, connected %v): %v", n.name, n.address, n.status, n.dead, n.link != nil, t.State))
		}
	}
	for _, c := range w.clients {
		if e := c.table[k]; e != nil {
			r = append(r, fmt.Sprintf("%s (gone %v): %v, got %v, %s", c.id, c.gone, e.status, e.got, e.text))
		}
	}
	return r
}
