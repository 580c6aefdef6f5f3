package gdask

import (
	"context"
	"fmt"

	"github.com/gdask/gdask/core/client"
)

// Variable is a value that clients and tasks share by its name, also with
// Python's Variable. It holds a value, or a future when T is a *Future, and stays
// until it is deleted.
type Variable[T any] struct {
	c *Client
	v *client.Variable
}

// NewVariable is the variable of a name, "" for a new one.
func NewVariable[T any](c *Client, name string) *Variable[T] {
	return &Variable[T]{c, c.core.Variable(name)}
}

// Name is the variable's name.
func (v *Variable[T]) Name() string { return v.v.Name() }

// Set sets the variable. The value must not be changed afterwards.
func (v *Variable[T]) Set(ctx context.Context, value T) error {
	e, err := entryOf(value)
	if err == nil {
		err = v.v.Set(ctx, e)
	}
	if err != nil {
		return fmt.Errorf("gdask: set variable %s: %w", v.Name(), err)
	}
	return nil
}

// SetFuture sets the variable to a future; Get waits for its result.
func (v *Variable[T]) SetFuture(ctx context.Context, f *Future[T]) error {
	if err := v.v.Set(ctx, client.Entry{Future: f.f}); err != nil {
		return fmt.Errorf("gdask: set variable %s to %s: %w", v.Name(), f.Key(), err)
	}
	return nil
}

// Get is the variable's value. It waits until there is one or ctx ends; when it
// is a future and T is no *Future, also for the result.
func (v *Variable[T]) Get(ctx context.Context) (T, error) {
	e, err := v.v.Get(ctx)
	if err != nil {
		var zero T
		return zero, fmt.Errorf("gdask: get variable %s: %w", v.Name(), err)
	}
	return valueOf[T](ctx, v.c, e, "value of variable "+v.Name())
}

// Delete unsets the variable for all.
func (v *Variable[T]) Delete() error { return v.v.Delete() }
