package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// errMoved ends a fetch from a worker that, says the scheduler, does not hold
// the data any more.
var errMoved = errors.New("client: the scheduler says that the worker is gone")

// fetch asks one worker for keys, again while it is busy. An empty address asks
// the scheduler.
func (c *Client) fetch(ctx context.Context, address string, keys wire.KeySet) (wire.DataMap, error) {
	if address == "" {
		return c.gatherByScheduler(ctx, keys)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(c.set.WatchFetch, func() { c.watchFetch(ctx, cancel, address, keys[0]) })
	defer watch.Stop()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		reply, err := c.pool.GetData(ctx, address, &wire.GetData{Keys: keys, Who: c.id})
		if err != nil {
			return nil, errors.Join(err, context.Cause(ctx))
		}
		if reply.Status != "busy" {
			return reply.Data, nil
		}
		if err := sleep(ctx, pause/2+rand.N(pause)); err != nil {
			return nil, context.Cause(ctx)
		}
	}
}

// watchFetch ends a fetch that takes long once the scheduler does not list the
// worker any more: a frozen worker never answers. It ends with the fetch.
func (c *Client) watchFetch(ctx context.Context, cancel context.CancelCauseFunc, address string, key wire.Key) {
	for ctx.Err() == nil {
		holders, err := c.WhoHas(ctx, []wire.Key{key})
		if err == nil && !holds(holders, address) {
			cancel(errMoved)
			return
		}
		if sleep(ctx, c.set.WatchFetch) != nil {
			return
		}
	}
}

func holds(holders wire.KeyAddresses, address string) bool {
	for _, h := range holders {
		if slices.Contains(h.Addresses, address) {
			return true
		}
	}
	return false
}

// gatherByScheduler fetches by way of the scheduler.
func (c *Client) gatherByScheduler(ctx context.Context, keys []wire.Key) (wire.DataMap, error) {
	m, err := request("gather", "keys", keys)
	if err != nil {
		return nil, err
	}
	var reply wire.GetDataReply
	if err := c.pool.Call(ctx, c.address, m, &reply); err != nil {
		return nil, err
	}
	if reply.Status != "OK" {
		return reply.Data, fmt.Errorf("client: the scheduler has not all of %d results", len(keys))
	}
	return reply.Data, nil
}
