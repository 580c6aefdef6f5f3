package state

import (
	"cmp"
	"slices"
)

// ToClose says how many workers a caller could do without.
type ToClose struct {
	// N is how many to close; negative: as many as are idle and whose memory
	// is not needed for the results that there are.
	N int
	// Minimum is how many must stay.
	Minimum int
	// MemoryRatio is how many times the bytes of all results must fit into the
	// memory of those that stay, where N is negative; default 2.
	MemoryRatio float64
	// Valid are the addresses to choose from; nil: all.
	Valid []string
	// Group says which workers close together or not at all: those with the same
	// host, for instance. Nil: each for itself.
	Group func(WorkerInfo) string
}

// WorkersToClose picks workers whose end costs least: idle ones first, those
// with few bytes before others, then the ones that will soon be done. Workers
// with long-running tasks stay: such tasks start others, and would begin again.
// So do workers with actors, whose state would be lost.
func (m *Machine) WorkersToClose(want ToClose) (out []string) {
	if want.N == 0 {
		return nil
	}
	if !(want.MemoryRatio > 0) {
		want.MemoryRatio = 2
	}
	left := m.memoryOf(m.list)
	for _, w := range m.list {
		left.needed += float64(w.nbytes) * want.MemoryRatio
	}
	for _, g := range m.closable(want) {
		n := len(out) + len(g.all)
		if want.N >= 0 && n > want.N || len(m.list)-n < want.Minimum {
			break
		}
		left.take(m.memoryOf(g.all))
		if want.N < 0 && (g.sum.busy > 0 || !left.enough()) {
			break
		}
		for _, w := range g.all {
			out = append(out, w.address)
		}
	}
	return out
}

// closing are workers that close together.
type closing struct {
	all []*worker
	sum struct {
		busy      int     // workers with tasks
		occupancy float64 // a thread, of the busiest
		nbytes    int64
	}
}

// closable are the groups of workers that may close, the cheapest first.
func (m *Machine) closable(want ToClose) []*closing {
	var groups []*closing
	named := map[string]*closing{}
	valid := make(map[string]bool, len(want.Valid))
	for _, a := range want.Valid {
		valid[a] = true
	}
	for _, w := range m.list {
		name := w.address
		if want.Group != nil {
			name = want.Group(w.info())
		}
		g := named[name]
		if g == nil {
			g = &closing{}
			named[name] = g
			groups = append(groups, g)
		}
		if (want.Valid == nil || valid[w.address]) && w.seceded == 0 && w.actors == 0 && (w.running() || w.status == statusPaused) {
			g.add(w)
		}
	}
	groups = slices.DeleteFunc(groups, func(g *closing) bool { return len(g.all) == 0 })
	slices.SortStableFunc(groups, cheaperToClose)
	return groups
}

func (g *closing) add(w *worker) {
	g.all = append(g.all, w)
	g.sum.busy += min(len(w.processing), 1)
	g.sum.occupancy = max(g.sum.occupancy, w.occupancy/float64(w.nthreads))
	g.sum.nbytes += w.nbytes
}

// closeRoom is the memory of workers, and what must fit into it.
type closeRoom struct {
	workers, unlimited int
	bytes, needed      float64
}

func (m *Machine) memoryOf(ws []*worker) (r closeRoom) {
	r.workers = len(ws)
	for _, w := range ws {
		if w.reg.MemoryLimit <= 0 {
			r.unlimited++ // as good as infinite
		}
		r.bytes += float64(max(w.reg.MemoryLimit, 0))
	}
	return r
}

func (r *closeRoom) take(o closeRoom) {
	r.workers -= o.workers
	r.unlimited -= o.unlimited
	r.bytes -= o.bytes
}

// enough says whether what is needed fits into what is left.
func (r *closeRoom) enough() bool {
	return r.unlimited > 0 || r.bytes >= r.needed && (r.workers > 0 || r.needed == 0)
}

func cheaperToClose(a, b *closing) int {
	return cmp.Or(
		cmp.Compare(min(a.sum.busy, 1), min(b.sum.busy, 1)),
		cmp.Compare(a.sum.occupancy, b.sum.occupancy), // 0 of idle ones
		cmp.Compare(a.sum.nbytes, b.sum.nbytes),
	)
}
