package state

import (
	"cmp"
	"math"
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
}

// WorkersToClose picks workers whose end costs least: idle ones first, those
// with few bytes before others, then the ones that will soon be done. Workers
// with long-running tasks stay: such tasks start others, and would begin again.
// So do workers with actors, whose state would be lost.
func (m *Machine) WorkersToClose(want ToClose) []string {
	if want.N == 0 {
		return nil
	}
	if !(want.MemoryRatio > 0) {
		want.MemoryRatio = 2
	}
	var pool []*worker
	held := 0.0
	for _, w := range m.list {
		valid := want.Valid == nil || slices.Contains(want.Valid, w.address)
		if valid && w.seceded == 0 && w.actors == 0 && (w.running() || w.status == statusPaused) {
			pool = append(pool, w)
		}
		held += float64(w.nbytes)
	}
	slices.SortStableFunc(pool, cheaperToClose)
	var out []string
	for _, w := range pool {
		if want.N >= 0 && len(out) == want.N || len(m.list)-len(out) <= want.Minimum {
			break
		}
		if want.N < 0 && (len(w.processing) > 0 || !enough(m.list, out, w, held*want.MemoryRatio)) {
			break
		}
		out = append(out, w.address)
	}
	return out
}

// room is a worker's memory; unlimited is as good as infinite.
func (w *worker) room() float64 {
	if w.reg.MemoryLimit <= 0 {
		return math.Inf(1)
	}
	return float64(w.reg.MemoryLimit)
}

// enough says whether needed bytes fit into the workers that would stay.
func enough(all []*worker, gone []string, next *worker, needed float64) bool {
	left, some := 0.0, false
	for _, w := range all {
		if w != next && !slices.Contains(gone, w.address) {
			left, some = left+w.room(), true
		}
	}
	return left >= needed && (some || needed == 0)
}

func cheaperToClose(a, b *worker) int {
	return cmp.Or(
		cmp.Compare(min(len(a.processing), 1), min(len(b.processing), 1)),
		cmp.Compare(a.occupancy/float64(a.nthreads), b.occupancy/float64(b.nthreads)), // 0 of idle ones
		cmp.Compare(a.nbytes, b.nbytes),
	)
}
