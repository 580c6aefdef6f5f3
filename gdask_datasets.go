package gdask

import (
	"context"
	"fmt"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// Publish keeps the results of futures at the scheduler under a name, for all
// clients and whatever becomes of this one, until [Client.Unpublish]. A name that is
// there already is [ErrExists]. See [AnyFutures] for many of one type.
func (c *Client) Publish(ctx context.Context, name string, fs ...AnyFuture) error {
	return c.publish(ctx, name, fs, false)
}

// Republish is Publish that takes the place of what the name stood for.
func (c *Client) Republish(ctx context.Context, name string, fs ...AnyFuture) error {
	return c.publish(ctx, name, fs, true)
}

func (c *Client) publish(ctx context.Context, name string, fs []AnyFuture, override bool) error {
	d := client.Dataset{Keys: make([]wire.Key, len(fs))}
	texts := make([]string, len(fs))
	for i, f := range fs {
		if err := f.core().Unsent(); err != nil {
			return err
		}
		d.Keys[i], texts[i] = f.TaskKey(), f.Key()
	}
	var err error
	if d.Data, err = task.EncodeValue(texts); err != nil { // for Python: the names of the keys
		return err
	}
	if err := c.core.Publish(ctx, name, d, override); err != nil {
		return fmt.Errorf("gdask: publish %s: %w", name, err)
	}
	return nil
}

// Unpublish gives a dataset up; a name that is not there is no error.
func (c *Client) Unpublish(ctx context.Context, name string) error {
	return c.core.Unpublish(ctx, name)
}

// Datasets are the names of all that is published, sorted.
func (c *Client) Datasets(ctx context.Context) ([]string, error) { return c.core.Datasets(ctx) }

// Dataset are the futures that are published under a name, by Go or Python
// clients, or [ErrNotFound].
func Dataset[T any](ctx context.Context, c *Client, name string) ([]*Future[T], error) {
	d, err := c.core.Dataset(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("gdask: %w", err)
	}
	return adopt[T](c, c.core.Desire(d.Keys)), nil
}

// SetMetadata sets the value at a path of names in a tree that the scheduler
// keeps for all clients. A map becomes part of the tree.
func (c *Client) SetMetadata(ctx context.Context, value any, path ...string) error {
	o, err := task.EncodeValue(value)
	if err == nil {
		err = c.core.SetMetadata(ctx, o, path...)
	}
	if err != nil {
		return fmt.Errorf("gdask: set metadata at %q: %w", path, err)
	}
	return nil
}

// Metadata is the value at a path of names, a map where the path leads further,
// or [ErrNotFound].
func Metadata[T any](ctx context.Context, c *Client, path ...string) (T, error) {
	o, err := c.core.Metadata(ctx, path...)
	if err != nil {
		var zero T
		return zero, fmt.Errorf("gdask: %w", err)
	}
	return decodeAs[T](o, func() string { return fmt.Sprintf("metadata at %q", path) })
}
