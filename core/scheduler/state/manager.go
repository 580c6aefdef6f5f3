package state

import (
	"slices"
	"time"
)

// MemoryManager configures the active memory manager, under Dask's names of
// the keys below distributed.scheduler.active-memory-manager.
type MemoryManager struct {
	// Start says whether it runs from the beginning.
	Start bool
	// Interval is the time between two runs, as far as ticks come as often;
	// default 2 s.
	Interval time.Duration
	// Measure is the figure of memory that decides who gets copies and who
	// drops them, see [MemoryUse.Measure]; default optimistic.
	Measure string
	// ReduceReplicas is the policy that drops copies that nobody asked for.
	ReduceReplicas bool
}

// The methods of the memory manager that peers may call, as in Dask.
const (
	ManagerStart   = "start"
	ManagerStop    = "stop"
	ManagerRunOnce = "run_once"
)

// ManageMemory starts, stops or runs the memory manager.
type ManageMemory struct{ Method string }

func (e ManageMemory) apply(m *Machine) {
	switch e.Method {
	case ManagerStart:
		m.managing = true
	case ManagerStop:
		m.managing = false
	case ManagerRunOnce:
		m.manage()
	}
}

// ManagesMemory says whether the memory manager runs by itself.
func (m *Machine) ManagesMemory() bool { return m.managing }

// manageInTime runs the memory manager when its time has come.
func (m *Machine) manageInTime() {
	if m.managing && m.now.Sub(m.managed) >= m.c.MemoryManager.Interval {
		m.manage()
	}
}

// manage runs all policies once. That of retiring workers is in [Retire].
func (m *Machine) manage() {
	m.managed = m.now
	if m.c.MemoryManager.ReduceReplicas {
		m.reduceReplicas()
	}
	m.recheck()
}

// reduceReplicas drops copies beyond what somebody asked for and what tasks
// that need them will use.
func (m *Machine) reduceReplicas() {
	for _, t := range slices.Backward(m.replicas.list) { // what is dropped leaves the list
		for n := t.has.len() - m.wanted(t); n > 0; n-- {
			w := m.heaviest(t)
			if w == nil {
				break
			}
			m.drop(t, w)
		}
	}
}

// fewWaiters is the number of waiting tasks from which on each keeps a copy,
// whatever worker it is with: telling them apart takes too long.
const fewWaiters = 20

// wanted is how many copies of a result are to stay: those that were asked
// for, or one for each worker with a task that needs it and for each such task
// that has no worker yet.
func (m *Machine) wanted(t *task) int {
	n := int(t.waiters)
	if n <= 1 || n >= fewWaiters {
		return max(t.pinned(), n)
	}
	n = 0
	var seen [fewWaiters]*worker
	for i := range t.dependents {
		d := t.dependents[i].to
		if !d.state.active() || d.on != nil && slices.Contains(seen[:n], d.on) {
			continue
		}
		seen[n] = d.on // nil: of no worker, and counted each
		n++
	}
	return max(t.pinned(), n)
}
