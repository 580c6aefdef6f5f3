package scheduler

import (
	"fmt"

	"github.com/gdask/gdask/core/scheduler/state"
)

// workersToClose tells which workers a cluster can do without, for scaling down.
func (c *call) workersToClose() (any, error) {
	addresses, err := c.cheapest()
	if err != nil {
		return nil, err
	}
	out := []any{}
	attribute := "address"
	if c.has("attribute") {
		attribute = c.str("attribute")
	}
	if attribute != "address" && attribute != "name" && attribute != "host" {
		return nil, asPython("ValueError", "workers_to_close: attribute is %q; ask for address, name or host", attribute)
	}
	err = c.s.loop.do(c.ctx, func() {
		for _, w := range c.s.loop.find(addresses) {
			out = append(out, map[string]string{"address": w.address, "name": w.name, "host": hostOf(w.address)}[attribute])
		}
	})
	return &tree{out}, err
}

// cheapest are the addresses of the workers whose end costs least: n of them,
// or so many that target stay, or those that nobody needs.
func (c *call) cheapest() (addresses []string, err error) {
	if c.has("key") {
		return nil, asPython("ValueError", "%s: grouping by a function (key) is not supported; name the workers", c.op)
	}
	want := state.ToClose{N: -1, Minimum: int(c.float("minimum", 0)), MemoryRatio: c.float("memory_ratio", 0)}
	if want.Valid, err = c.validToClose(); err != nil {
		return nil, err
	}
	err = c.s.loop.do(c.ctx, func() {
		l := c.s.loop
		if c.has("n") {
			want.N = max(0, int(c.float("n", 0)))
		} else if c.has("target") {
			want.N = max(0, len(l.workers)-int(c.float("target", 0)))
		}
		addresses = append([]string{}, l.m.WorkersToClose(want)...)
	})
	if err != nil {
		return nil, fmt.Errorf("operation %s: %w", c.op, err)
	}
	return addresses, nil
}

// validToClose are the workers that the scheduler's plugins let go; nil when
// there are no plugins.
func (c *call) validToClose() ([]string, error) {
	if !c.s.hooks.any.Load() {
		return nil, nil
	}
	all, err := newGuest(c.s).Workers(c.ctx)
	if err != nil {
		return nil, err
	}
	return append([]string{}, c.s.downscaling(c.ctx, all)...), nil
}
