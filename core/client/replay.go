package client

import (
	"context"
	"fmt"

	"github.com/gdask/gdask/sdk/wire"
)

// RunSpec is how the scheduler has a task run.
func (c *Client) RunSpec(ctx context.Context, k wire.Key) (wire.Opaque, error) {
	var o wire.Opaque
	m, err := request("get_runspec", "key", k)
	if err == nil {
		o, err = c.pool.CallRaw(ctx, c.address, m)
	}
	if err != nil {
		return o, fmt.Errorf("client: run spec of %s: %w", KeyText(k), err)
	}
	if v, ok := o.Ref.(wire.Opaque); ok {
		return v, nil
	}
	return o, nil
}

// ErrorCause is the task whose failure made one of the keys fail; "" when none
// of them did.
func (c *Client) ErrorCause(ctx context.Context, keys []wire.Key) (wire.Key, error) {
	o, err := c.call(ctx, "get_error_cause", "keys", keys)
	if err != nil || o.IsNil() {
		return "", err
	}
	k, _, err := wire.ParseKey(o.Raw)
	if err != nil {
		return "", fmt.Errorf("client: the scheduler's answer to get_error_cause: %w", err)
	}
	return k, nil
}
