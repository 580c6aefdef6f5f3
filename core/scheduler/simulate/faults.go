package simulate

import "time"

// planFaults spreads faults over the time before the world calms down.
func (w *World) planFaults() {
	for range w.Chaos {
		w.routinely(w.between(0, w.Span), func() {
			if !w.calm {
				w.stats.Faults++
				w.fault()
			}
		})
	}
}

// fault is one thing that goes wrong, or that an operator does.
func (w *World) fault() {
	n := w.workers[w.rng.IntN(len(w.workers))]
	c := w.living(w.clients[w.rng.IntN(len(w.clients))])
	switch x := w.rng.IntN(100); {
	case x < 14:
		n.cutOff(w.chance(30))
	case x < 28 && !n.dead:
		n.kill(w.chance(30))
		w.start(w.between(0, 2*time.Second))
	case x < 42:
		n.freeze(w.frozen())
	case x < 52:
		n.post(func() { n.setStatus("paused") })
		w.after(w.between(0, 3*time.Second), func() {
			n.post(func() {
				if n.status == "paused" {
					n.setStatus("running")
				}
			})
		})
	case x < 58:
		w.start(0)
	case x < 68:
		w.sched.retire(n, w.chance(50))
	case x < 78:
		c.cutOff(w.chance(30))
	case x < 80:
		w.sched.replicate()
	case x < 84:
		c.sleep(w.frozen())
	case x < 89:
		w.replace(c)
	case x < 91 && w.chance(20):
		w.restart()
	case x < 97:
		w.sched.replicate()
	default:
		w.sched.restrict()
	}
}

// frozen is how long a node stands still: mostly less than its time to live.
func (w *World) frozen() time.Duration {
	if w.chance(25) {
		return w.between(5*time.Second, 20*time.Second)
	}
	return w.between(time.Millisecond, 3*time.Second)
}

// replace has a client die and another one start in its place.
func (w *World) replace(c *client) {
	if c.gone || c.host != nil {
		return
	}
	c.leave(w.chance(60))
	c.successor = w.connect(nil)
}

// sleep has a client stand still for a while.
func (c *client) sleep(d time.Duration) {
	if c.gone || c.asleep || c.host != nil {
		return
	}
	c.asleep = true
	c.w.after(d, c.wake)
}

func (c *client) wake() {
	if !c.asleep {
		return
	}
	c.asleep = false
	waiting := c.frozen
	c.frozen = nil
	for _, do := range waiting {
		c.post(do)
	}
}
