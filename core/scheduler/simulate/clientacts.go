package simulate

import (
	"slices"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// submitSome submits a new graph, or one that somebody has submitted before.
func (c *client) submitSome() {
	c.post(func() {
		if c.gone {
			return
		}
		g := c.w.graph(c.usable())
		c.submit(g, c.wishes(g), "")
	})
}

// usable are tasks that a graph may refer to, because the client wants them.
func (c *client) usable() (r []*def) {
	for _, e := range c.list {
		if e.status != cancelled {
			r = append(r, e.d)
		}
	}
	return r
}

// wishes are some of the tasks: always the last one.
func (c *client) wishes(g []*def) []*def {
	n := c.w.rng.IntN(100)
	r := []*def{g[len(g)-1]}
	for _, d := range g[:len(g)-1] {
		if c.w.chance(n) {
			r = append(r, d)
		}
	}
	return r
}

// submit sends a graph; parent is the task that does so, or "".
func (c *client) submit(g, wishes []*def, parent wire.Key) {
	e := state.UpdateGraph{Client: c.id, Keys: keysOf(wishes), SubmittingTask: parent, FifoTimeout: 10 * time.Millisecond}
	for _, d := range g {
		e.Tasks = append(e.Tasks, d.task)
	}
	if c.w.chance(20) { // inputs need not come first
		c.w.rng.Shuffle(len(e.Tasks), func(i, j int) { e.Tasks[i], e.Tasks[j] = e.Tasks[j], e.Tasks[i] })
	}
	for _, d := range wishes {
		c.want(d)
	}
	c.say(e)
}

// want enters a future; one that was cancelled is a new one.
func (c *client) want(d *def) *entry {
	if old := c.table[d.key]; old != nil && old.status != cancelled {
		return old
	}
	_, before := c.table[d.key]
	e := &entry{d: d, blurred: before}
	c.drop(d.key)
	c.table[d.key] = e
	c.list = append(c.list, e)
	return e
}

// drop forgets a future, but not that there was one.
func (c *client) drop(k wire.Key) {
	c.list = slices.DeleteFunc(c.list, func(e *entry) bool { return e.d.key == k })
	if c.table[k] != nil {
		c.table[k] = nil
	}
}

// live has the client do something from time to time.
func (c *client) live() {
	if c.gone || c.w.calm {
		return
	}
	c.post(c.act)
	pause := c.w.between(5*time.Millisecond, 400*time.Millisecond)
	if c.w.mood.restless {
		pause /= 20
	}
	c.w.routinely(pause, c.live)
}

func (c *client) act() {
	if c.gone {
		return
	}
	if c.w.mood.restless && c.w.chance(70) {
		c.nag()
		return
	}
	switch n := c.w.rng.IntN(100); {
	case n < 35:
		c.release(c.pick(1 + c.w.rng.IntN(4)))
	case n < 39:
		c.cancel(c.pick(1 + c.w.rng.IntN(2)))
	case n < 47:
		c.retry()
	case n < 55:
		c.scatter()
	case n < 62:
		c.again()
	case n < 70:
		c.borrow()
	}
}

// pick are some futures.
func (c *client) pick(n int) (r []*entry) {
	for range min(n, len(c.list)) {
		if e := c.list[c.w.rng.IntN(len(c.list))]; !slices.Contains(r, e) {
			r = append(r, e)
		}
	}
	return r
}

func (c *client) release(es []*entry) {
	var keys []wire.Key
	for _, e := range es {
		keys = append(keys, e.d.key)
		c.drop(e.d.key)
	}
	if len(keys) > 0 {
		c.say(state.ClientReleasesKeys{Client: c.id, Keys: keys})
	}
}

func (c *client) cancel(es []*entry) {
	var keys []wire.Key
	for _, e := range es {
		if e.status != cancelled {
			keys = append(keys, e.d.key)
			e.d.given = true
		}
	}
	if len(keys) > 0 {
		c.say(state.CancelKeys{Client: c.id, Keys: keys, Force: c.w.chance(30), Reason: "cancelled"})
	}
}

// retry runs failed tasks again.
func (c *client) retry() {
	var keys []wire.Key
	for _, e := range c.list {
		if e.status == erred && c.w.chance(50) {
			keys = append(keys, e.d.key)
		}
	}
	if len(keys) > 0 {
		c.say(state.RetryKeys{Client: c.id, Keys: keys})
	}
}

// again submits a task of the client's past, with all that it needs.
func (c *client) again() {
	if n := len(c.w.oracle.list); n > 0 {
		d := c.w.oracle.list[c.w.rng.IntN(n)]
		if !d.data {
			c.submit(lineage(d), []*def{d}, "")
		}
	}
}

// borrow wants the task of another client.
func (c *client) borrow() {
	o := c.w.clients[c.w.rng.IntN(len(c.w.clients))]
	if o == c || o.gone || len(o.list) == 0 {
		return
	}
	e := o.list[c.w.rng.IntN(len(o.list))]
	if e.status == cancelled || c.table[e.d.key] != nil {
		return
	}
	mine := c.want(e.d)
	mine.blurred = true
	e.d.lent = true // the lender may let go before the wish arrives
	c.say(state.ClientDesiresKeys{Client: c.id, Keys: []wire.Key{e.d.key}})
}

// lineage is a task with all tasks above it, inputs first.
func lineage(d *def) (r []*def) {
	seen := map[*def]bool{}
	var visit func(*def)
	visit = func(x *def) {
		if seen[x] {
			return
		}
		seen[x] = true
		for _, in := range x.deps {
			visit(in)
		}
		if !x.data {
			r = append(r, x)
		}
	}
	visit(d)
	return r
}
