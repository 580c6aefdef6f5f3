package scheduler

import (
	"fmt"
	"maps"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
)

// setResources is what a worker calls whose resources have changed.
func (c *call) setResources() (any, error) {
	fields, err := splitMap(c.opaque("resources"))
	if err != nil {
		return nil, fmt.Errorf("operation %s: field resources: %w", c.op, err)
	}
	amounts := make(map[string]float64, len(fields))
	for name, v := range fields {
		var n wire.Number
		if _, err := n.UnmarshalMsg(v.Raw); err != nil || !(n >= 0) {
			return nil, asPython("ValueError", "set_resources: the amount of %q must be a number, 0 or more", name)
		}
		amounts[name] = float64(n)
	}
	name := c.str("worker")
	known := false
	err = c.s.loop.do(c.ctx, func() {
		for _, w := range c.s.loop.find([]string{name}) {
			known = true
			reg := *w.reg
			reg.Resources = wire.Resources{}
			maps.Copy(reg.Resources, w.reg.Resources)
			maps.Copy(reg.Resources, amounts)
			w.reg = &reg
			c.s.loop.apply(state.SetResources{Worker: w.address, Resources: amounts})
		}
	})
	if err == nil && !known {
		err = asPython("KeyError", "set_resources: no worker %q here", name)
	}
	return "OK", err
}

// setRestrictions changes which workers may run tasks: a map from keys to the
// names of workers or hosts, or to nil for all.
func (c *call) setRestrictions() (any, error) {
	e, err := c.restrictions()
	if err != nil {
		return nil, fmt.Errorf("operation %s: field worker: %w", c.op, err)
	}
	var refusal error
	err = c.s.loop.do(c.ctx, func() {
		for k := range e.Workers {
			if _, known := c.s.loop.m.State(k); !known {
				refusal = asPython("KeyError", "set_restrictions: the scheduler does not know the key %v; nothing was changed", k)
				return
			}
		}
		c.s.loop.apply(e)
	})
	if err == nil {
		err = refusal
	}
	return nil, err
}

func (c *call) restrictions() (e state.SetRestrictions, err error) {
	e = state.SetRestrictions{Workers: map[wire.Key][]string{}, StimulusID: c.str("stimulus_id")}
	n, b, err := msgp.ReadMapHeaderBytes(c.raw("worker"))
	if err != nil {
		return e, err
	}
	for range n {
		var k wire.Key
		var v []byte
		if k, b, err = wire.ParseKey(b); err != nil {
			return e, err
		}
		if v, b, err = nextValue(b); err != nil {
			return e, err
		}
		if e.Workers[k], err = names(wire.Opaque{Raw: v}); err != nil {
			return e, err
		}
	}
	return e, nil
}

// names are the texts of a list or set, or a single one; nil is none.
func names(o wire.Opaque) ([]string, error) {
	if o.IsNil() {
		return nil, nil
	}
	items, err := elements(o)
	out := make([]string, len(items))
	for i := range items {
		out[i] = textOf(items[i])
	}
	return out, err
}
