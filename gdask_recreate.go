package gdask

import (
	"context"
	"fmt"
	"reflect"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// Recreate runs the task of the future once more, here in this process and with
// the results of its inputs, for instance under a debugger. The cluster is only
// asked for these; what the task returns is returned.
func (f *Future[R]) Recreate(ctx context.Context) (R, error) {
	var zero R
	v, err := f.c.recreate(ctx, f.TaskKey())
	if err != nil || v == nil {
		return zero, err
	}
	r, ok := v.(R)
	if !ok {
		return zero, fmt.Errorf("gdask: task %s returned a %T here, want %s", f.Key(), v, reflect.TypeFor[R]())
	}
	return r, nil
}

// RecreateError runs the task that made the future fail once more, here in this
// process: its own, or the one among its inputs that failed first. It returns
// the key of that task and how it failed; nil when it did not fail here.
func (f *Future[R]) RecreateError(ctx context.Context) (key string, err error) {
	if f.Exception(ctx) == nil {
		return "", fmt.Errorf("gdask: %s has not failed; there is no error to recreate", f.Key())
	}
	if err := f.core().Unsent(); err != nil {
		return "", fmt.Errorf("gdask: %s failed before it was sent: %w", f.Key(), err)
	}
	k, err := f.c.core.ErrorCause(ctx, []wire.Key{f.TaskKey()})
	if err != nil {
		return "", err
	}
	if k == "" {
		return "", fmt.Errorf("gdask: the scheduler does not know that %s failed; it may have been released", f.Key())
	}
	_, err = f.c.recreate(ctx, k)
	return client.KeyText(k), err
}

// recreate runs a task here.
func (c *Client) recreate(ctx context.Context, k wire.Key) (any, error) {
	spec, err := c.core.RunSpec(ctx, k)
	if err != nil {
		return nil, err
	}
	call, err := task.DecodeCall(spec)
	if err != nil {
		return nil, fmt.Errorf("gdask: task %s is no call of a Go function: %w", client.KeyText(k), err)
	}
	f, err := functions.Resolve(call)
	if err != nil {
		return nil, err
	}
	inputs, err := c.inputs(ctx, call)
	if err != nil {
		return nil, fmt.Errorf("gdask: inputs of %s: %w", client.KeyText(k), err)
	}
	args, err := f.Bind(call, func(k wire.Key, t reflect.Type) (any, error) { return task.DecodeValue(inputs[k], t) })
	if err != nil {
		return nil, err
	}
	return f.Invoke(ctx, args)
}

// inputs fetches what a call needs; what is not in memory is computed again.
func (c *Client) inputs(ctx context.Context, call *task.Call) (map[wire.Key]wire.Opaque, error) {
	keys := call.Dependencies(nil)
	core := c.core.Desire(keys)
	defer client.ReleaseAll(core)
	fs := make([]*client.Future, len(core))
	for i := range core {
		fs[i] = &core[i]
	}
	out, err := c.core.Gather(ctx, fs, true)
	if err != nil {
		return nil, err
	}
	values := make(map[wire.Key]wire.Opaque, len(out))
	for i := range out {
		values[keys[i]] = out[i].Value
	}
	return values, nil
}
