package workerrt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"

	ref "github.com/gdask/gdask/sdk/actor"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

var errActorEnded = errors.New("worker: the actor has ended: nobody holds a future of it any more")

// actors are those that live in a worker.
type actors struct {
	mu  sync.Mutex
	all map[wire.Key]*actor
}

func (as *actors) find(k wire.Key) *actor {
	as.mu.Lock()
	defer as.mu.Unlock()
	return as.all[k]
}

// actor is an object that lives in this worker. Its calls run one at a time, in
// the order in which they came, in a goroutine that lives while there are any.
type actor struct {
	w     *Worker
	key   wire.Key
	value any

	mu      sync.Mutex
	queue   []*actorCall
	running bool
	ended   bool
	now     *Job // the call under way
	closed  sync.Once
}

// actorCall is one call that waits for its turn or its answer.
type actorCall struct {
	what  string // operation and method, for errors
	chain []wire.Key
	do    func(ctx context.Context) any // the answer
	done  chan struct{}
	reply any // valid after done
}

func (w *Worker) newActor(k wire.Key, v any) (any, error) {
	if v == nil {
		return nil, errors.New("worker: an actor's constructor returned nil; return the object, or an error")
	}
	return &actor{w: w, key: k, value: v}, nil
}

// born enters an actor that its task brought, unless nobody wants it any more.
func (w *Worker) born(a *actor) {
	t := w.m.Task(a.key)
	if (t == nil || t.Data != a) && a.end() {
		return
	}
	w.actors.mu.Lock()
	defer w.actors.mu.Unlock()
	if w.actors.all == nil {
		w.actors.all = make(map[wire.Key]*actor)
	}
	w.actors.all[a.key] = a
}

// bury takes an actor out that nobody wants any more; when the worker is ending
// already, that closes it.
func (w *Worker) bury(a *actor) {
	if !a.end() {
		return
	}
	w.actors.mu.Lock()
	defer w.actors.mu.Unlock()
	if w.actors.all[a.key] == a {
		delete(w.actors.all, a.key)
	}
}

// close ends all actors, when no call is under way any more.
func (as *actors) close() {
	as.mu.Lock()
	all := as.all
	as.all = nil
	as.mu.Unlock()
	for _, a := range all {
		a.end()
		a.closeValue()
	}
}

func (a *actor) ref() ref.Ref {
	return ref.Ref{Key: a.key, Address: a.w.address, Type: typeName(a.value)}
}

// as is what a task gets that has the actor among its arguments: a handle.
func (a *actor) as(t reflect.Type) (any, error) {
	if t.Kind() == reflect.Interface {
		return a.ref(), nil
	}
	v, err := task.DecodeValue(a.ref().Opaque(), t)
	if err != nil {
		return nil, fmt.Errorf("worker: %s is an actor, a %T; a task gets a handle of it, no %s: %w", a.key, a.value, t, err)
	}
	return v, nil
}

// call queues a call and waits for its answer, or the worker's end.
func (a *actor) call(c *actorCall) any {
	c.done = make(chan struct{})
	if err := a.submit(c); err != nil {
		return wire.FailureOf(err)
	}
	select {
	case <-c.done:
		return c.reply
	case <-a.w.ctx.Done():
		return wire.FailureOf(errStopping)
	}
}

func (a *actor) submit(c *actorCall) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return errActorEnded
	}
	a.queue = append(a.queue, c)
	if !a.running {
		if !a.w.exec.beside(a.run) {
			return errStopping
		}
		a.running = true
	}
	return nil
}

// run makes the calls one after the other. A method that ends its goroutine
// costs its own call only.
func (a *actor) run() {
	var c *actorCall
	clean := false
	defer func() {
		if clean {
			return
		}
		c.answer(wire.FailureOf(errGoexit))
		if !a.w.exec.beside(a.run) {
			a.drop()
		}
	}()
	for {
		if c = a.next(); c == nil {
			clean = true
			a.closeValue()
			return
		}
		c.answer(a.perform(c))
	}
}

func (c *actorCall) answer(v any) {
	c.reply = v
	close(c.done)
}

// next takes the first call; nil when there is none left, and run is over.
func (a *actor) next() *actorCall {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now = nil
	if len(a.queue) == 0 {
		a.running = false
		return nil
	}
	c := a.queue[0]
	a.queue[0] = nil
	a.queue = a.queue[1:]
	a.now = &Job{w: a.w, key: a.key, msg: &wire.ComputeTask{}, chain: append(c.chain, a.key)}
	a.now.ctx.job = a.now
	return c
}

// perform makes one call with a context that ends with it, the actor or the worker.
func (a *actor) perform(c *actorCall) any {
	a.mu.Lock()
	j := a.now
	a.mu.Unlock()
	stop := context.AfterFunc(a.w.ctx, func() { j.ctx.cancel(errStopping) })
	defer stop()
	defer j.ctx.cancel(context.Canceled) // what the method left running must not call others
	return c.do(&j.ctx)
}

// end fails the calls that wait, cancels the one under way, and closes the
// object when it can be closed; false when the worker is ending.
func (a *actor) end() bool {
	a.mu.Lock()
	a.ended = true
	if a.now != nil {
		a.now.ctx.cancel(context.Canceled)
	}
	idle := !a.running
	a.mu.Unlock()
	a.drop()
	return !idle || a.w.exec.beside(a.closeValue)
}

// drop fails the calls that wait.
func (a *actor) drop() {
	a.mu.Lock()
	left := a.queue
	a.queue = nil
	a.mu.Unlock()
	for _, c := range left {
		c.answer(wire.FailureOf(errActorEnded))
	}
}

// closeValue closes the object of an actor that has ended.
func (a *actor) closeValue() {
	a.mu.Lock()
	ended := a.ended
	a.mu.Unlock()
	c, ok := a.value.(io.Closer)
	if !ok || !ended {
		return
	}
	a.closed.Do(func() {
		defer func() {
			if r := recover(); r != nil {
				a.w.logs.Warn("closing an actor failed", "actor", a.key, "panic", r)
			}
		}()
		if err := c.Close(); err != nil {
			a.w.logs.Warn("closing an actor failed", "actor", a.key, "error", err)
		}
	})
}
