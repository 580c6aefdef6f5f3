package gdask

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// Future stands for the result of a task, an R. It may be passed to other
// functions as an argument before it is done.
//
// Call Release when the result is not needed any more: the cluster keeps it
// until then. Futures that were forgotten are released when the garbage
// collector finds them; those of one Map in groups of 64. A future whose variable is
// not used any more counts as forgotten: use it, or runtime.KeepAlive, for as long as
// the cluster is to keep its result.
type Future[R any] struct {
	c   *Client
	f   *client.Future
	own *Future[R] // what this one is a copy of, so that it is not released
}

// AnyFuture is a future of any type.
type AnyFuture interface {
	task.Reference
	// Key names the task.
	Key() string
	// Status is what is known now.
	Status() Status
	// Done says that the task finished, failed or was cancelled.
	Done() bool
	// Exception waits and returns why there is no result, nil when there is one.
	Exception(ctx context.Context) error
	// Release gives the result up.
	Release()
	core() *client.Future
}

// AnyFutures is futures of one type for what takes futures of any:
//
//	err := c.Publish(ctx, "squares", gdask.AnyFutures(squares)...)
func AnyFutures[F AnyFuture](fs []F) []AnyFuture {
	out := make([]AnyFuture, len(fs))
	for i, f := range fs {
		out[i] = f
	}
	return out
}

// Status is what has become of a task.
type Status = client.Status

// Statuses of futures. Lost means that the result was in memory, was lost with
// its worker, and is being made again.
const (
	Pending   = client.Pending
	Finished  = client.Finished
	Erred     = client.Erred
	Cancelled = client.Cancelled
	Lost      = client.Lost
)

// adopt gives wishes their type and the safety net.
func adopt[R any](c *Client, core []client.Future) []*Future[R] {
	slab := make([]Future[R], len(core))
	out := make([]*Future[R], len(core))
	for i := range core {
		slab[i] = Future[R]{c: c, f: &core[i]}
		out[i] = &slab[i]
	}
	if len(core) > 0 {
		runtime.AddCleanup(&slab[0], client.ReleaseAll, core)
	}
	return out
}

// Key names the task.
func (f *Future[R]) Key() string { return client.KeyText(f.f.Key()) }

// TaskKey is the key as it travels.
func (f *Future[R]) TaskKey() wire.Key { return f.f.Key() }

// TaskType is the type of the result.
func (f *Future[R]) TaskType() reflect.Type { return reflect.TypeFor[R]() }

// Status is what is known now, without asking.
func (f *Future[R]) Status() Status { return f.f.Status() }

// Done says that the task finished, failed or was cancelled.
func (f *Future[R]) Done() bool { return f.f.Done() }

// Result waits for the task and fetches its result from the worker that holds
// it. In one process (no worker processes) the result is the very value that
// the function returned: do not change what it points to. Errors are as in
// Exception.
func (f *Future[R]) Result(ctx context.Context) (R, error) {
	o, err := f.f.Result(ctx)
	runtime.KeepAlive(f)
	if err != nil {
		var zero R
		return zero, err
	}
	return decode[R](f.c, f.f.Key(), o)
}

// Exception waits and returns why there is no result: a [*TaskError], a
// [*KilledWorkerError], a [*CancelledError], a [*ConnectionError], or the end of
// ctx; nil when there is a result.
func (f *Future[R]) Exception(ctx context.Context) error {
	defer runtime.KeepAlive(f)
	return f.f.Exception(ctx)
}

// Cancelled says that the future was cancelled, by this client or another.
func (f *Future[R]) Cancelled() bool { return f.Status() == Cancelled }

// Type is the name of the result's type as its worker tells it; "" until then.
func (f *Future[R]) Type() string { return f.f.Typename() }

// Client is what the future was submitted by; nil for one that came as data.
func (f *Future[R]) Client() *Client { return f.c }

// Traceback waits and returns the worker's stack of a task that failed; "" when
// it did not, or has none. The error is the end of ctx.
func (f *Future[R]) Traceback(ctx context.Context) (string, error) {
	err := f.Exception(ctx)
	if te, ok := errors.AsType[*TaskError](err); ok {
		return te.Stack, nil
	}
	if ctx.Err() != nil {
		return "", err
	}
	return "", nil
}

// Retry runs a failed task again, and what made it fail.
func (f *Future[R]) Retry(ctx context.Context) error {
	return f.f.Client().Retry(ctx, []wire.Key{f.TaskKey()})
}

// Cancel drops the wish for the result. When nobody else wants it, the task does
// not run, or its context ends; all that depends on it is cancelled as well.
func (f *Future[R]) Cancel() { Cancel(f) }

// Release gives the result up: the cluster may forget it. Safe to call twice.
func (f *Future[R]) Release() { f.f.Release() }

// AddDoneCallback calls call once the future is done, whatever its end, at once
// when it is already. Calls of one client run one after the other, so they
// should not block.
func (f *Future[R]) AddDoneCallback(call func(*Future[R])) {
	f.f.AddDoneCallback(func() { call(f) })
}

// String is for example <Future: finished, type: int, key: add-5c...>.
func (f *Future[R]) String() string {
	typ := f.f.Typename()
	if typ != "" {
		typ = ", type: " + typ
	}
	return fmt.Sprintf("<Future: %s%s, key: %s>", f.Status(), typ, f.Key())
}

func (f *Future[R]) core() *client.Future { return f.f }

// decode is a value from the wire as an R of its own client.
func decode[R any](c *Client, k wire.Key, o wire.Opaque) (R, error) {
	if !holdsHandles(reflect.TypeFor[R]()) {
		return decodePlain[R](k, o)
	}
	return decodeBound(c, o, func(o wire.Opaque) (R, error) { return decodePlain[R](k, o) })
}

func decodePlain[R any](k wire.Key, o wire.Opaque) (R, error) {
	return decodeAs[R](o, func() string { return "result of " + client.KeyText(k) })
}
