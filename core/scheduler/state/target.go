package state

import (
	"math"
	"time"
)

const (
	// DefaultTargetDuration is how long the work that there is should take,
	// where nobody said otherwise.
	DefaultTargetDuration = 5 * time.Second
	// sampledTasks is how many tasks without a worker are looked at; the others
	// are taken to be like them.
	sampledTasks = 100
	// fullMemory is the part of all memory from which on more workers are wanted.
	fullMemory = 0.6
)

// AdaptiveTarget is how many workers would do the present work within a time,
// and hold the results; see [Machine.WorkersToClose] for those that could go
// when it is fewer than there are.
func (m *Machine) AdaptiveTarget(duration time.Duration) int {
	if duration <= 0 {
		duration = DefaultTargetDuration
	}
	n := len(m.list)
	target := max(m.targetByWork(duration.Seconds()), m.targetByMemory())
	if target < n {
		return n - len(m.WorkersToClose(ToClose{N: -1}))
	}
	return target
}

// targetByWork is the number of threads that finish the work in time, but no
// more than there are tasks for, as workers of the usual size.
func (m *Machine) targetByWork(duration float64) int {
	ready := m.counts[Queued] + m.counts[NoWorker]
	work := m.TotalOccupancy() + m.waitingWork(ready)
	threads := math.Ceil(work / duration)
	if !(threads < math.MaxInt32) {
		threads = math.MaxInt32
	}
	threads = min(threads, float64(ready+m.counts[Processing]))
	if n := len(m.list); n > 0 {
		return int(math.Ceil(threads / float64(m.threads) * float64(n)))
	}
	if ready > 0 {
		return max(int(threads), 1)
	}
	return int(threads)
}

// waitingWork are the seconds that tasks without a worker will probably take.
func (m *Machine) waitingWork(ready int) float64 {
	seen, sum := 0, 0.0
	look := func(t *task) bool {
		sum += m.estimate(t)
		seen++
		return seen < sampledTasks
	}
	for _, l := range m.queues {
		if seen < sampledTasks {
			l.queue.some(look)
		}
	}
	if seen < sampledTasks {
		m.parked.some(look)
	}
	if seen == 0 {
		return 0
	}
	return sum / float64(seen) * float64(ready)
}

// targetByMemory is twice the workers where their memory fills up.
func (m *Machine) targetByMemory() int {
	limit, used := 0.0, 0.0
	for _, w := range m.list {
		limit += float64(w.reg.MemoryLimit)
		used += float64(w.nbytes)
	}
	if limit > 0 && used > fullMemory*limit {
		return 2 * len(m.list)
	}
	return 0
}
