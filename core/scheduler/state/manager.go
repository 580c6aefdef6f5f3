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

// manageEffort bounds what one step of the memory manager does: the results that
// it looks at, of which one whose copies change counts as much as dearest.
const (
	manageEffort = 100_000
	dearest      = 20
)

// manageInTime runs the memory manager when its time has come, or goes on with
// what a run has left.
func (m *Machine) manageInTime() {
	switch {
	case m.replicas.todo+m.pins.todo > 0:
		m.manageSome()
	case m.managing && m.now.Sub(m.managed) >= m.c.MemoryManager.Interval:
		m.manage()
	}
}

// manage runs all policies once: at most manageEffort now, the rest at the
// ticks that follow. That of retiring workers is in [Retire].
func (m *Machine) manage() {
	m.managed = m.now
	if !m.alone() {
		m.pins.todo = len(m.pins.list)
	}
	if m.c.MemoryManager.ReduceReplicas {
		m.replicas.todo = len(m.replicas.list)
	}
	m.manageSome()
	m.recheck()
}

func (m *Machine) manageSome() {
	effort := manageEffort
	for ; effort > 0; effort-- {
		t := m.pins.next()
		if t == nil {
			break
		}
		effort -= dearest * m.restore(t)
	}
	for ; effort > 0; effort-- {
		t := m.replicas.next()
		if t == nil {
			break
		}
		if n := t.has.len() - m.wanted(t); n > 0 {
			effort -= dearest + len(t.dependents)/dearest
			m.dropSome(t, n, anyWorker)
		}
	}
}

func anyWorker(*worker) bool { return true }

// restore makes up for copies that went with their workers, as far as somebody
// asked for as many; it returns how many it asks for.
func (m *Machine) restore(t *task) int {
	if t.state != Memory || t.has.len() >= t.pinned() {
		return 0
	}
	return m.copyTo(m.everybody(), t, m.enough(t)-t.keepers()-m.arriving(t), nil)
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
