package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// Item is one value to scatter.
type Item struct {
	Key      wire.Key
	Value    wire.Opaque
	Nbytes   int64
	Typename string
}

// Everywhere is the number of copies for all workers.
const Everywhere = math.MaxInt

// Scatter sends values straight to workers, each to so many of them in turn,
// tells the scheduler and returns futures of them. The scheduler keeps as many
// copies. An empty list of workers means all that run. ctx bounds the wait for a
// worker and the transfers.
func (c *Client) Scatter(ctx context.Context, items []Item, workers []string, copies int) ([]Future, error) {
	if len(items) == 0 {
		return nil, nil
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	targets, err := c.targets(ctx, workers)
	if err != nil {
		return nil, err
	}
	copies = min(max(copies, 1), len(targets))
	holders := c.deal(items, targets, copies)
	if err := c.deliver(ctx, items, holders); err != nil {
		return nil, err
	}
	keys := make([]wire.Key, len(items))
	for i := range items {
		keys[i] = items[i].Key
	}
	if err := c.announce(ctx, items, holders); err != nil {
		c.renounce(keys)
		return nil, err
	}
	futures := c.Desire(keys)
	if copies == 1 {
		return futures, nil
	}
	if err := c.Replicate(ctx, keys, Replication{N: copies, Workers: targets}); err != nil {
		for i := range futures {
			futures[i].Release()
		}
		return nil, err
	}
	return futures, nil
}

// renounce gives wishes up that the scheduler may have entered although its
// answer has not come.
func (c *Client) renounce(keys []wire.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range keys {
		if c.table.Get(k) == nil {
			c.released = append(c.released, k)
		}
	}
	c.flushReleases()
}

// targets are the running workers among the wanted ones, sorted; it waits for one.
func (c *Client) targets(ctx context.Context, wanted []string) ([]string, error) {
	for {
		v, err := c.ask(ctx, "ncores_running")
		if err != nil {
			return nil, err
		}
		running, _ := v.(map[string]any)
		have := slices.Sorted(maps.Keys(running))
		if wanted != nil {
			have = slices.DeleteFunc(have, func(a string) bool { return !slices.Contains(wanted, a) })
		}
		if len(have) > 0 {
			return have, nil
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return nil, fmt.Errorf("client: no worker to scatter to: %w", context.Cause(ctx))
		}
	}
}

// deal says which items, by index, each worker gets.
func (c *Client) deal(items []Item, targets []string, copies int) map[string][]int {
	c.mu.Lock()
	next := c.dealt
	c.dealt += len(items)
	c.mu.Unlock()
	holders := map[string][]int{}
	for i := range items {
		for n := range copies {
			a := targets[(next+i+n)%len(targets)]
			holders[a] = append(holders[a], i)
		}
	}
	return holders
}

// deliver sends to all workers side by side.
func (c *Client) deliver(ctx context.Context, items []Item, holders map[string][]int) error {
	errs := make(chan error, len(holders))
	for address, index := range holders {
		go func() { // waited for below
			m := &wire.UpdateData{Data: make(wire.DataMap, len(index))}
			for i, j := range index {
				m.Data[i] = wire.DataItem{Key: items[j].Key, Value: items[j].Value}
			}
			err := c.pool.Call(ctx, address, m, nil)
			if err != nil {
				err = fmt.Errorf("client: scatter to %s: %w", address, err)
			}
			errs <- err
		}()
	}
	var all []error
	for range holders {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// announce tells the scheduler who holds what.
func (c *Client) announce(ctx context.Context, items []Item, holders map[string][]int) error {
	who := make(wire.KeyAddresses, len(items))
	sizes := make(wire.KeySizes, len(items))
	for i, it := range items {
		who[i].Key = it.Key
		sizes[i] = wire.KeySize{Key: it.Key, Nbytes: it.Nbytes}
	}
	for address, index := range holders {
		for _, i := range index {
			who[i].Addresses = append(who[i].Addresses, address)
		}
	}
	_, err := c.call(ctx, "update_data", "who_has", who, "nbytes", sizes, "client", c.id)
	return err
}

// appendField encodes a field of a request.
func appendField(raw []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case []wire.Key:
		return appendKeys(raw, v), nil
	case wire.Key:
		return append(raw, v...), nil
	case msgp.Marshaler:
		return v.MarshalMsg(raw)
	}
	return msgp.AppendIntf(raw, v)
}
