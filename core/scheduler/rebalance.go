package scheduler

import (
	"fmt"

	"github.com/gdask/gdask/core/scheduler/state"
)

// rebalance moves data from workers with little free memory to others. Keys
// that are not there or could not be moved are named in the answer, when the
// caller named keys.
func (c *call) rebalance() (any, error) {
	e := state.Rebalance{Timeout: c.duration("timeout", copyBound)}
	var err error
	if c.has("keys") {
		if e.Keys, err = c.keys("keys"); err != nil {
			return nil, err
		}
	}
	if e.Workers, err = c.addressesOf("workers"); err != nil {
		return nil, err
	}
	done, err := c.s.errand(c.ctx, func(id int64) state.Event { e.ID = id; return e })
	if err != nil {
		return nil, err
	}
	c.s.loop.post(func() {
		c.s.loop.event("all", eventFields("rebalance", "moved_keys", fmt.Sprint(done.Copied)))
	})
	if done.Status != state.ErrandOK && c.has("keys") {
		return partialFail(done), nil
	}
	return &tree{object{{"status", "OK"}}}, nil
}

// addressesOf are the workers that a field names, each of which must be there;
// nil when it names none.
func (c *call) addressesOf(name string) ([]string, error) {
	if !c.has(name) {
		return nil, nil
	}
	names, err := c.texts(name)
	if err != nil {
		return nil, err
	}
	addresses, unknown := []string{}, ""
	err = c.s.loop.do(c.ctx, func() {
		for _, n := range names {
			found := c.s.loop.find([]string{n})
			if len(found) == 0 {
				unknown = n
			}
			for _, w := range found {
				addresses = append(addresses, w.address)
			}
		}
	})
	if err == nil && unknown != "" {
		err = asPython("KeyError", "%s: no worker %q; see identity for those that there are", c.op, unknown)
	}
	return addresses, err
}
