package state

import (
	"fmt"
	"math"

	"github.com/gdask/gdask/sdk/wire"
)

const (
	// fetchLatency is what one missing input costs beside its bytes, in seconds.
	fetchLatency = 1e-3
	// fewOpen is how many open workers are compared for one placement.
	fewOpen = 20
	// worthWaiting is how long the transfer of what a full worker holds must
	// last, in seconds, before a task is sent behind its backlog.
	worthWaiting = 10e-3
)

// cost is what placing a task on a worker costs: the wait for its resources, which
// may last, then the actors there, if it is to be one more, then seconds until it
// starts, then tasks a thread, then bytes held.
type cost struct {
	waits        bool
	actors       int
	start, share float64
	bytes        int64
}

func (a cost) less(b cost) bool {
	if a.waits != b.waits {
		return b.waits
	}
	if a.actors != b.actors {
		return a.actors < b.actors
	}
	if a.start != b.start {
		return a.start < b.start
	}
	if a.share != b.share {
		return a.share < b.share
	}
	return a.bytes < b.bytes
}

// choice compares workers for one task.
type choice struct {
	m            *Machine
	t            *task
	total        int64 // bytes of inputs
	best         *worker
	cost         cost
	open         bool // an open worker was seen
	tiny, prefer bool
}

// decide picks the worker that can start the task first: an open one, or a
// full one that holds so much of the input that its backlog is shorter than
// the transfer. Without any open worker it is nil.
func (m *Machine) decide(t *task) *worker {
	c := choice{m: m, t: t, tiny: m.mayGoAhead(t), prefer: t.limits.loose}
	if len(m.open[openSlots]) == 0 && !(c.tiny && len(m.open[openAhead]) > 0) {
		return nil
	}
	m.pick++
	c.holders()
	c.scan(m.open[openSlots])
	if !c.open && c.tiny {
		c.scan(m.open[openAhead])
	}
	if !c.open && c.prefer {
		c.prefer = false // none of the preferred ones: any
		c.scan(m.open[openSlots])
	}
	if !c.open {
		return nil
	}
	c.full()
	return c.best
}

// holders sums what each worker has of the inputs.
func (c *choice) holders() {
	for i := range c.t.deps {
		d := c.t.deps[i].to
		n := d.size(c.m)
		c.total += n
		for j := range d.has.len() {
			w := d.has.at(j)
			if w.picked != c.m.pick {
				w.picked, w.heldBytes, w.heldCount = c.m.pick, 0, 0
			}
			w.heldBytes += n
			w.heldCount++
		}
	}
}

// scan compares open workers: all of few, else a window that moves on, and the
// holders of inputs.
func (c *choice) scan(ws []*worker) {
	if len(ws) <= fewOpen || c.t.is(actor) || len(c.t.limits.workers) > 0 || len(c.t.limits.resources) > 0 {
		for _, w := range ws {
			c.offer(w)
		}
		return
	}
	c.m.turn++
	for i := range fewOpen {
		c.offer(ws[(c.m.turn*fewOpen+i)%len(ws)])
	}
	if !c.open { // a rare runtime, for instance
		for _, w := range ws {
			c.offer(w)
		}
	}
	c.eachHolder(func(w *worker) {
		if w.openIn >= 0 {
			c.offer(w)
		}
	})
}

func (c *choice) eachHolder(f func(*worker)) {
	for i := range c.t.deps {
		has := &c.t.deps[i].to.has
		for j := range min(has.len(), fewOpen) {
			f(has.at(j))
		}
	}
}

func (c *choice) offer(w *worker) {
	if !c.t.limits.allows(w) || c.prefer && !c.t.limits.prefers(w) || !c.m.takes(w, c.t, c.tiny) {
		return
	}
	c.open = true
	c.compare(w)
}

func (c *choice) compare(w *worker) {
	held, count := int64(0), 0
	if w.picked == c.m.pick {
		held, count = w.heldBytes, w.heldCount
	}
	n := float64(w.nthreads)
	x := cost{start: w.occupancy / n, share: float64(w.load()) / n, bytes: w.nbytes}
	if c.t.is(actor) {
		x.actors = w.actors
	}
	if len(c.t.limits.resources) > 0 {
		x.waits = !c.t.limits.fits(w)
	}
	if missing := len(c.t.deps) - count; missing > 0 {
		x.start += float64(c.total-held)/c.m.bandwidth + fetchLatency*float64(min(missing, 10))
	}
	if c.best == nil || x.less(c.cost) {
		c.best, c.cost = w, x
	}
}

// full lets holders without a free slot compete when much data is at stake.
func (c *choice) full() {
	if float64(c.total)/c.m.bandwidth < worthWaiting || c.t.is(actor) {
		return
	}
	c.eachHolder(func(w *worker) {
		if w.running() && w.load() >= w.slots && w.load() < 2*w.slots+2 && c.t.limits.allows(w) &&
			float64(w.heldBytes)/c.m.bandwidth >= worthWaiting {
			c.compare(w)
		}
	})
}

