package scheduler

import (
	"fmt"

	"github.com/gdask/gdask/sdk/wire"
)

// runSpec gives a client the run spec of a task, to run it there.
func (c *call) runSpec() (any, error) {
	k, _, err := wire.ParseKey(c.raw("key"))
	if err != nil {
		return nil, fmt.Errorf("operation get_runspec: field key: %w", err)
	}
	var spec wire.Opaque
	var known bool
	if err := c.s.loop.do(c.ctx, func() { spec, known = c.s.loop.m.Spec(k) }); err != nil {
		return nil, err
	}
	if !known {
		return nil, asPython("KeyError", "no task %s is known here; keep its future while it is looked at", k)
	}
	if spec.Ref == nil || c.conn.ByReference() {
		return spec, nil
	}
	if call, ok := spec.Ref.(interface{ Encode() (wire.Opaque, error) }); ok {
		return call.Encode()
	}
	return nil, fmt.Errorf("a run spec of type %T cannot leave the process of its client", spec.Ref)
}

// errorCause is the key of the task whose failure is that of some key.
func (c *call) errorCause() (any, error) {
	keys, err := c.keys("keys")
	if err != nil {
		return nil, err
	}
	var blame wire.Key
	err = c.s.loop.do(c.ctx, func() { blame = c.s.loop.m.Blame(keys) })
	if err != nil || blame == "" {
		return nil, err
	}
	return &tree{blame}, nil
}
