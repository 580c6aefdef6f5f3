package gdask

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"

	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// Annotate returns a view of the client whose submissions have these options
// beside their own; what a call says itself ([Function.With]) counts more.
// Views of views add up, and the innermost counts most; Annotations are merged
// name by name. Key is never taken over. Zero fields say nothing.
//
//	urgent := c.Annotate(gdask.Options{Priority: 10})
//	f := Work.Submit(urgent, 1)
func (c *Client) Annotate(o Options) *Client {
	view := *c
	o.Key, o.Keys, o.BatchSize = "", nil, 0
	merged := o
	if c.scope != nil {
		merged = c.scope.with(o)
	}
	view.scope = &merged
	return &view
}

// with is what inner options make of outer ones.
func (o Options) with(inner Options) Options {
	o.Key, o.Keys, o.BatchSize = inner.Key, inner.Keys, inner.BatchSize
	o.Impure = o.Impure || inner.Impure
	o.Priority = cmp.Or(inner.Priority, o.Priority)
	o.Retries = cmp.Or(inner.Retries, o.Retries)
	o.Timeout = cmp.Or(inner.Timeout, o.Timeout)
	o.AllowOtherWorkers = o.AllowOtherWorkers || inner.AllowOtherWorkers
	if inner.Workers != nil {
		o.Workers, o.AllowOtherWorkers = inner.Workers, inner.AllowOtherWorkers
	}
	if inner.Resources != nil {
		o.Resources = inner.Resources
	}
	if len(o.Annotations) > 0 && len(inner.Annotations) > 0 {
		o.Annotations = maps.Clone(o.Annotations)
		maps.Copy(o.Annotations, inner.Annotations)
	} else if len(inner.Annotations) > 0 {
		o.Annotations = inner.Annotations
	}
	return o
}

// plain says that the options ask for nothing that could be wrong.
func (o *Options) plain() bool {
	return o.Retries == 0 && o.Timeout == 0 && o.Priority == 0 && !o.AllowOtherWorkers &&
		len(o.Workers) == 0 && len(o.Resources) == 0
}

func (o *Options) check() error {
	if o.plain() {
		return nil
	}
	switch {
	case o.Retries < 0:
		return fmt.Errorf("gdask: Retries is %d; give 0 or more", o.Retries)
	case o.Timeout < 0:
		return fmt.Errorf("gdask: Timeout is %v; give a positive time, or 0 for none", o.Timeout)
	case math.IsNaN(o.Priority) || math.IsInf(o.Priority, 0):
		return fmt.Errorf("gdask: Priority is %v; give a finite number", o.Priority)
	case o.AllowOtherWorkers && len(o.Workers) == 0:
		return errors.New("gdask: AllowOtherWorkers is set without Workers; name the workers that are preferred")
	}
	for name, n := range o.Resources {
		if !(n >= 0) || math.IsInf(n, 0) {
			return fmt.Errorf("gdask: resource %s is %v; give a finite amount, 0 or more", name, n)
		}
	}
	return nil
}

// annotations are those of one task, encoded.
func (o *Options) annotations(key string) (wire.Opaque, error) {
	if len(o.Annotations) == 0 {
		return wire.Opaque{}, nil
	}
	values := make(map[string]any, len(o.Annotations))
	for name, v := range o.Annotations {
		if of, ok := v.(func(key string) any); ok {
			v = of(key)
		}
		values[name] = v
	}
	a, err := task.EncodeValue(values)
	if err != nil {
		return a, fmt.Errorf("gdask: annotations of %s: %w", key, err)
	}
	return a, nil
}
