package gdask

import (
	"context"
	"fmt"
	"reflect"
	"runtime"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// Queue is a first-in first-out queue that clients and tasks share by its name,
// also with Python's Queue. Items are values, or futures when T is a *Future: the
// cluster keeps the results of futures that are in a queue.
//
// Values pass through the scheduler, so they should be small; scatter large ones
// and put their futures. They must not be changed after Put.
type Queue[T any] struct {
	c *Client
	q *client.Queue
}

// NewQueue takes part in the queue of a name, "" for a new one. The first request
// makes it at the scheduler. At most maxsize items fit; zero or less: no limit.
// Only the one who makes a queue decides on that.
func NewQueue[T any](c *Client, name string, maxsize int) *Queue[T] {
	return &Queue[T]{c, c.core.Queue(name, maxsize)}
}

// Name is the queue's name.
func (q *Queue[T]) Name() string { return q.q.Name() }

// Put appends an item. It waits for room until ctx ends.
func (q *Queue[T]) Put(ctx context.Context, v T) error {
	e, err := entryOf(v)
	if err == nil {
		err = q.q.Put(ctx, e)
	}
	if err != nil {
		return fmt.Errorf("gdask: put into queue %s: %w", q.Name(), err)
	}
	return nil
}

// PutFuture appends a future whose result is to be an item; Get waits for it.
func (q *Queue[T]) PutFuture(ctx context.Context, f *Future[T]) error {
	if err := q.q.Put(ctx, client.Entry{Future: f.f}); err != nil {
		return fmt.Errorf("gdask: put %s into queue %s: %w", f.Key(), q.Name(), err)
	}
	return nil
}

// Get takes the first item. It waits for one until ctx ends. When the item is a
// future and T is no *Future, it waits for the result as well.
func (q *Queue[T]) Get(ctx context.Context) (T, error) {
	e, err := q.q.Get(ctx)
	if err != nil {
		var zero T
		return zero, fmt.Errorf("gdask: get from queue %s: %w", q.Name(), err)
	}
	return valueOf[T](ctx, q.c, e, "item of queue "+q.Name())
}

// GetBatch takes n items, waiting for all of them; 0 takes what is there now.
func (q *Queue[T]) GetBatch(ctx context.Context, n int) ([]T, error) {
	es, err := q.q.GetBatch(ctx, n)
	if err != nil {
		return nil, fmt.Errorf("gdask: get %d items from queue %s: %w", n, q.Name(), err)
	}
	vs := make([]T, len(es))
	for i := range es {
		if vs[i], err = valueOf[T](ctx, q.c, es[i], "item of queue "+q.Name()); err != nil {
			return nil, err
		}
	}
	return vs, nil
}

// Len is the number of items.
func (q *Queue[T]) Len(ctx context.Context) (int, error) { return q.q.Len(ctx) }

// Close gives this part in the queue up. The last one that does ends the queue
// and drops what is in it; a queue whose users died without Close keeps its items.
func (q *Queue[T]) Close() error { return q.q.Close() }

// bound is what a typed future makes of an untyped one.
type bound interface {
	adopted(c *Client, f *client.Future) any
}

func (f *Future[R]) adopted(c *Client, core *client.Future) any {
	out := &Future[R]{c: c, f: core}
	runtime.AddCleanup(out, (*client.Future).Release, core)
	return out
}

// entryOf encodes a value unless it is a future.
func entryOf(v any) (client.Entry, error) {
	if f, ok := v.(AnyFuture); ok {
		if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && rv.IsNil() {
			return client.Entry{}, fmt.Errorf("a nil %T", v)
		}
		return client.Entry{Future: f.core()}, nil
	}
	o, err := task.EncodeValue(v)
	return client.Entry{Value: o}, err
}

// valueOf is the T that an entry holds or stands for.
func valueOf[T any](ctx context.Context, c *Client, e client.Entry, what string) (T, error) {
	var zero T
	b, wantsFuture := any(zero).(bound)
	switch {
	case e.Future == nil && wantsFuture:
		return zero, fmt.Errorf("gdask: %s is a value, not a future; use the type of the value for T", what)
	case e.Future == nil:
		return decodeBound(c, e.Value, func(o wire.Opaque) (T, error) { return decodeAs[T](o, func() string { return what }) })
	case wantsFuture:
		f, _ := b.adopted(c, e.Future).(T)
		return f, nil
	}
	defer e.Future.Release()
	o, err := e.Future.Result(ctx)
	if err != nil {
		return zero, fmt.Errorf("gdask: %s: %w", what, err)
	}
	return decode[T](c, e.Future.Key(), o)
}

// decodeAs is a value from the wire as a T; what names it in errors.
func decodeAs[T any](o wire.Opaque, what func() string) (T, error) {
	var zero T
	if v, ok := o.Ref.(T); ok {
		return v, nil
	}
	v, err := task.DecodeValue(o, reflect.TypeFor[T]())
	if err != nil {
		return zero, fmt.Errorf("gdask: %s: %w", what(), err)
	}
	t, ok := v.(T)
	if !ok && v != nil {
		return zero, fmt.Errorf("gdask: %s is a %T, want %s", what(), v, reflect.TypeFor[T]())
	}
	return t, nil
}