// takes says whether an allowed worker has room for one more task.
func (m *Machine) takes(w *worker, t *task, tiny bool) bool {
	if !t.limits.spare(w) {
		return false
	}
	n := w.load()
	return n < w.slots || tiny && m.fitsAhead(w, t, n)
}

// estimate is how many seconds the task probably runs.
func (m *Machine) estimate(t *task) float64 {
	if p := t.prefix; p.samples > 0 {
		return p.duration
	}
	return t.prefix.guess(m.c.UnknownTaskDuration)
}

// assign sends a task to a worker.
func (m *Machine) assign(t *task, w *worker) {
	if t.state == Queued || t.state == NoWorker {
		m.unpark(t)
	}
	expected, in := m.demand(t, w)
	if limit := w.reg.MemoryLimit; limit > 0 && in > limit {
		m.fail(t, m.tooLarge(t, w, in))
		m.enterState(t, Released)
		m.recommend(t, Erred)
		return
	}
	m.enterState(t, Processing)
	m.hand(t, w, expected)
}

// demand is how many seconds a task probably takes on a worker, with the
// transfer of the inputs, and the bytes of all inputs.
func (m *Machine) demand(t *task, w *worker) (expected float64, in int64) {
	expected = m.estimate(t)
	for i := range t.deps {
		d := t.deps[i].to
		in += d.size(m)
		if d.has.find(w) == nil {
			expected += float64(d.size(m)) / m.bandwidth
		}
	}
	return expected, in
}

// hand makes a task a worker's and tells it.
func (m *Machine) hand(t *task, w *worker, expected float64) {
	m.runs++
	t.runID = m.runs
	m.enter(t, w, expected)
	m.toWorker(w, m.compute(t))
}

// computeTask is a message with its priority in one piece of memory.
type computeTask struct {
	wire.ComputeTask
	priority [3]float64
}

func (m *Machine) compute(t *task) *wire.ComputeTask {
	b := &computeTask{priority: t.priority}
	c := &b.ComputeTask
	c.Key, c.RunID, c.Priority, c.StimulusID = t.key, t.runID, b.priority[:], m.stimulus
	c.RunSpec, c.Actor = t.spec, t.is(actor)
	if t.limits.runtime != pythonRuntime {
		c.Runtime = t.limits.runtime
	}
	c.ResourceRestrictions = t.limits.resources
	if x := t.more; x != nil {
		c.Annotations, c.Timeout = x.annotations, x.timeout
	}
	if n := len(t.deps); n > 0 {
		c.WhoHas = make(wire.KeyAddresses, n)
		c.Nbytes = make(wire.KeySizes, n)
		for i := range t.deps {
			d := t.deps[i].to
			c.WhoHas[i] = wire.KeyAddress{Key: d.key, Addresses: d.addresses()}
			c.Nbytes[i] = wire.KeySize{Key: d.key, Nbytes: d.size(m)}
		}
	}
	return c
}

func (m *Machine) tooLarge(t *task, w *worker, in int64) *cause {
	return builtinCause("MemoryError", t.key, fmt.Sprintf(
		"task %s needs %d bytes of inputs in one worker, but the memory limit of %s is %d bytes; "+
			"use smaller pieces or raise memory_limit", t.key, in, w.address, w.reg.MemoryLimit))
}

// tiny is how long a task may run, in seconds, to be sent ahead.
func (m *Machine) tiny() float64 { return m.c.PipelineDuration.Seconds() / 2 }

// aheadOf is how much of a thread's share of work ahead a task takes.
func (m *Machine) aheadOf(expected float64) float64 {
	return math.Min(expected, m.c.PipelineDuration.Seconds())
}

// mayGoAhead says whether tasks of this name are known to be tiny.
func (m *Machine) mayGoAhead(t *task) bool {
	p := t.prefix
	return m.c.PipelineDuration > 0 && p.samples > 0 && p.duration <= m.tiny()
}

// roomAhead says whether a worker may take tiny tasks beyond its slots.
func (m *Machine) roomAhead(w *worker) bool {
	n := float64(w.nthreads)
	return m.c.PipelineDuration > 0 && w.load() < w.nthreads*m.c.PipelineTasks &&
		w.ahead < n*m.c.PipelineDuration.Seconds()
}

// fitsAhead limits the tasks ahead by their work, their expected results, and
// by how many results of the name were seen, so that trust grows with them.
func (m *Machine) fitsAhead(w *worker, t *task, n int) bool {
	p := t.prefix
	return m.roomAhead(w) && n < w.slots+p.samples &&
		float64(n+1)*p.meanBytes <= float64(m.c.PipelineBytes) &&
		w.ahead+p.duration <= float64(w.nthreads)*m.c.PipelineDuration.Seconds()
}
