package state

import (
	"fmt"
	"slices"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// Replicate asks for N copies of each key among some workers: missing ones are
// made, each holder passing on as many as BranchingFactor says at a time, and
// those beyond N are dropped. From then on the memory manager keeps as many,
// until the key is forgotten or N is 1.
type Replicate struct {
	ID      int64
	Keys    []wire.Key
	N       int      // 0: one for each worker
	Workers []string // addresses; nil: all that run
	// BranchingFactor is how many copies are made from each one at a time; 0: 2.
	BranchingFactor int
	Timeout         time.Duration
}

func (e Replicate) apply(m *Machine) {
	if e.BranchingFactor <= 0 {
		e.BranchingFactor = 2
	}
	m.send(e.ID, e.Timeout, &replication{Replicate: e})
}

// replication is the errand of Replicate.
type replication struct {
	Replicate
	tasks []*task
	among []*worker
	made  int
}

func (r *replication) shared() bool { return false }

func (r *replication) abandon(m *Machine, e *errand) { r.late(m, e) }

func (r *replication) begin(m *Machine, e *errand) {
	r.among = m.runningAmong(r.Workers)
	if r.N <= 0 || r.N > len(r.among) {
		r.N = len(r.among)
	}
	var missing []wire.Key
	for _, k := range r.Keys {
		if t := m.tasks.Get(k); t != nil && t.state == Memory {
			r.tasks = append(r.tasks, t)
		} else {
			missing = append(missing, k)
		}
	}
	if len(missing) > 0 || r.N == 0 {
		r.end(m, e, missing, "they are not in memory, or no worker runs")
		return
	}
	for _, t := range r.tasks {
		t.pin(r.N)
		r.reduce(m, t)
		r.spread(m, e, t)
	}
	r.endIfDone(m, e)
}

// runningAmong are the running workers with these addresses; nil: all.
func (m *Machine) runningAmong(addresses []string) (ws []*worker) {
	for _, w := range m.list {
		if w.running() && (addresses == nil || slices.Contains(addresses, w.address)) {
			ws = append(ws, w)
		}
	}
	return ws
}

// holders counts the copies among the workers.
func (r *replication) holders(t *task) (n int) {
	for _, w := range r.among {
		if t.has.find(w) != nil {
			n++
		}
	}
	return n
}

// reduce drops what is more than N among the workers.
func (r *replication) reduce(m *Machine, t *task) {
	for n := r.holders(t); n > r.N; n-- {
		var worst *worker
		for _, w := range r.among {
			if m.droppable(t, w) && (worst == nil || m.weight(w) > m.weight(worst)) {
				worst = w
			}
		}
		if worst == nil {
			return
		}
		m.drop(t, worst)
	}
}

// spread asks for the next copies of a result. There are twice or so as many
// each time, so that no holder has to serve all.
func (r *replication) spread(m *Machine, e *errand, t *task) {
	if t.state != Memory || t.is(actor) {
		return
	}
	n := min(r.N-r.holders(t), r.BranchingFactor*t.has.len())
	for _, a := range m.copies[t] {
		if slices.Contains(r.among, a.to) {
			n--
		}
	}
	for ; n > 0; n-- {
		w := m.lightest(t, r.among)
		if w == nil {
			return
		}
		m.acquire(t, w, e)
	}
}

func (r *replication) copied(m *Machine, e *errand, a *acquisition) {
	if a.got {
		r.made++
	}
	r.spread(m, e, a.t)
	r.endIfDone(m, e)
}

func (r *replication) check(m *Machine, e *errand) {
	for _, t := range r.tasks {
		r.spread(m, e, t)
	}
	r.endIfDone(m, e)
}

// endIfDone ends the errand when nothing is under way: there are enough copies,
// or those that lack have nowhere to go.
func (r *replication) endIfDone(m *Machine, e *errand) {
	if e.open == 0 && !r.awaited() {
		r.end(m, e, r.lacking(m), "no running worker is left for a copy of them")
	}
}

// awaited says whether somebody else's copies are on their way.
func (r *replication) awaited() bool {
	return slices.ContainsFunc(r.tasks, func(t *task) bool { return t.is(copying) })
}

// lacking are the keys with too few copies. Those that nobody needs any more
// are not among them.
func (r *replication) lacking(m *Machine) (keys []wire.Key) {
	n := min(r.N, len(m.runningAmong(r.Workers)))
	for _, t := range r.tasks {
		if t.state != Forgotten && r.holders(t) < n {
			keys = append(keys, t.key)
		}
	}
	return keys
}

func (r *replication) late(m *Machine, e *errand) {
	r.end(m, e, r.lacking(m), fmt.Sprintf("they were not copied within %v", e.timeout))
}

func (r *replication) end(m *Machine, e *errand, keys []wire.Key, why string) {
	d := ErrandDone{Status: ErrandOK, Copied: r.made}
	if len(keys) > 0 || r.N == 0 {
		d.Status, d.Keys, d.Reason = ErrandPartial, keys, fmt.Sprintf("%d keys: %s", len(keys), why)
	}
	m.finish(e, d)
}
