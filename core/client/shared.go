package client

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gdask/gdask/sdk/wire"
)

// Dataset is what is published under a name: keys that the scheduler keeps, and
// data of the publisher's.
type Dataset struct {
	Keys []wire.Key
	Data wire.Opaque
}

// flushed makes the scheduler handle what was said on the stream before the
// request that carries the same uid.
func (c *Client) flushed() (uid string, err error) {
	uid = randomName("flush")
	return uid, c.saySomething("publish_flush_batched_send", "uid", uid)
}

// Publish keeps the results of keys, and data, under a name until Unpublish,
// whatever becomes of this client. Without override a name that is there is
// [ErrExists].
func (c *Client) Publish(ctx context.Context, name string, d Dataset, override bool) error {
	uid, err := c.flushed()
	if err != nil {
		return err
	}
	_, err = c.call(ctx, "publish_put", "name", name, "keys", d.Keys, "data", d.Data,
		"override", override, "client", c.id, "uid", uid)
	if err = refused(err); errors.Is(err, ErrNotFound) { // as Dask, whose KeyError means both
		return fmt.Errorf("client: dataset %s: %w; say override, or unpublish it first", name, ErrExists)
	}
	return err
}

// Unpublish gives a dataset up.
func (c *Client) Unpublish(ctx context.Context, name string) error {
	uid, err := c.flushed()
	if err != nil {
		return err
	}
	_, err = c.call(ctx, "publish_delete", "name", name, "client", c.id, "uid", uid)
	return err
}

// Datasets are the names of all datasets, sorted.
func (c *Client) Datasets(ctx context.Context) ([]string, error) {
	o, err := c.call(ctx, "publish_list")
	if err != nil {
		return nil, err
	}
	parts, err := split(o)
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = KeyText(wire.Key(p.Raw))
	}
	return names, err
}

// Dataset is what is published under a name, or [ErrNotFound].
func (c *Client) Dataset(ctx context.Context, name string) (Dataset, error) {
	o, err := c.call(ctx, "publish_get", "name", name)
	if err != nil {
		return Dataset{}, err
	}
	if o.IsNil() {
		return Dataset{}, fmt.Errorf("client: dataset %s: %w", name, ErrNotFound)
	}
	keys, _ := o.Field("keys")
	data, _ := o.Field("data")
	parts, err := split(keys)
	d := Dataset{Data: data, Keys: make([]wire.Key, len(parts))}
	for i := range parts {
		if d.Keys[i], _, err = wire.ParseKey(parts[i].Raw); err != nil {
			break
		}
	}
	return d, err
}

// SetMetadata sets the value at a path of names in the scheduler's tree.
func (c *Client) SetMetadata(ctx context.Context, value wire.Opaque, path ...string) error {
	_, err := c.call(ctx, "set_metadata", "keys", path, "value", value)
	return refused(err)
}

// Metadata is the value at a path of names, a map where the path leads further,
// or [ErrNotFound].
func (c *Client) Metadata(ctx context.Context, path ...string) (wire.Opaque, error) {
	o, err := c.call(ctx, "get_metadata", "keys", path)
	if err = refused(err); errors.Is(err, ErrNotFound) {
		return o, fmt.Errorf("client: metadata at %s: %w", strings.Join(path, "/"), err)
	}
	return o, err
}
