package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// take is coordinate for requests that take something: what was granted to a
// caller that has left meanwhile is given back.
func (c *Client) take(ctx context.Context, op string, fields ...any) (wire.Opaque, error) {
	if c.peer.GDask == 0 {
		return c.coordinate(ctx, op, true, fields...)
	}
	return c.inTime(ctx, true, append(fields, "confirm", true), func(ctx context.Context, fields []any) (wire.Opaque, error) {
		m, err := request(op, fields...)
		if err != nil {
			return wire.Opaque{}, err
		}
		o, err := c.pool.CallConfirmed(ctx, c.address, m)
		if err != nil {
			return o, fmt.Errorf("client: ask the scheduler for %s: %w", op, err)
		}
		return plain(o)
	})
}

// inTime makes the request of a primitive. The scheduler is told the time that is
// left to one that waits, and says itself when it is over.
func (c *Client) inTime(ctx context.Context, wait bool, fields []any, call func(context.Context, []any) (wire.Opaque, error)) (wire.Opaque, error) {
	if ctx.Err() != nil {
		return wire.Opaque{}, context.Cause(ctx)
	}
	fields = append(fields, "client", c.id)
	inner := ctx
	if deadline, ok := ctx.Deadline(); ok && wait {
		fields = append(fields, "timeout", max(time.Until(deadline), time.Millisecond).Seconds())
		var cancel context.CancelFunc
		inner, cancel = context.WithDeadline(context.WithoutCancel(ctx), deadline.Add(lateAnswer))
		defer cancel()
		stop := context.AfterFunc(ctx, func() {
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				cancel()
			}
		})
		defer stop()
	}
	o, err := call(inner, fields)
	switch {
	case err == nil:
		return o, nil
	case ctx.Err() != nil:
		return o, fmt.Errorf("%w (%w)", context.Cause(ctx), err)
	}
	return o, refused(err)
}
