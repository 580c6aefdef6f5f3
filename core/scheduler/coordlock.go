package scheduler

import (
	"fmt"
	"time"

	"github.com/gdask/gdask/core/scheduler/coord"
	"github.com/gdask/gdask/sdk/wire"
)

// These are the requests of Dask's Event, Semaphore, Lock and MultiLock.

// withName makes an event from the field name.
func (c *call) withName(event func(coord.Caller, wire.Key) coord.Event) (func(coord.Caller) coord.Event, error) {
	name, err := c.coordName()
	return func(by coord.Caller) coord.Event { return event(by, name) }, err
}

func (c *call) flagSet() (any, error) {
	e, err := c.withName(func(by coord.Caller, n wire.Key) coord.Event { return coord.FlagSet{Caller: by, Name: n} })
	if err != nil {
		return nil, err
	}
	return c.done(e)
}

func (c *call) flagClear() (any, error) {
	e, err := c.withName(func(by coord.Caller, n wire.Key) coord.Event { return coord.FlagClear{Caller: by, Name: n} })
	if err != nil {
		return nil, err
	}
	return c.done(e)
}

func (c *call) flagWait() (any, error) {
	e, err := c.withName(func(by coord.Caller, n wire.Key) coord.Event { return coord.FlagWait{Caller: by, Name: n} })
	if err != nil {
		return nil, err
	}
	return c.granted(e)
}

func (c *call) flagIsSet() (any, error) {
	e, err := c.withName(func(by coord.Caller, n wire.Key) coord.Event { return coord.FlagIsSet{Caller: by, Name: n} })
	if err != nil {
		return nil, err
	}
	a, err := c.ask(asking{make: e, timeout: -1})
	return a.OK, err
}

func (c *call) semaphoreRegister() (any, error) {
	var absent time.Duration
	if c.talk.c.Peer().GDask > 0 {
		absent = c.s.set.LeaseTimeout
	}
	timeout := c.duration("lease_timeout", absent)
	e, err := c.withName(func(by coord.Caller, n wire.Key) coord.Event {
		return coord.SemaphoreRegister{Caller: by, Name: n, Max: int(c.float("max_leases", 0)), Timeout: timeout}
	})
	if err != nil {
		return nil, err
	}
	return c.done(e)
}

func (c *call) semaphoreAcquire() (any, error) {
	lease := c.str("lease_id")
	if lease == "" {
		return nil, asPython("ValueError", "semaphore_acquire: no lease_id; give one that nobody else has")
	}
	var release coord.SemaphoreRelease
	e, err := c.withName(func(by coord.Caller, n wire.Key) coord.Event {
		release = coord.SemaphoreRelease{Caller: coord.Caller{Owner: by.Owner}, Name: n, Lease: lease}
		return coord.SemaphoreAcquire{Caller: by, Name: n, Lease: lease}
	})
	if err != nil {
		return nil, err
	}
	got, err := c.granted(e)
	if got == true {
		c.undo = func() { c.s.later(release) }
	}
	return got, err
}

func (c *call) semaphoreRelease() (any, error) {
	e, err := c.withName(func(by coord.Caller, n wire.Key) coord.Event {
		return coord.SemaphoreRelease{Caller: by, Name: n, Lease: c.str("lease_id"), Strict: c.has("client")}
	})
	if err != nil {
		return nil, err
	}
	return c.done(e)
}

func (c *call) semaphoreRefresh() (any, error) {
	leases, err := c.texts("lease_ids")
	if err != nil {
		return nil, err
	}
	e, err := c.withName(func(by coord.Caller, n wire.Key) coord.Event {
		return coord.SemaphoreRefresh{Caller: by, Name: n, Leases: leases}
	})
	if err != nil {
		return nil, err
	}
	return c.done(e)
}

func (c *call) semaphoreValue() (any, error) {
	e, err := c.withName(func(by coord.Caller, n wire.Key) coord.Event { return coord.SemaphoreValue{Caller: by, Name: n} })
	if err != nil {
		return nil, err
	}
	a, err := c.ask(asking{make: e, timeout: -1})
	return a.N, err
}

func (c *call) semaphoreClose() (any, error) {
	e, err := c.withName(func(by coord.Caller, n wire.Key) coord.Event { return coord.SemaphoreClose{Caller: by, Name: n} })
	if err != nil {
		return nil, err
	}
	return c.done(e)
}

func (c *call) multiAcquire() (any, error) {
	items, err := c.items("locks")
	if err != nil {
		return nil, err
	}
	locks := make([]wire.Key, len(items))
	for i, o := range items {
		if locks[i], _, err = wire.ParseKey(o.Raw); err != nil {
			return nil, fmt.Errorf("multi_lock_acquire: locks: %w", err)
		}
	}
	e := coord.MultiAcquire{Locks: locks, ID: c.str("id"), Need: int(c.float("num_locks", float64(len(locks))))}
	got, err := c.granted(func(by coord.Caller) coord.Event {
		e.Caller = by
		return e
	})
	if got == true {
		c.undo = func() { c.s.later(coord.MultiRelease{Caller: coord.Caller{Owner: e.Owner}, ID: e.ID}) }
	}
	return got, err
}

func (c *call) multiRelease() (any, error) {
	return c.done(func(by coord.Caller) coord.Event { return coord.MultiRelease{Caller: by, ID: c.str("id")} })
}
