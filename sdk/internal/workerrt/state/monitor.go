package state

import "time"

// MemoryLimits are bytes at which something happens; 0 switches it off.
type MemoryLimits struct {
	// Target of values in memory: beyond it the least recently used go to disk.
	Target int64
	// Spill of the process: beyond it values go to disk until the process is
	// below Floor.
	Spill, Floor int64
	// Pause of the process: beyond it nothing is started until the process is
	// below Resume.
	Pause, Resume int64
}

// Pauses of the watch over memory.
const (
	collectShare = 20                     // a collection may take that part of the time
	collectPause = 500 * time.Millisecond // at least, between two collections
	warnEvery    = 5 * time.Minute
	firstBackOff = time.Second // after a write failed; doubled up to lastBackOff
	lastBackOff  = time.Minute
)

// monitor is what is known of the process's memory.
type monitor struct {
	now        time.Duration
	draining   bool          // beyond Spill, and not yet below Floor
	collecting bool          // a collection was ordered
	clean      bool          // nothing was written since the last collection
	nextGC     time.Duration // not before
	wide       bool          // the collector was given more room
	warned     bool
	nextWarn   time.Duration
	retryAt    time.Duration // writing failed: not before
	failures   int           // in a row
}

// MemorySample is a look at the memory of the process.
type MemorySample struct {
	Now     time.Duration // since any fixed moment
	Process int64         // bytes, or the worker's share of them
	Status  string        // of the worker
	// Collected says that a collection that was ordered took so long until just
	// now; 0: there was none.
	Collected time.Duration
}

// MemoryOrders are what a sample leads to.
type MemoryOrders struct {
	Collect bool   // collect garbage and give it back to the system, then take a sample
	Status  string // the worker is "paused" or "running" from now on; "" as before
	Warn    bool   // the process has too much memory, and no value could be written to help
	// Heap is "wide" when tasks use the memory beyond Spill, so that collecting
	// all the time would not help, and "narrow" when that is over.
	Heap string
}

func (m *Machine) sample(e *MemorySample) {
	g := &m.mem.monitor
	g.now = e.Now
	if e.Collected > 0 {
		g.collecting, g.clean = false, true
		g.nextGC = e.Now + max(collectShare*e.Collected, collectPause)
	}
	m.pauseOrResume(e)
	m.drain(e)
	m.makeRoom()
}

// pauseOrResume gives a collection a chance before it pauses.
func (m *Machine) pauseOrResume(e *MemorySample) {
	l := &m.cfg.Memory
	switch {
	case l.Pause <= 0:
	case e.Process > l.Pause:
		if ordered := m.collect(); e.Status == "running" && !ordered && !m.mem.collecting {
			m.out.Memory.Status = "paused"
		}
	case e.Status == "paused" && e.Process < l.Resume:
		m.out.Memory.Status = "running"
	case e.Status == "paused":
		m.collect() // garbage must not keep it
	}
}

// collect orders a collection unless there were enough of late.
func (m *Machine) collect() bool {
	g := &m.mem.monitor
	if g.collecting || g.now < g.nextGC {
		return false
	}
	g.collecting, m.out.Memory.Collect = true, true
	return true
}

// drain has values written because the process is too large: as many bytes as it
// is above the floor, then a collection shows what that helped, and so on.
func (m *Machine) drain(e *MemorySample) {
	g, l := &m.mem.monitor, &m.cfg.Memory
	g.draining = l.Spill > 0 && (e.Process > l.Spill || g.draining && e.Process > l.Floor)
	if g.wide && e.Process <= l.Floor {
		g.wide, m.out.Memory.Heap = false, "narrow"
	}
	if !g.draining || g.collecting || m.mem.leaving > 0 {
		return
	}
	if !g.clean && m.collect() {
		return
	}
	if !g.clean || !m.mayWrite() {
		return // until a collection is due, or the disk may have room again
	}
	g.clean = false
	if m.mem.tail == nil {
		m.nothingLeft()
		return
	}
	for need := e.Process - l.Floor; need > 0 && m.mem.tail != nil; {
		need -= max(m.mem.tail.Nbytes, 1)
		m.spill(m.mem.tail)
	}
}

func (m *Machine) nothingLeft() {
	g := &m.mem.monitor
	if !g.wide {
		g.wide, m.out.Memory.Heap = true, "wide"
	}
	if g.warned && g.now < g.nextWarn {
		return
	}
	g.warned, g.nextWarn = true, g.now+warnEvery
	m.out.Memory.Warn = true
}

// wrote notes that writing works.
func (m *Machine) wrote() { m.mem.failures, m.mem.clean = 0, false }

// backOff stops writing for a while: the disk is full, or as full as it may be.
func (m *Machine) backOff() {
	g := &m.mem.monitor
	if g.failures > 0 && g.now < g.retryAt {
		return // one of several that were under way
	}
	g.retryAt = g.now + min(firstBackOff<<min(g.failures, 10), lastBackOff)
	g.failures++
}

// mayWrite says that a value may be written; after a failure one at a time.
func (m *Machine) mayWrite() bool {
	g := &m.mem.monitor
	return g.failures == 0 || g.now >= g.retryAt && m.mem.leaving == 0
}
