package gdask

import (
	"context"
	"fmt"
	"reflect"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/actor"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/worker"
)

// Actor is a handle of a T that lives on one worker, where its methods run.
// Calls of one actor run one at a time, so it needs no locks; calls made
// through one handle run in their order. Handles may be arguments of tasks and
// methods, and results; see [Call].
//
// An actor lives as long as somebody holds a future of it or a handle that came
// from one. A T with a Close method is closed in the end. Its state is lost with
// its worker: then the future and all calls fail with an [*ActorLostError].
type Actor[T any] struct {
	ref  actor.Ref
	c    *Client
	keep *client.Future // the wish that keeps it alive, outside of tasks
	lane *lane
}

// ActorFunc registers a constructor of actors, a func([ctx,] args...) (T[, error]),
// as [Func] does with functions. T is mostly a pointer:
//
//	var NewCounter = gdask.ActorFunc[*Counter]("counter", newCounter)
//
//	counter, err := NewCounter.Submit(c, 10).Result(ctx)
//	n, err := gdask.Call[int](ctx, counter, "Add", 1).Result(ctx)
func ActorFunc[T any](name string, fn any) *Function[Actor[T]] {
	made := Func[T](name, fn)
	return &Function[Actor[T]]{name: made.name, fn: made.fn, err: made.err, actor: true}
}

// Key names the task that made the actor.
func (a Actor[T]) Key() string { return client.KeyText(a.ref.Key) }

// Worker is the address of the worker where the actor lives.
func (a Actor[T]) Worker() string { return a.ref.Address }

// TaskKey and TaskType make the actor an argument that keeps it alive.
func (a Actor[T]) TaskKey() wire.Key { return a.ref.Key }

// TaskType is the type of a handle.
func (a Actor[T]) TaskType() reflect.Type { return reflect.TypeFor[Actor[T]]() }

// String is for example <Actor: *main.Counter, key: counter-5c...>.
func (a Actor[T]) String() string {
	return fmt.Sprintf("<Actor: %s, key: %s>", a.ref.Type, a.Key())
}

// MarshalBinary implements encoding.BinaryMarshaler.
func (a Actor[T]) MarshalBinary() ([]byte, error) { return a.ref.MarshalBinary() }

// UnmarshalBinary implements encoding.BinaryUnmarshaler. The handle belongs to
// the task that reads it, or is bound to the client that fetched it.
func (a *Actor[T]) UnmarshalBinary(b []byte) error {
	*a = Actor[T]{lane: new(lane)}
	return a.ref.UnmarshalBinary(b)
}

// bind makes a handle that was fetched one of c's.
func (a *Actor[T]) bind(c *Client) {
	if a.c == c || a.ref.Key == "" {
		return
	}
	f := adopt[T](c, c.core.Desire([]wire.Key{a.ref.Key}))[0]
	*a = Actor[T]{ref: a.ref, c: c, keep: f.f, lane: &lane{future: f}}
}

// call prepares a call by the client of the handle or by the task of ctx.
func (a Actor[T]) caller(ctx context.Context) (*actor.Caller, []wire.Key, error) {
	if scope := worker.FromContext(ctx); scope != nil {
		return scope.Actors(), scope.Chain(), nil
	}
	if a.c == nil {
		return nil, nil, fmt.Errorf("gdask: actor %s belongs to no client; fetch it with Future.Result, or call it with the context of a task", a.Key())
	}
	if a.keep != nil && a.keep.Status() == Erred {
		return nil, nil, a.keep.Exception(ctx)
	}
	return a.c.core.Actors(), nil, nil
}

// beside runs f in a goroutine whose end the client, or the worker of ctx's task,
// waits for; false when these are closed.
func (a Actor[T]) beside(ctx context.Context, f func()) bool {
	if scope := worker.FromContext(ctx); scope != nil {
		return scope.Go(f)
	}
	return a.c.core.Go(f)
}

// encode makes the arguments of a call of a method ready.
func (a Actor[T]) encode(method string, args []any) (*actor.Call, *task.Function, error) {
	f, err := task.MethodOf(reflect.TypeFor[T](), method)
	if err != nil {
		return nil, nil, err
	}
	made, err := f.NewCall(args...)
	if err != nil {
		return nil, nil, err
	}
	call := &actor.Call{Ref: a.ref, Method: method, Sig: f.Sig(), Args: make([]wire.Opaque, len(args))}
	for i := range made.Args {
		v := made.Args[i].Value
		if made.Args[i].Key != "" || made.Args[i].Nest != nil {
			if _, ok := args[i].(interface{ handle() actor.Ref }); !ok {
				return nil, nil, fmt.Errorf("gdask: argument %d of %s has a future inside; methods take values: wait for its result", i+1, method)
			}
			v = args[i]
		}
		if call.Args[i], err = task.EncodeValue(v); err != nil {
			return nil, nil, fmt.Errorf("gdask: argument %d of %s: %w", i+1, method, err)
		}
	}
	return call, f, nil
}

func (a Actor[T]) handle() actor.Ref { return a.ref }
