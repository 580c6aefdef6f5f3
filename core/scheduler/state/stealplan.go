package state

import (
	"cmp"
	"math"
	"slices"
)

const (
	// stealLatency is what a move costs beside the inputs' transfer, in seconds.
	stealLatency = 0.1
	// stealBusy is how much work makes a worker a victim where none is
	// saturated, in seconds, and stealTop how many such victims there are.
	stealBusy = 0.2
	stealTop  = 10
	// stealDepth is how many of a victim's tasks are looked at, stealLooks how
	// many of all victims', but stealLeast of each, and stealEffort how many pairs
	// of a task and a thief, each time.
	stealDepth  = 4096
	stealLooks  = 40_000
	stealLeast  = 16
	stealEffort = 100_000
)

// balance asks victims for tasks, those that are cheap to move first.
func (m *Machine) balance() {
	if !m.c.WorkStealing || len(m.list) < 2 || m.now.Sub(m.balanced) < m.c.WorkStealingInterval {
		return
	}
	m.balanced = m.now
	b := balancing{m: m, average: m.TotalOccupancy() / float64(m.threads), effort: stealEffort}
	b.findThieves()
	if len(b.thieves) == 0 || len(b.thieves) == len(m.list) {
		return
	}
	b.findVictims()
	for level := range stealLevels {
		for i := range b.victims {
			b.rob(&b.victims[i], level)
		}
	}
}

// balancing is one run of balance.
type balancing struct {
	m       *Machine
	average float64 // seconds of work per thread
	thieves []*worker
	victims []victim
	effort  int
	turn    int // round robin over thieves
}

// victim is a busy worker with what may be stolen from it, by level, the tasks
// that it would run last first.
type victim struct {
	*worker
	loot [stealLevels][]*task
}

func (b *balancing) findThieves() {
	for _, w := range b.m.list {
		if w.running() && b.unoccupied(w) {
			b.thieves = append(b.thieves, w)
		}
	}
}

func (b *balancing) unoccupied(w *worker) bool {
	return unoccupied(w, w.heavy(), w.count(), b.average)
}

// findVictims takes the saturated workers, else the busiest. Paused ones start
// nothing, so that all of theirs may go.
func (b *balancing) findVictims() {
	var saturated, busy, paused []*worker
	for _, w := range b.m.list {
		switch {
		case w.status == statusPaused:
			if w.count() > 0 {
				paused = append(paused, w)
			}
		case b.unoccupied(w) || w.count() <= w.nthreads:
		case b.m.saturated(w, b.average):
			saturated = append(saturated, w)
		case w.heavy() > stealBusy:
			busy = append(busy, w)
		}
	}
	heaviest := func(a, b *worker) int { return cmp.Compare(b.heavy(), a.heavy()) }
	if len(saturated) == 0 {
		slices.SortStableFunc(busy, heaviest)
		saturated = busy[:min(len(busy), stealTop)]
	}
	all := slices.Concat(saturated, paused)
	slices.SortStableFunc(all, heaviest)
	for _, w := range all {
		b.victims = append(b.victims, victim{worker: w})
		b.collect(&b.victims[len(b.victims)-1], min(max(stealLooks/len(all), stealLeast), stealDepth))
	}
}

// collect looks at so many of the tasks that came last.
func (b *balancing) collect(v *victim, depth int) {
	ts := v.processing[max(0, len(v.processing)-depth):]
	for _, t := range ts {
		if l := b.m.stealLevel(t); l >= 0 {
			v.loot[l] = append(v.loot[l], t)
		}
	}
	for _, ts := range v.loot {
		slices.SortStableFunc(ts, func(a, b *task) int { return before(b, a) })
	}
}

