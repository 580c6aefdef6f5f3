package simulate

import (
	"time"

	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/worker/workertest"
)

// mood is what a world has much of. Most have little of anything; some are made so
// that rare histories are frequent in them.
type mood struct {
	skewed   bool // long tasks pile up at the first workers: much is stolen
	restless bool // clients let go of tasks that run and submit them again at once
	stormy   bool // many tasks leave their slots, come back, or are sent elsewhere
	heavy    bool // the processes of workers grow and shrink: they pause and collect
	frail    bool // many results cannot be sent, or cannot be made again, or are actors
}

// newMood makes up the mood of a world.
func (w *World) newMood() mood {
	return mood{
		skewed: w.chance(15), restless: w.chance(15), stormy: w.chance(10), heavy: w.chance(20), frail: w.chance(15),
	}
}

// firstStart is when the workers of the beginning start: in a skewed world most
// come when the first ones have all the work.
func (w *World) firstStart(i int) time.Duration {
	if w.mood.skewed && i > 0 {
		return w.between(500*time.Millisecond, w.Span/2+time.Second)
	}
	return w.between(0, 200*time.Millisecond)
}

// pulseTime is how often timers of the scheduler run.
func (w *World) pulseTime() time.Duration {
	if w.mood.skewed {
		return 40 * time.Millisecond
	}
	return 250 * time.Millisecond
}

// moody changes a program made up at random.
func (w *World) moody(p *program) {
	if w.mood.skewed && w.chance(50) {
		p.takes = w.between(50*time.Millisecond, 400*time.Millisecond)
	}
	if w.mood.stormy && p.kind == works {
		switch n := w.rng.IntN(100); {
		case n < 15:
			p.kind = secedes
		case n < 35:
			p.kind = rejoins
		case n < 50:
			p.kind, p.times = reschedules, 1+w.rng.IntN(4)
		}
	}
	if w.mood.frail && p.kind == works && w.chance(10) {
		p.kind, p.times = spoils, 1
	}
}

// nag has a client let go of a task that was not done yet, and submit it again
// at once, or a moment later: reports of the first run are still on their way.
func (c *client) nag() {
	es := c.pick(1)
	if len(es) == 0 || es[0].status != pending || es[0].d.data {
		return
	}
	d := es[0].d
	c.release(es)
	again := func() { c.submit(lineage(d), []*def{d}, "") }
	if c.w.chance(50) {
		again()
		return
	}
	c.w.after(c.w.between(0, 5*time.Millisecond), func() { c.post(again) })
}

// feel tells the machine how large the worker's process is, and does what
// follows from it.
func (n *worker) feel(collected time.Duration) {
	if n.dead {
		return
	}
	managed := n.m.Stats().Managed
	size := managed + int64(n.w.rng.IntN(int(heavyLimit)))
	if n.w.calm {
		size = 0
	}
	n.apply(&workertest.MemorySample{Now: n.w.now, Process: size, Status: n.status, Collected: collected})
}

// heavyLimit is how many bytes a process has when it is full.
const heavyLimit = int64(100_000)

func heavyLimits() workertest.MemoryLimits {
	return workertest.MemoryLimits{
		Target: heavyLimit / 2, Spill: heavyLimit * 7 / 10, Floor: heavyLimit * 6 / 10,
		Pause: heavyLimit * 8 / 10, Resume: heavyLimit * 8 / 10,
	}
}

// obey does what the watch over memory asks for.
func (n *worker) obey(o workertest.MemoryOrders) {
	if o.Status != "" && (n.status == "running" || n.status == "paused") {
		n.setStatus(o.Status)
	}
	if o.Collect {
		took := n.w.between(time.Millisecond, 30*time.Millisecond)
		n.w.after(took, func() { n.post(func() { n.feel(took) }) })
	}
}

// watchMemory looks at the process from time to time.
func (n *worker) watchMemory() {
	if n.dead {
		return
	}
	n.post(func() { n.feel(0) })
	n.w.routinely(n.w.between(20*time.Millisecond, 200*time.Millisecond), n.watchMemory)
}

// cannotBeSent is the failure of a task whose input is such a value.
type cannotBeSent struct{ name string }

func (e cannotBeSent) Error() string { return "cannot be sent: " + e.name }

// unsendable items are told as such.
func (d *def) item(i workertest.Item) workertest.Item {
	if d.unsendable {
		return workertest.Item{Key: i.Key, Err: cannotBeSent{d.name}}
	}
	return i
}

// told is the value that a client takes from an item; one that cannot be sent is
// told to it as such, which is as good.
func told(i workertest.Item, d *def) any {
	if i.Err != nil && d.unsendable {
		return d.value
	}
	return i.Data
}

// checkTurns verifies that tasks start in the order of their priority: none of
// those that still wait for a slot comes before one that was just handed over.
func (n *worker) checkTurns(begun []*workertest.Task) {
	if len(begun) == 0 || !n.w.chance(10) {
		return
	}
	n.m.Each(func(r *workertest.Task) {
		if r.State != workertest.Ready {
			return
		}
		for _, t := range begun {
			if t.State == workertest.Executing && len(n.claims[t.RunID]) == 0 && better(n.orders[r.RunID], n.orders[t.RunID]) {
				n.w.fail(t.Key, "%s begins %v while %v waits, which comes before it", n.name, t.Key, r.Key)
			}
		}
	})
}

// better says that a task of the first priority must run before one of the other.
func better(a, b []float64) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// noteOrder remembers the priority of a run that the scheduler gives the worker.
func (n *worker) noteOrder(m *wire.ComputeTask) {
	n.orders[m.RunID], n.claims[m.RunID] = m.Priority, m.ResourceRestrictions
}
