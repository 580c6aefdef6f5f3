package state

import (
	"slices"
	"time"
)

// MemoryUse is what a worker uses, in bytes, split as Dask splits it. The parts
// add up: Process is Managed, UnmanagedOld and UnmanagedRecent together.
type MemoryUse struct {
	// Process is what the operating system counts for the worker's process.
	Process int64
	// Managed are the results in memory.
	Managed int64
	// UnmanagedOld is the least of what was not results over the last 30
	// seconds, UnmanagedRecent what came on top of it and may go again.
	UnmanagedOld, UnmanagedRecent int64
	// Spilled are the results on disk, as large as they are there.
	Spilled int64
}

// Unmanaged is what is not results.
func (m MemoryUse) Unmanaged() int64 { return m.UnmanagedOld + m.UnmanagedRecent }

// Optimistic hopes that what came lately and is not results will go.
func (m MemoryUse) Optimistic() int64 { return m.Managed + m.UnmanagedOld }

// ManagedTotal are all results, in memory and on disk.
func (m MemoryUse) ManagedTotal() int64 { return m.Managed + m.Spilled }

// Measure is a figure by Dask's name of it; false when there is no such name.
func (m MemoryUse) Measure(name string) (int64, bool) {
	switch name {
	case "optimistic":
		return m.Optimistic(), true
	case "process":
		return m.Process, true
	case "managed":
		return m.Managed, true
	case "managed_total":
		return m.ManagedTotal(), true
	case "unmanaged":
		return m.Unmanaged(), true
	case "unmanaged_old":
		return m.UnmanagedOld, true
	case "unmanaged_recent":
		return m.UnmanagedRecent, true
	case "spilled":
		return m.Spilled, true
	}
	return 0, false
}

// measures says whether it is the name of a figure.
func measures(name string) bool {
	_, ok := MemoryUse{}.Measure(name)
	return ok
}

// memory splits what a worker uses. Results are known as they come, the
// process's size with heartbeats: one that is smaller than the results is old.
func (w *worker) memory() MemoryUse {
	managed := max(w.nbytes-clampBytes(w.metrics.SpilledMem), 0)
	r := MemoryUse{Managed: managed, Process: max(clampBytes(w.metrics.Memory), managed), Spilled: clampBytes(w.metrics.SpilledDisk)}
	unmanaged := r.Process - managed
	r.UnmanagedOld = min(w.unmanaged.least(), unmanaged)
	r.UnmanagedRecent = unmanaged - r.UnmanagedOld
	return r
}

// clampBytes bounds what is believed of a figure, so that sums do not overflow.
func clampBytes(n int64) int64 { return min(max(n, 0), maxBytes) }

// weigh notes how much of a worker's memory is not results.
func (m *Machine) weigh(w *worker) {
	n := clampBytes(w.metrics.Memory) - w.nbytes + clampBytes(w.metrics.SpilledMem)
	w.unmanaged.add(m.now, max(n, 0), m.c.RecentToOldTime)
}

// lowest is the least of a figure over some time: of two samples the later one
// counts longer, so an earlier one that is not smaller is of no use any more.
type lowest struct{ samples []sample }

type sample struct {
	at time.Time
	n  int64
}

func (l *lowest) add(at time.Time, n int64, keep time.Duration) {
	l.samples = slices.DeleteFunc(l.samples, func(s sample) bool { return s.n >= n || at.Sub(s.at) > keep })
	l.samples = append(l.samples, sample{at, n})
}

func (l *lowest) least() int64 {
	if len(l.samples) == 0 {
		return 0
	}
	return l.samples[0].n
}

// measure is the figure of that name.
func (w *worker) measure(name string) int64 {
	n, _ := w.memory().Measure(name)
	return n
}
