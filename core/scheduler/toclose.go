package scheduler

import (
	"bytes"
	"fmt"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// workersToClose tells which workers a cluster can do without, for scaling down.
func (c *call) workersToClose() (any, error) {
	addresses, err := c.cheapest()
	if err != nil {
		return nil, err
	}
	attribute := "address"
	if c.has("attribute") {
		attribute = c.str("attribute")
	}
	if !isAttribute(attribute) {
		return nil, asPython("ValueError", "workers_to_close: attribute is %q; ask for address, name, host or nanny", attribute)
	}
	out := []any{}
	err = c.s.loop.do(c.ctx, func() {
		for _, w := range c.s.loop.find(addresses) {
			out = append(out, w.attribute(attribute))
		}
	})
	return &tree{out}, err
}

// attributes of workers that callers may ask for or group by.
var attributes = [...]string{"address", "name", "host", "nanny"}

func isAttribute(name string) bool {
	for _, a := range attributes {
		if a == name {
			return true
		}
	}
	return false
}

// attribute is one of a worker's attributes; a name that is a number stays one,
// as cluster managers expect.
func (w *workerPeer) attribute(name string) any {
	switch name {
	case "name":
		if n := w.reg.Name; !n.IsNil() {
			return &n
		}
		return w.name
	case "host":
		return hostOf(w.address)
	case "nanny":
		return w.nanny
	}
	return w.address
}

// cheapest are the addresses of the workers whose end costs least: n of them,
// or so many that target stay, or those that nobody needs.
func (c *call) cheapest() (addresses []string, err error) {
	want := state.ToClose{N: -1, Minimum: int(c.float("minimum", 0)), MemoryRatio: c.float("memory_ratio", 0)}
	if want.Valid, err = c.validToClose(); err != nil {
		return nil, err
	}
	if want.Group, err = c.grouping(); err != nil {
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

// grouping is how the field key groups workers: by an attribute, named as a text
// or by a pickled operator.attrgetter. Other functions cannot be called here.
func (c *call) grouping() (func(state.WorkerInfo) string, error) {
	if !c.has("key") {
		return nil, nil
	}
	name := attributeIn(c.opaque("key"))
	if name == "" {
		return nil, asPython("ValueError", "%s: key is no attribute of workers; give \"host\", \"name\", \"address\", \"nanny\" "+
			"or a pickled operator.attrgetter of one: other functions of Python cannot be called here", c.op)
	}
	l := c.s.loop
	return func(w state.WorkerInfo) string {
		p := l.workers[w.Address]
		if p == nil || name == "name" {
			return w.Name
		}
		text, _ := p.attribute(name).(string)
		return text
	}, nil
}

// attributeIn is the attribute that a text or a pickle names, or "".
func attributeIn(o wire.Opaque) string {
	text := textOf(o)
	if isAttribute(text) {
		return text
	}
	if !bytes.Contains([]byte(text), []byte("attrgetter")) {
		return ""
	}
	for _, a := range attributes { // a short text in a pickle: its instruction, its length, itself
		if bytes.Contains([]byte(text), append([]byte{0x8c, byte(len(a))}, a...)) {
			return a
		}
	}
	return ""
}

// adaptiveTarget tells how many workers the present work would take.
func (c *call) adaptiveTarget() (any, error) {
	n := 0
	duration := c.duration("target_duration", state.DefaultTargetDuration)
	err := c.s.loop.do(c.ctx, func() { n = c.s.loop.m.AdaptiveTarget(duration) })
	return n, err
}