// rob asks for a victim's tasks of one level, as long as a move gains time.
func (b *balancing) rob(v *victim, level int) {
	paused := v.status == statusPaused
	for _, t := range v.loot[level] {
		if len(b.thieves) == 0 || b.effort <= 0 || !paused && v.count() <= v.nthreads {
			return
		}
		thief := b.thief(t)
		if thief == nil {
			continue
		}
		compute := b.m.estimate(t)
		less, more := compute+b.m.transfer(t, v.worker), compute+b.m.transfer(t, thief)
		if !paused && thief.heavy()+more > v.heavy()-less/2 {
			continue
		}
		b.m.stolen.Requests[level]++
		b.m.stolen.Cost[level] += less
		b.m.request(t, thief, less, more)
		if !b.unoccupied(thief) {
			b.thieves = slices.DeleteFunc(b.thieves, func(w *worker) bool { return w == thief })
		}
	}
}

// thief is the idle worker that could start the task first; among those that
// the task prefers, when there is one.
func (b *balancing) thief(t *task) *worker {
	if t.limits.loose {
		if w := b.firstOf(t, true); w != nil {
			return w
		}
	}
	return b.firstOf(t, false)
}

// firstOf compares thieves: all of few, else a window that moves on and those
// with inputs of the task, and all when none of these may take it.
func (b *balancing) firstOf(t *task, preferred bool) *worker {
	c := comparison{b: b, t: t, preferred: preferred}
	if len(b.thieves) > fewOpen {
		b.turn++
		for i := range fewOpen {
			c.offer(b.thieves[(b.turn*fewOpen+i)%len(b.thieves)])
		}
		for i := range t.deps {
			has := &t.deps[i].to.has
			for j := range min(has.len(), fewOpen) {
				if w := has.at(j); w.running() && b.unoccupied(w) {
					c.offer(w)
				}
			}
		}
	}
	if c.best == nil {
		for _, w := range b.thieves {
			c.offer(w)
		}
	}
	return c.best
}

// comparison finds the thief that could start a task first.
type comparison struct {
	b         *balancing
	t         *task
	preferred bool
	best      *worker
	least     cost
}

func (c *comparison) offer(w *worker) {
	c.b.effort--
	if c.preferred && !c.t.limits.prefers(w) || !c.b.m.mayTake(w, c.t) {
		return
	}
	x := cost{start: w.heavy()/float64(w.nthreads) + c.b.m.transfer(c.t, w), bytes: w.nbytes}
	if c.best == nil || x.less(c.least) {
		c.best, c.least = w, x
	}
}

// stealLevels is the number of levels of what a move costs compared with the
// task itself.
const stealLevels = 15

// stealLevel is 0 for tasks without inputs, else higher the more their
// transfer takes in comparison with their run; -1: never stolen.
func (m *Machine) stealLevel(t *task) int {
	if t.flags&(actor|seceded|stealing) != 0 {
		return -1
	}
	if len(t.deps) == 0 {
		return 0
	}
	in := int64(0)
	for i := range t.deps {
		in += t.deps[i].to.size(m)
	}
	ratio := (float64(in)/m.bandwidth + stealLatency) / m.estimate(t)
	level := math.RoundToEven(math.Log2(ratio) + 6)
	if !(level < stealLevels) { // a run of no time at all is infinitely cheap
		return -1
	}
	return max(int(level), 1)
}

// transfer is how many seconds the inputs that a worker lacks take to it.
func (m *Machine) transfer(t *task, w *worker) float64 {
	missing := int64(0)
	for i := range t.deps {
		if d := t.deps[i].to; d.has.find(w) == nil {
			missing += d.size(m)
		}
	}
	return float64(missing) / m.bandwidth
}

// Stealing is what was asked for since the start, by level, and what of it is
// not answered yet.
type Stealing struct {
	Requests [stealLevels]int64
	Cost     [stealLevels]float64 // seconds of work
	InFlight int
}

// Stealing counts the requests for tasks.
func (m *Machine) Stealing() Stealing {
	s := m.stolen
	s.InFlight = len(m.steals)
	return s
}

// StealMultiplier is Dask's name of a level: the most that a move makes a task
// of it dearer.
func StealMultiplier(level int) float64 {
	if level == 0 {
		return 1
	}
	return 1 + math.Pow(2, float64(level-6))
}
