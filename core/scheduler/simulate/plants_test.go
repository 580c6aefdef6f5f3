package simulate

import (
	"testing"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// The defects that TestPlantedDefectsAreFound puts in: what a machine orders or
// reports is dropped, doubled or changed on its way, some of the time.

// dropping swallows every so manieth message to workers of a kind.
func dropping[T wire.Msg](name string, every int) *Plant {
	p := &Plant{Name: name}
	p.ToWorker = func(_ *World, to string, m wire.Msg) []state.ToWorker {
		if _, ok := m.(T); ok && p.Once(every) {
			return nil
		}
		return []state.ToWorker{{Address: to, Msg: m}}
	}
	return p
}

// silencing swallows every so manieth report of workers of a kind.
func silencing[T wire.Msg](name string, every int) *Plant {
	p := &Plant{Name: name}
	p.FromWorker = func(_ *World, m wire.Msg) []wire.Msg {
		if _, ok := m.(T); ok && p.Once(every) {
			return nil
		}
		return []wire.Msg{m}
	}
	return p
}

// muting swallows every so manieth message to clients of a kind.
func muting[T wire.Msg](name string, every int) *Plant {
	p := &Plant{Name: name}
	p.ToClient = func(_ *World, m wire.Msg) []wire.Msg {
		if _, ok := m.(T); ok && p.Once(every) {
			return nil
		}
		return []wire.Msg{m}
	}
	return p
}

// astray sends every so manieth task to another worker than the one meant.
func astray(every int) *Plant {
	p := &Plant{Name: "compute-task-astray"}
	p.ToWorker = func(w *World, to string, m wire.Msg) []state.ToWorker {
		if _, ok := m.(*wire.ComputeTask); ok && p.Once(every) {
			for _, ses := range w.sched.list {
				if ses.worker.address != to {
					return []state.ToWorker{{Address: ses.worker.address, Msg: m}}
				}
			}
		}
		return []state.ToWorker{{Address: to, Msg: m}}
	}
	return p
}

// late repeats every so manieth report of copies, long after it was true.
func late(every int) *Plant {
	p := &Plant{Name: "add-keys-late-again"}
	var old wire.Msg
	p.FromWorker = func(_ *World, m wire.Msg) []wire.Msg {
		if _, ok := m.(*wire.AddKeys); ok && p.Once(every) {
			again := old
			old = m
			if again != nil {
				return []wire.Msg{m, again}
			}
		}
		return []wire.Msg{m}
	}
	return p
}

// lying has workers report a result where there was a failure.
func lying() *Plant {
	p := &Plant{Name: "failure-told-as-result"}
	p.FromWorker = func(_ *World, m wire.Msg) []wire.Msg {
		if e, ok := m.(*wire.TaskErred); ok {
			return []wire.Msg{&wire.TaskFinished{Key: e.Key, RunID: e.RunID, Nbytes: 8}}
		}
		return []wire.Msg{m}
	}
	return p
}

// stale gives tasks the number of an earlier run.
func stale(every int) *Plant {
	p := &Plant{Name: "result-of-another-run"}
	p.FromWorker = func(_ *World, m wire.Msg) []wire.Msg {
		if f, ok := m.(*wire.TaskFinished); ok && p.Once(every) {
			c := *f
			c.RunID++
			return []wire.Msg{&c}
		}
		return []wire.Msg{m}
	}
	return p
}

// unnumbered has workers not say which run their reports are about: those on old
// runs are believed then.
func unnumbered() *Plant {
	p := &Plant{Name: "old-runs-believed"}
	p.FromWorker = func(_ *World, m wire.Msg) []wire.Msg {
		switch m := m.(type) {
		case *wire.TaskFinished:
			c := *m
			c.RunID = 0
			return []wire.Msg{&c}
		case *wire.TaskErred:
			c := *m
			c.RunID = 0
			return []wire.Msg{&c}
		}
		return []wire.Msg{m}
	}
	return p
}

// hasty has tasks come with another priority than was meant.
func hasty() *Plant {
	p := &Plant{Name: "priority-changed"}
	p.ToWorker = func(_ *World, to string, m wire.Msg) []state.ToWorker {
		if c, ok := m.(*wire.ComputeTask); ok && p.Once(5) {
			x := *c
			x.Priority = []float64{100, 0, 0}
			m = &x
		}
		return []state.ToWorker{{Address: to, Msg: m}}
	}
	return p
}

func plants() []func() *Plant {
	return []func() *Plant{
		unnumbered,
		hasty,
		func() *Plant { return dropping[*wire.ComputeTask]("compute-task-lost", 50) },
		func() *Plant { return dropping[*wire.FreeKeys]("free-keys-lost", 50) },
		func() *Plant { return dropping[*wire.RefreshWhoHas]("refresh-who-has-lost", 1) },
		func() *Plant { return silencing[*wire.TaskFinished]("task-finished-lost", 50) },
		func() *Plant { return silencing[*wire.TaskErred]("task-erred-lost", 2) },
		func() *Plant { return silencing[*wire.AddKeys]("add-keys-lost", 10) },
		func() *Plant { return silencing[*wire.StealResponse]("steal-response-lost", 1) },
		func() *Plant { return silencing[*wire.Reschedule]("reschedule-lost", 1) },
		func() *Plant { return muting[*wire.KeyInMemory]("key-in-memory-lost", 20) },
		func() *Plant { return muting[*wire.TaskErred]("failure-lost", 2) },
		func() *Plant { return muting[*wire.LostData]("lost-data-lost", 1) },
		func() *Plant { return muting[*wire.TaskRetried]("task-retried-lost", 1) },
		func() *Plant { return astray(50) },
		func() *Plant { return late(2) },
		lying,
		func() *Plant { return stale(50) },
	}
}

// plantNamed is the one that TestReplay is asked for.
func plantNamed(t *testing.T, name string) *Plant {
	t.Helper()
	for _, plant := range plants() {
		if p := plant(); p.Name == name {
			return p
		}
	}
	if name != "" {
		t.Fatalf("no plant has the name %q; see plants_test.go", name)
	}
	return nil
}

func TestPlantedDefectsAreFound(t *testing.T) {
	for _, plant := range plants() {
		t.Run(plant().Name, func(t *testing.T) {
			began := time.Now()
			for n := uint64(1); n <= 400; n++ {
				s := smallSize().Settings(n)
				s.Plant = plant()
				if f := Run(s).Failure; f != nil {
					t.Logf("found in world %d, after %v: %s", n, time.Since(began).Round(time.Millisecond), f.What)
					return
				}
			}
			t.Errorf("not found in 400 worlds, %v", time.Since(began))
		})
	}
}
