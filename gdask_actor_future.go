package gdask

import (
	"context"
	"fmt"
	"reflect"
	"sync"

	"github.com/gdask/gdask/sdk/actor"
)

// lane keeps the calls of one handle in their order: each waits for the one
// before it.
type lane struct {
	mu     sync.Mutex
	last   chan struct{} // closed when the latest call is over
	future any           // released with the last handle, by the garbage collector
}

// enter queues up: wait for turn, close over.
func (l *lane) enter() (turn, over chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	turn, over = l.last, make(chan struct{})
	l.last = over
	return turn, over
}

// leave ends a call's place in the queue. One that was given up before its turn
// keeps it until then: the next must not overtake those before it.
func (l *lane) leave(turn, over chan struct{}) {
	if turn != nil {
		<-turn
	}
	close(over)
}

// ActorFuture is the result of a call of an actor's method, which is under way.
type ActorFuture[R any] struct {
	done  chan struct{}
	value R
	err   error
}

// Done says that the call is over.
func (f *ActorFuture[R]) Done() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// Result waits for the call; ctx bounds the wait, not the call.
func (f *ActorFuture[R]) Result(ctx context.Context) (R, error) {
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		var zero R
		return zero, context.Cause(ctx)
	}
}

// Call calls a method of an actor by its name and returns at once. args are
// values of the parameters' types, or handles of actors. The values travel
// encoded, also inside one process: caller and actor share no memory. ctx
// bounds the call; when it ends first nobody knows whether the method ran.
// Inside of a task or method ctx must be its own.
func Call[R, T any](ctx context.Context, a Actor[T], method string, args ...any) *ActorFuture[R] {
	call, f, err := a.encode(method, args)
	if err == nil {
		want, have := reflect.TypeFor[R](), f.Result()
		if have != nil && have != want && !(want.Kind() == reflect.Interface && have.Implements(want)) {
			err = fmt.Errorf("gdask: method %s returns %s, not %s", method, have, want)
		}
	}
	if err != nil {
		f := &ActorFuture[R]{done: make(chan struct{}), err: err}
		close(f.done)
		return f
	}
	return start[R](ctx, a, call)
}

// Attribute reads an exported field of an actor, between two calls.
func Attribute[R, T any](ctx context.Context, a Actor[T], field string) (R, error) {
	return start[R](ctx, a, &actor.Call{Ref: a.ref, Method: field, Attribute: true}).Result(ctx)
}

// start makes the call in a goroutine that ends with ctx at the latest.
func start[R, T any](ctx context.Context, a Actor[T], call *actor.Call) *ActorFuture[R] {
	f := &ActorFuture[R]{done: make(chan struct{})}
	caller, chain, err := a.caller(ctx)
	if err != nil {
		f.err = err
		close(f.done)
		return f
	}
	call.Chain = chain
	l := a.lane
	if l == nil {
		l = new(lane)
	}
	turn, over := l.enter()
	run := func() {
		defer l.leave(turn, over)
		defer close(f.done) // first: who waits for this call need not wait for others
		f.value, f.err = perform[R](ctx, a.c, caller, call, turn)
	}
	if !a.beside(ctx, run) {
		f.err = ErrClosed
		close(over)
		close(f.done)
	}
	return f
}

func perform[R any](ctx context.Context, c *Client, caller *actor.Caller, call *actor.Call, turn chan struct{}) (R, error) {
	var zero R
	if turn != nil {
		select {
		case <-turn:
		case <-ctx.Done():
			return zero, context.Cause(ctx)
		}
	}
	o, err := caller.Do(ctx, call)
	if err != nil {
		return zero, err
	}
	return decode[R](c, call.Ref.Key, o)
}
