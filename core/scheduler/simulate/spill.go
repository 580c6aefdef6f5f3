package simulate

import (
	"time"

	"github.com/gdask/gdask/sdk/worker/workertest"
)

// file stands for a value that was written to disk.
type file struct {
	value uint64
	lost  bool // it cannot be read back
}

// spill writes a value, which mostly works.
func (n *worker) spill(s workertest.Spill) {
	n.w.after(n.w.between(0, 20*time.Millisecond), func() {
		n.post(func() {
			v, ok := s.Data.(uint64)
			switch {
			case !ok:
				n.w.fail(s.Key, "%s is to write %v, which is %T", n.name, s.Key, s.Data)
			case n.w.chance(5):
				n.apply(&workertest.SpillFailed{Spill: s, Forever: n.w.chance(30)})
			default:
				lost := n.w.Chaos > 0 && !n.w.calm && n.w.chance(3)
				n.apply(&workertest.Spilled{Spill: s, Data: &file{v, lost}, Disk: 1 + s.Nbytes/2})
			}
		})
	})
}

// value is what a task's data stands for, read from disk where it is there.
func (n *worker) value(t *workertest.Task) (v uint64, ok bool) {
	switch x := t.Data.(type) {
	case uint64:
		return x, true
	case *file:
		return x.value, !x.lost
	}
	n.w.fail(t.Key, "%s has %T as the value of %v", n.name, t.Data, t.Key)
	return 0, false
}

// take is the values of a task's inputs. What was read from disk goes back to
// memory; what could not be read is told at the end.
func (j *job) take(inputs []*workertest.Task) {
	n := j.x.n
	for _, in := range inputs {
		v, ok := n.value(in)
		if !ok {
			j.lost = append(j.lost, workertest.Lost{Key: in.Key, From: in.Data})
			continue
		}
		j.inputs = append(j.inputs, v)
		n.m.Use(in)
		if f, onDisk := in.Data.(*file); onDisk {
			n.w.after(n.w.between(0, time.Millisecond), func() {
				n.post(func() { n.apply(&workertest.Unspilled{Key: in.Key, From: f, Data: f.value}) })
			})
		}
	}
}

// serveValue adds a value to an answer, or notes that it cannot be read.
func (n *worker) serveValue(a *answer, t *workertest.Task) {
	v, ok := n.value(t)
	if !ok {
		lost := []workertest.Lost{{Key: t.Key, From: t.Data}}
		n.w.after(0, func() { n.post(func() { n.apply(lost) }) })
		return
	}
	n.m.Use(t)
	a.items = append(a.items, n.w.oracle.defs[t.Key].item(workertest.Item{Key: t.Key, Data: v, Nbytes: t.Nbytes, Type: t.Type}))
}
