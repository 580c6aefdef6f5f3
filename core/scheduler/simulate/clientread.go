package simulate

import (
	"slices"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// read handles a message of the scheduler and compares it with what was said
// before of the same key.
func (c *client) read(m wire.Msg) {
	switch m := m.(type) {
	case *wire.KeyInMemory:
		if e := c.move(m.Key, finished, "", pending, lost, finished); e != nil {
			e.workers = m.Workers
			c.fetchSoon(e)
		}
	case *wire.TaskErred:
		from := []status{pending, lost, erred}
		if e := c.table[m.Key]; e != nil && e.d.task.Actor {
			from = append(from, finished) // it ended with its worker
		}
		c.move(m.Key, erred, m.ExceptionText, from...)
	case *wire.TaskRetried:
		c.move(m.Key, pending, "", erred)
	case *wire.LostData:
		c.move(m.Key, lost, "", finished)
	case *wire.CancelledKeys:
		for _, k := range m.Keys {
			c.move(k, cancelled, m.Reason+": "+m.Msg, pending, finished, erred, lost)
		}
	case *wire.Restart:
		for _, e := range c.list {
			e.status = cancelled
			e.d.given = true
		}
	}
	c.maybeSettled()
}

// move brings a future to a status, which may follow on these only. A future
// that was cancelled stays so.
func (c *client) move(k wire.Key, to status, text string, from ...status) *entry {
	e := c.table[k]
	if e == nil || e.status == cancelled {
		return nil
	}
	if !e.blurred && !slices.Contains(from, e.status) {
		c.w.fail(k, "%s is told that %v is %v, though it was %v", c.id, k, to, e.status)
	}
	e.status, e.text = to, text
	if to != finished {
		e.got = false
	}
	return e
}

func (c *client) maybeSettled() {
	if c.settled == nil {
		return
	}
	for _, e := range c.list {
		if !e.status.ended() {
			return
		}
	}
	c.settled()
}

// fetchSoon fetches a result after a while: most programs look at some only.
func (c *client) fetchSoon(e *entry) {
	if e.got || e.fetching || c.host != nil || !c.w.calm && c.w.chance(60) {
		return
	}
	e.fetching = true
	c.w.after(c.w.between(0, 50*time.Millisecond), func() { c.post(func() { c.fetch(e) }) })
}

func (c *client) fetchAll() {
	for _, e := range c.list {
		if e.status == finished {
			c.fetchSoon(e)
		}
	}
}

func (c *client) fetch(e *entry) {
	if e.status != finished || c.table[e.d.key] != e {
		e.fetching = false
		return
	}
	address := ""
	if len(e.workers) > 0 {
		address = e.workers[c.w.rng.IntN(len(e.workers))]
	}
	c.w.ask(address, []wire.Key{e.d.key}, func(a answer) {
		c.post(func() {
			if len(a.items) == 1 {
				c.fetched(e, told(a.items[0], e.d))
				return
			}
			c.fetchByScheduler(e)
		})
	})
}

// fetchByScheduler is the way out when a worker did not have the value: the
// scheduler then learns of it.
func (c *client) fetchByScheduler(e *entry) {
	c.w.after(c.w.delay(), func() {
		c.w.sched.fetch(e.d.key, func(v any) {
			c.post(func() {
				if v != nil {
					c.fetched(e, v)
					return
				}
				c.w.after(c.w.between(0, 200*time.Millisecond), func() { c.post(func() { c.fetch(e) }) })
			})
		})
	})
}

func (c *client) fetched(e *entry, v any) {
	e.fetching = false
	if v != e.d.value {
		c.w.fail(e.d.key, "%s fetched a wrong value of %v", c.id, e.d.key)
	}
	if e.status == finished && !e.got {
		e.got = true
		c.w.stats.FinalValues++
	}
}
