package state

import (
	"slices"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// The read-only questions of this file never change the machine. What they
// return belongs to the caller, except for opaque values, which are shared and
// must not be modified.

// TaskInfo is a snapshot of one task.
type TaskInfo struct {
	Key           wire.Key
	State         State
	Prefix, Group string
	Runtime       string
	Priority      [3]float64 // -user priority, generation, order; smaller first
	Dependencies  []wire.Key
	Dependents    []wire.Key
	WaitingOn     []wire.Key // inputs that are not in memory
	Waiters       []wire.Key // dependents that still need this result
	WhoWants      []string   // clients
	WhoHas        []string   // worker addresses
	Pinned        int        // copies that somebody asked for; 0: one
	ProcessingOn  string     // worker address; "" none
	RunID         int64      // of the latest assignment; 0 never assigned
	Nbytes        int64      // the configured default while unknown
	Type          wire.Opaque
	Typename      string
	Retries       int // left
	Suspicious    int // unexpected deaths of workers that ran it
	Workers       []string
	AllowOther    bool
	Resources     wire.Resources
	Actor         bool
	Annotations   wire.Opaque
	PureData      bool // scattered: it cannot be computed again
	LongRunning   bool // seceded from its worker's threads
	// Of an erred task: the task that failed, and how.
	Blame                        wire.Key
	Exception, Traceback         wire.Opaque
	ExceptionText, TracebackText string
	ErredOn                      []string
}

// WorkerInfo is a snapshot of one worker.
type WorkerInfo struct {
	AddWorker
	Since      time.Time // registration
	LastSeen   time.Time // latest event from it
	Metrics    wire.Metrics
	Processing int     // tasks assigned to it
	Seceded    int     // of these, long-running ones
	HasWhat    int     // results it holds
	Nbytes     int64   // of these results
	Occupancy  float64 // seconds of work assigned, over all threads
	Slots      int     // tasks it takes before the scheduler queues
	Used       map[string]float64
	Memory     MemoryUse
}

// ClientInfo is a snapshot of one client.
type ClientInfo struct {
	ID    string
	Wants int
	Since time.Time
}

// PrefixInfo counts the tasks of one name.
type PrefixInfo struct {
	Name         string
	Counts       Counts
	MeanDuration time.Duration // negative while unknown
	MaxDuration  time.Duration
	Finished     int64 // results since the start
	Suspicious   int64 // worker deaths blamed on it
	MeanNbytes   int64
	ComputeTotal time.Duration // sum over all results
	// TransferTotal is what fetching inputs took in all.
	TransferTotal time.Duration
	// Entered is how often tasks entered each state.
	Entered Counts
}

// GroupInfo counts the tasks of one collection.
type GroupInfo struct {
	Name, Prefix string
	Counts       Counts
	Nbytes       int64 // in memory
	Duration     time.Duration
	Start, Stop  float64 // Unix seconds of the workers' clocks; 0 not yet
}

// Counts is a number of tasks by state.
type Counts [nStates]int

// Total is the number of tasks that are not forgotten.
func (c *Counts) Total() (n int) {
	for _, x := range c[:Forgotten] {
		n += x
	}
	return n
}

// Counts are the tasks by state.
func (m *Machine) Counts() Counts { return m.counts }

// State is the state of a task; false when the key is unknown.
func (m *Machine) State(k wire.Key) (State, bool) {
	t := m.tasks.Get(k)
	if t == nil {
		return Forgotten, false
	}
	return t.state, true
}

// WhoHas tells where keys are held; nil asks for all keys in memory. Unknown
// keys and keys that are not in memory have no addresses.
func (m *Machine) WhoHas(keys []wire.Key) wire.KeyAddresses {
	if keys == nil {
		keys = make([]wire.Key, 0, m.counts[Memory])
		for t := range m.tasks.All() {
			if t.state == Memory {
				keys = append(keys, t.key)
			}
		}
		slices.Sort(keys)
	}
	r := make(wire.KeyAddresses, len(keys))
	for i, k := range keys {
		r[i].Key = k
		if t := m.tasks.Get(k); t != nil {
			r[i].Addresses = t.holders()
		}
	}
	return r
}

// HasWhat are the keys of the results that a worker holds.
func (m *Machine) HasWhat(address string) []wire.Key {
	if w := m.workers[address]; w != nil {
		return keysOf(w.has)
	}
	return nil
}

// Processing are the keys of the tasks assigned to a worker.
func (m *Machine) Processing(address string) []wire.Key {
	if w := m.workers[address]; w != nil {
		return keysOf(w.processing)
	}
	return nil
}

// NBytes are the sizes of results in memory; nil asks for all.
func (m *Machine) NBytes(keys []wire.Key) wire.KeySizes {
	var r wire.KeySizes
	if keys == nil {
		for t := range m.tasks.All() {
			if t.state == Memory {
				r = append(r, wire.KeySize{Key: t.key, Nbytes: t.size(m)})
			}
		}
		slices.SortFunc(r, func(a, b wire.KeySize) int { return compareKeys(a.Key, b.Key) })
		return r
	}
	for _, k := range keys {
		if t := m.tasks.Get(k); t != nil && t.state == Memory {
			r = append(r, wire.KeySize{Key: k, Nbytes: t.size(m)})
		}
	}
	return r
}

// NCores are the threads by worker address.
func (m *Machine) NCores() map[string]int {
	r := make(map[string]int, len(m.workers))
	for a, w := range m.workers {
		r[a] = w.nthreads
	}
	return r
}

// Keys are all known keys, sorted.
func (m *Machine) Keys() []wire.Key {
	r := m.UnsortedKeys()
	slices.Sort(r)
	return r
}

// UnsortedKeys are all known keys in no order, for who has the time to sort them.
func (m *Machine) UnsortedKeys() []wire.Key {
	r := make([]wire.Key, 0, m.tasks.Len())
	for t := range m.tasks.All() {
		r = append(r, t.key)
	}
	return r
}

// TotalOccupancy is the expected seconds of assigned work, all workers together.
func (m *Machine) TotalOccupancy() float64 {
	s := 0.0
	for _, w := range m.list {
		s += w.occupancy
	}
	return s
}

// Bandwidth is the learned mean of transfers between workers, bytes per second.
func (m *Machine) Bandwidth() float64 { return m.bandwidth }

// Transitions counts state changes since the start.
func (m *Machine) Transitions() uint64 { return m.log.total }

// Idle are the addresses of running workers without enough to do: fewer tasks
// than threads, or less than half the average share of work.
func (m *Machine) Idle() []string { return m.whichWorkers((*Machine).idle) }

// Saturated are the addresses of running workers with much more to do than others.
func (m *Machine) Saturated() []string { return m.whichWorkers((*Machine).saturated) }

func (m *Machine) whichWorkers(is func(*Machine, *worker, float64) bool) (r []string) {
	if m.threads == 0 {
		return nil
	}
	average := m.TotalOccupancy() / float64(m.threads)
	for _, w := range m.list {
		if w.running() && is(m, w, average) {
			r = append(r, w.address)
		}
	}
	return r
}

func (m *Machine) idle(w *worker, average float64) bool {
	return unoccupied(w, w.occupancy, w.load(), average)
}

// unoccupied is idle for a worker that would have tasks n that take slots.
func unoccupied(w *worker, occupancy float64, n int, average float64) bool {
	return n < w.nthreads || occupancy < float64(w.nthreads)*average/2
}

func (m *Machine) saturated(w *worker, average float64) bool {
	p, n := float64(w.load()), float64(w.nthreads)
	if p <= n {
		return false
	}
	pending := w.occupancy * (p - n) / (p * n)
	return pending > 0.4 && pending > 1.9*average
}

func keysOf(ts []*task) []wire.Key {
	r := make([]wire.Key, len(ts))
	for i, t := range ts {
		r[i] = t.key
	}
	return r
}
