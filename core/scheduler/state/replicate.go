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
	tasks  []*task
	next   int // of tasks: the first that nothing was asked for yet
	among  []*worker
	member map[*worker]bool
	pool   pool
	fleet  uint64 // of the last look
	made   int
}

func (r *replication) shared() bool { return false }

func (r *replication) abandon(m *Machine, e *errand) { r.late(m, e) }

func (r *replication) begin(m *Machine, e *errand) {
	r.among = m.runningAmong(r.Workers)
	r.member = make(map[*worker]bool, len(r.among))
	for _, w := range r.among {
		r.member[w] = true
	}
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
		m.pin(t, r.N)
		if surplus := r.holders(t) - r.N; surplus > 0 {
			m.dropSome(t, surplus, func(w *worker) bool { return r.member[w] })
		}
	}
	r.proceed(m, e)
}

// runningAmong are the running workers with these addresses; nil: all.
func (m *Machine) runningAmong(addresses []string) (ws []*worker) {
	var named map[string]bool
	if addresses != nil {
		named = make(map[string]bool, len(addresses))
	}
	for _, a := range addresses {
		named[a] = true
	}
	for _, w := range m.list {
		if w.running() && (addresses == nil || named[w.address]) {
			ws = append(ws, w)
		}
	}
	return ws
}

// holders counts the copies among the workers.
func (r *replication) holders(t *task) (n int) {
	for i := range t.has.len() {
		if r.member[t.has.at(i)] {
			n++
		}
	}
	return n
}

// proceed asks for the first copies of results as far as there is room for more.
func (r *replication) proceed(m *Machine, e *errand) {
	for room := e.room(); room > 0 && r.next < len(r.tasks); r.next++ {
		room -= r.spread(m, e, r.tasks[r.next])
	}
	r.endIfDone(m, e)
}

// spread asks for the next copies of a result, and returns how many. There are
// twice or so as many each time, so that no holder has to serve all.
func (r *replication) spread(m *Machine, e *errand, t *task) int {
	if t.state != Memory {
		return 0
	}
	n := min(r.N-r.holders(t), r.BranchingFactor*t.has.len())
	for _, a := range m.copies[t] {
		if r.member[a.to] {
			n--
		}
	}
	if n <= 0 {
		return 0
	}
	r.pool.open(m, r.among)
	return m.copyTo(&r.pool, t, n, e)
}

func (r *replication) copied(m *Machine, e *errand, a *acquisition) {
	if a.got {
		r.made++
	}
	r.spread(m, e, a.t)
	r.proceed(m, e)
}

// check looks at all results again when nothing is on its way, or when workers
// came or went: a copy that another asked for may have ended otherwise.
func (r *replication) check(m *Machine, e *errand) {
	if e.open == 0 && r.next == len(r.tasks) || r.fleet != m.fleet {
		r.fleet, r.next = m.fleet, 0
	}
	r.proceed(m, e)
}

// endIfDone ends the errand when nothing is under way: there are enough copies,
// or those that lack have nowhere to go.
func (r *replication) endIfDone(m *Machine, e *errand) {
	if e.open == 0 && r.next == len(r.tasks) && !r.awaited() {
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
