package gdask

import (
	"context"
	"errors"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/wire"
)

// HasWhat are the keys of the results that workers hold, by address; without
// arguments, of all workers.
func (c *Client) HasWhat(ctx context.Context, workers ...string) (map[string][]string, error) {
	return c.keysOf(ctx, "has_what", workers)
}

// Processing are the keys of the tasks that workers run or are to run, by address;
// without arguments, of all workers.
func (c *Client) Processing(ctx context.Context, workers ...string) (map[string][]string, error) {
	return c.keysOf(ctx, "processing", workers)
}

func (c *Client) keysOf(ctx context.Context, op string, workers []string) (map[string][]string, error) {
	keys, err := c.core.KeysOf(ctx, op, workers)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]string, len(keys))
	for a, ks := range keys {
		out[a] = make([]string, len(ks))
		for i, k := range ks {
			out[a][i] = client.KeyText(k)
		}
	}
	return out, nil
}

// NThreads are the task slots of workers by address; without arguments, of all
// workers.
func (c *Client) NThreads(ctx context.Context, workers ...string) (map[string]int, error) {
	return c.core.NThreads(ctx, workers)
}

// NBytes are the sizes of futures' results in bytes, by key, as far as they are in
// memory.
func (c *Client) NBytes(ctx context.Context, fs ...AnyFuture) (map[string]int64, error) {
	if len(fs) == 0 {
		return nil, errors.New("gdask: NBytes got no futures; use NBytesByPrefix for all results")
	}
	keys := make([]wire.Key, len(fs))
	for i, f := range fs {
		keys[i] = f.TaskKey()
	}
	sizes, err := c.core.NBytes(ctx, keys)
	if err != nil {
		return nil, err
	}
	out := make(map[string]int64, len(sizes))
	for _, s := range sizes {
		out[client.KeyText(s.Key)] = s.Nbytes
	}
	return out, nil
}

// NBytesByPrefix adds the sizes in bytes of all results in memory up by the name of
// their function.
func (c *Client) NBytesByPrefix(ctx context.Context) (map[string]int64, error) {
	return c.core.NBytesByPrefix(ctx)
}
