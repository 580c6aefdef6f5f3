package client

import (
	"context"
	"fmt"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// Info is what the scheduler tells of its cluster.
type Info struct {
	Workers int   // that run
	Threads int   // task slots of all
	Memory  int64 // bytes that all may use; 0 when one has no limit
}

// Info is what the scheduler last told, without asking.
func (c *Client) Info() Info {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.info
}

// SchedulerInfo asks the scheduler about its cluster: what Dask calls the
// identity, as nested maps.
func (c *Client) SchedulerInfo(ctx context.Context) (map[string]any, error) {
	v, err := c.ask(ctx, "identity", "n_workers", -1)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("client: the scheduler's identity is a %T, want a map", v)
	}
	info := summary(m)
	c.mu.Lock()
	c.info = info
	c.mu.Unlock()
	return m, nil
}

// summary adds the running workers up.
func summary(identity map[string]any) Info {
	workers, _ := identity["workers"].(map[string]any)
	var info Info
	limited := true
	for _, w := range workers {
		m, _ := w.(map[string]any)
		if status, ok := m["status"].(string); ok && status != "running" {
			continue
		}
		info.Workers++
		info.Threads += int(whole(m["nthreads"]))
		limit := whole(m["memory_limit"])
		limited = limited && limit > 0
		info.Memory += limit
	}
	if !limited {
		info.Memory = 0
	}
	return info
}

func whole(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case uint64:
		return int64(min(v, 1<<62))
	case float64:
		return int64(v)
	}
	return 0
}

// WaitForWorkers returns when at least n workers run; it asks ten times a second.
func (c *Client) WaitForWorkers(ctx context.Context, n int) error {
	if n < 1 {
		return fmt.Errorf("client: cannot wait for %d workers; give 1 or more", n)
	}
	start := time.Now()
	for {
		_, err := c.SchedulerInfo(ctx)
		have := c.Info().Workers
		if err == nil && have >= n {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("only %d of %d workers arrived after %v: %w", have, n, time.Since(start).Round(time.Millisecond), context.Cause(ctx))
		}
	}
}

// WhoHas are the workers that hold keys.
func (c *Client) WhoHas(ctx context.Context, keys []wire.Key) (wire.KeyAddresses, error) {
	o, err := c.call(ctx, "who_has", "keys", keys)
	if err != nil {
		return nil, err
	}
	var holders wire.KeyAddresses
	if _, err := holders.UnmarshalMsg(o.Raw); err != nil {
		return nil, fmt.Errorf("client: the scheduler's answer to who_has: %w", err)
	}
	return holders, nil
}

// Retry runs the failed tasks of keys again, and what made them fail.
func (c *Client) Retry(ctx context.Context, keys []wire.Key) error {
	_, err := c.call(ctx, "retry", "keys", keys, "client", c.id)
	return err
}

// ask makes a request of the scheduler: an operation and its fields, name and
// value in turn. The answer is made of maps, slices and scalars.
func (c *Client) ask(ctx context.Context, op string, fields ...any) (any, error) {
	o, err := c.call(ctx, op, fields...)
	if err != nil {
		return nil, err
	}
	v, _, err := msgp.ReadIntfBytes(o.Raw)
	if err != nil {
		return nil, fmt.Errorf("client: the scheduler's answer to %s: %w", op, err)
	}
	return v, nil
}

func (c *Client) call(ctx context.Context, op string, fields ...any) (wire.Opaque, error) {
	if onlyOnce[op] {
		return c.callOnce(ctx, op, fields...)
	}
	return c.callBy(ctx, c.pool.CallRaw, op, fields...)
}

// callOnce is call for what does harm when it is done twice. When the connection
// ends before the answer it fails, and may have been done.
func (c *Client) callOnce(ctx context.Context, op string, fields ...any) (wire.Opaque, error) {
	return c.callBy(ctx, c.pool.CallOnce, op, fields...)
}

// onlyOnce are the requests that always are of that kind.
var onlyOnce = map[string]bool{"queue_put": true, "queue_create": true, "run_function": true}

func (c *Client) callBy(ctx context.Context, ask func(context.Context, string, wire.Msg) (wire.Opaque, error), op string, fields ...any) (wire.Opaque, error) {
	m, err := request(op, fields...)
	if err != nil {
		return wire.Opaque{}, err
	}
	o, err := ask(ctx, c.address, m)
	if err != nil {
		return o, fmt.Errorf("client: ask the scheduler for %s: %w", op, err)
	}
	return plain(o)
}

// request is a message that has no struct of its own.
func request(op string, fields ...any) (wire.Msg, error) {
	raw := msgp.AppendMapHeader(nil, uint32(1+len(fields)/2))
	raw = msgp.AppendString(msgp.AppendString(raw, "op"), op)
	for i := 0; i+1 < len(fields); i += 2 {
		name, _ := fields[i].(string)
		raw = msgp.AppendString(raw, name)
		var err error
		if raw, err = appendField(raw, fields[i+1]); err != nil {
			return nil, fmt.Errorf("client: field %s of %s: %w", name, op, err)
		}
	}
	return &wire.UnknownMsg{Name: op, Map: wire.Opaque{Raw: raw, Frames: framesOf(fields)}}, nil
}

// framesOf are the frames of the one field that may have some.
func framesOf(fields []any) [][]byte {
	for _, f := range fields {
		if o, ok := f.(wire.Opaque); ok && len(o.Frames) > 0 {
			return o.Frames
		}
	}
	return nil
}

func appendKeys(raw []byte, keys []wire.Key) []byte {
	raw = msgp.AppendArrayHeader(raw, uint32(len(keys)))
	for _, k := range keys {
		raw = append(raw, k...)
	}
	return raw
}

// plain encodes an answer that came by reference.
func plain(o wire.Opaque) (wire.Opaque, error) {
	if o.Ref == nil || o.Raw != nil {
		return o, nil
	}
	var err error
	switch v := o.Ref.(type) {
	case wire.Opaque:
		return v, nil
	case msgp.Marshaler:
		o, err = wire.BodyOpaque(v)
	default:
		o.Raw, err = msgp.AppendIntf(nil, v)
	}
	return o, err
}
