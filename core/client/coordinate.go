package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// Refusals of the scheduler that programs may want to tell apart.
var (
	// ErrNotFound: there is no queue, dataset or metadata of that name.
	ErrNotFound = errors.New("not found")
	// ErrExists: there is a dataset of that name already.
	ErrExists = errors.New("exists already")
)

// lateAnswer is how much longer than its deadline a request waits for the
// scheduler's word that the time is over: an answer that is under way is not lost.
const lateAnswer = time.Second

// classes are the errors behind Python's classes.
var classes = map[string]error{"KeyError": ErrNotFound, "TimeoutError": context.DeadlineExceeded}

// refused adds the error that the class of a remote exception stands for.
func refused(err error) error {
	remote, ok := errors.AsType[*wire.RemoteError](err)
	if !ok {
		return err
	}
	rest, builtin := strings.CutPrefix(remote.Exception.Text(), "cbuiltins\n")
	class, _, _ := strings.Cut(rest, "\n")
	if known := classes[class]; builtin && known != nil {
		return fmt.Errorf("%w: %w", known, err)
	}
	return err
}

// coordinate makes a request of a primitive. One that may wait does so until ctx
// ends: the scheduler is told the time that is left.
func (c *Client) coordinate(ctx context.Context, op string, wait bool, fields ...any) (wire.Opaque, error) {
	return c.inTime(ctx, wait, fields, func(ctx context.Context, fields []any) (wire.Opaque, error) { return c.call(ctx, op, fields...) })
}

// outOfTime is the error of a wait that ended without what was waited for.
func outOfTime(ctx context.Context, what string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("client: %s: %w", what, context.Cause(ctx))
	}
	return fmt.Errorf("client: %s: %w", what, context.DeadlineExceeded) // a moment before ctx
}

// granted is coordinate for requests that answer whether they were granted.
func (c *Client) granted(ctx context.Context, op string, wait bool, fields ...any) (bool, error) {
	o, err := c.coordinate(ctx, op, wait, fields...)
	if err != nil {
		return false, err
	}
	ok, _, err := msgp.ReadBoolBytes(o.Raw)
	return ok, err
}

// number is coordinate for requests that answer with a number.
func (c *Client) number(ctx context.Context, op string, fields ...any) (int, error) {
	o, err := c.coordinate(ctx, op, false, fields...)
	if err != nil {
		return 0, err
	}
	n, _, err := msgp.ReadIntBytes(o.Raw)
	return n, err
}

// saySomething queues a message that has no struct of its own for the scheduler.
func (c *Client) saySomething(op string, fields ...any) error {
	m, err := request(op, fields...)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	c.say(m)
	return nil
}

// randomName is a name that nobody else has.
func randomName(kind string) string { return kind + "-" + strings.ToLower(rand.Text()) }

// nameOr is name, or a random one when it is empty.
func nameOr(kind, name string) string {
	if name == "" {
		return randomName(kind)
	}
	return name
}
