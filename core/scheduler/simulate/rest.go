package simulate

import (
	"fmt"
	"strings"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/worker/workertest"
)

// restBound is how long a calm world may take to come to rest: tasks that no
// worker may run wait for one that was lost for half a minute.
const restBound = 150 * time.Second

// calmDown ends the faults: all nodes go on, all connections come back, and a
// worker joins that can run whatever names no other one.
func (w *World) calmDown() {
	w.calm, w.bound = true, w.now+restBound
	for _, n := range w.workers {
		n.thaw()
		n.post(func() { n.setStatus("running") })
	}
	for _, c := range w.clients {
		c.wake()
		c.post(c.fetchAll)
	}
	n := w.start(0)
	n.resources, n.runtimes, n.python = map[string]float64{"GPU": 4, "MEM": 40}, []string{goRuntime, "rare"}, false
	n.m = workertest.New(workertest.Config{Address: n.address, NThreads: n.threads, Resources: n.resources, Seed: w.Seed})
}

// restNow looks whether all has come to rest, and ends the world in two steps:
// first the clients leave, then nothing may be left.
func (w *World) restNow() (over bool) {
	why := w.unrest()
	if why == "" {
		w.rested++
	} else {
		w.rested = 0
	}
	switch {
	case w.failed != nil:
		return true
	case w.rested >= 3 && !w.closing:
		w.closing, w.rested, w.bound = true, 0, w.now+restBound
		w.checkOutcomes()
		w.checkPlaces()
		for _, c := range w.clients {
			c.leave(false)
		}
	case w.rested >= 3:
		w.checkEmpty()
		return true
	case w.now > w.bound:
		w.fail(w.unrestKey(), "no rest %v after the last fault: %s", restBound, why)
		return true
	}
	return false
}

// unrest says why the world is not at rest, or "".
func (w *World) unrest() string {
	for _, c := range w.clients {
		if c.gone {
			continue
		}
		if c.link == nil {
			return c.id + " is not connected"
		}
		for _, e := range c.list {
			if !e.status.ended() || e.status == finished && !e.got && c.host == nil {
				return c.id + " waits for " + e.d.name
			}
		}
	}
	for _, n := range w.workers {
		switch s := n.m.Stats(); {
		case n.dead:
		case n.link == nil:
			return "worker " + n.name + " is not connected"
		case s.InFlight > 0 || len(n.exec.running)+len(n.exec.queue) > 0:
			return "worker " + n.name + " is busy"
		}
	}
	if n := len(w.sched.errands); n > 0 {
		return fmt.Sprintf("%d errands have no end", n)
	}
	if w.agenda.pressing > 0 {
		return "messages or tasks are under way"
	}
	return ""
}

func (w *World) unrestKey() wire.Key {
	why := w.unrest()
	if i := strings.LastIndex(why, " waits for "); i >= 0 {
		return wire.StrKey(why[i+len(" waits for "):])
	}
	for _, n := range w.workers {
		if !n.dead && len(n.exec.running) > 0 {
			return n.exec.running[0].d.key
		}
	}
	return ""
}

// checkOutcomes verifies that what has no value has none for a good reason.
func (w *World) checkOutcomes() {
	w.sched.check()
	for _, c := range w.clients {
		if c.gone {
			continue
		}
		for _, e := range c.list {
			switch {
			case e.status == erred && !e.d.mayFailSo(e.text):
				w.fail(e.d.key, "%v failed, which it must not: %s", e.d.key, e.text)
			case e.status == cancelled && !c.mayLose(e):
				w.fail(e.d.key, "%v was cancelled, which it must not be: %s", e.d.key, e.text)
			case e.status == finished && e.d.above(func(d *def) bool { return d.program.kind == fails }):
				w.fail(e.d.key, "%v has a value, though a function that it needs fails", e.d.key)
			}
		}
	}
}

// mayFailSo says whether the oracle knows the reason of a failure.
func (d *def) mayFailSo(text string) bool {
	if name, ok := strings.CutPrefix(text, "failure of "); ok {
		return d.above(func(x *def) bool {
			return x.name == name && (x.program.kind == fails || x.program.kind == flaky || x.program.kind == spoils)
		})
	}
	if name, ok := strings.CutPrefix(text, "cannot be sent: "); ok {
		return d.above(func(x *def) bool { return x.name == name && x.unsendable })
	}
	switch {
	case strings.HasPrefix(text, "KilledWorker: "):
		return d.above(func(x *def) bool { return strings.Contains(text, x.name) && x.deaths > 0 })
	case strings.Contains(text, "Worker holding Actor was lost"):
		return d.above(func(x *def) bool { return x.task.Actor })
	case strings.Contains(text, "no worker can run"):
		return d.above(func(x *def) bool { return x.mayFail })
	}
	return false
}

// mayLose says whether the task of a future may have been given up.
func (c *client) mayLose(e *entry) bool {
	return e.d.mayVanish || c.cuts > 0 || c.lapsed || e.d.lost()
}

// lost says that somebody gave it up, or something above it, for all.
func (d *def) lost() bool {
	return d.above(func(x *def) bool { return x.given || x.lent })
}

// checkPlaces verifies that the scheduler knows exactly what the workers have.
func (w *World) checkPlaces() {
	for _, n := range w.workers {
		if n.dead || w.sched.sessions[n.address] == nil {
			continue
		}
		known := map[wire.Key]bool{}
		for _, k := range w.sched.m.HasWhat(n.address) {
			known[k] = true
			if t := n.m.Task(k); t == nil || t.State != workertest.Memory {
				w.fail(k, "the scheduler believes that %s has %v", n.name, k)
			}
		}
		for _, h := range n.held() {
			if !known[h.Key] {
				w.fail(h.Key, "%s has %v, which the scheduler does not know", n.name, h.Key)
			}
		}
		if ks := w.sched.m.Processing(n.address); len(ks) > 0 {
			w.fail(ks[0], "%v is processing on %s, though all is at rest", ks[0], n.name)
		}
	}
}

// checkEmpty verifies that nothing is left when the last client is gone.
func (w *World) checkEmpty() {
	w.sched.check()
	if ks := w.sched.m.Keys(); len(ks) > 0 {
		w.fail(ks[0], "the scheduler keeps %d tasks that nobody wants: %v", len(ks), ks[0])
	}
	for _, n := range w.workers {
		if s := n.m.Stats(); !n.dead && s.Tasks+s.InFlight+s.Executing+s.OnDisk > 0 || !n.dead && s.Managed != 0 {
			w.fail(firstKey(n.m), "%s keeps what nobody wants: %+v", n.name, s)
		}
	}
	w.checkDeserted()
}

// checkDeserted verifies that nothing of workers is left either when all have gone.
func (w *World) checkDeserted() {
	for _, ses := range w.sched.list {
		w.sched.m.Apply(w.clock(), state.RemoveWorker{Address: ses.worker.address, Expected: true})
	}
	w.sched.m.Take()
	w.sched.check()
	if n := len(w.sched.m.Workers()); n > 0 {
		w.fail("", "the scheduler keeps %d workers that have gone", n)
	}
}

func firstKey(m *workertest.Machine) (k wire.Key) {
	m.Each(func(t *workertest.Task) {
		if k == "" || t.Key < k {
			k = t.Key
		}
	})
	return k
}
