package gdask

import (
	"context"
	"fmt"
	"reflect"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// ScatterOptions say where scattered values go.
type ScatterOptions struct {
	// Workers to choose from, by address; nil means all.
	Workers []string
	// Broadcast puts every value on every one of them, Copies on so many (0: one).
	// The copies stay as long as the futures.
	Broadcast bool
	Copies    int
	// NoHash gives every value a key of its own instead of one made from it.
	NoHash bool
}

// Scatter moves values to workers, in turn, and returns futures of them. Equal
// values get equal keys. Scattered values are lost with the last worker that
// holds them. ctx bounds the wait for a worker and the transfer.
func Scatter[T any](ctx context.Context, c *Client, values []T, o ScatterOptions) ([]*Future[T], error) {
	items := make([]client.Item, len(values))
	for i := range values {
		var err error
		if items[i], err = scatterItem(c, values[i], o.NoHash); err != nil {
			return nil, fmt.Errorf("gdask: scatter value %d: %w", i, err)
		}
	}
	if o.Copies < 0 {
		return nil, fmt.Errorf("gdask: scatter: Copies is %d; give 1 or more, or Broadcast", o.Copies)
	}
	if o.Broadcast {
		o.Copies = client.Everywhere
	}
	core, err := c.core.Scatter(ctx, items, o.Workers, o.Copies)
	if err != nil {
		return nil, err
	}
	return adopt[T](c, core), nil
}

func scatterItem[T any](c *Client, v T, noHash bool) (client.Item, error) {
	item := client.Item{Nbytes: task.Sizeof(v), Typename: reflect.TypeFor[T]().String()}
	suffix := token()
	if !noHash {
		var err error
		if suffix, err = (&task.Call{Name: item.Typename, Args: []task.Arg{{Value: v}}}).Hash(); err != nil {
			return item, fmt.Errorf("%w; or say NoHash", err)
		}
	}
	item.Key = wire.StrKey(item.Typename + "-" + suffix)
	if c.core.ByReference() {
		item.Value = wire.Opaque{Ref: v}
		return item, nil
	}
	var err error
	item.Value, err = task.EncodeValue(v)
	return item, err
}
