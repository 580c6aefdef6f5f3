package gdask

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/worker"
)

// graphFifo is the time in seconds within which computed graphs count as one for
// their priorities.
const graphFifo = 60

// Delayed is a call that has not been submitted yet: a task of a graph that is
// built on the client. Delayed calls, and futures, are arguments of other delayed
// calls.
//
//	parts := make([]any, len(files))
//	for i, name := range files {
//		parts[i] = Count.Delay(name)
//	}
//	total, err := Sum.Delay(parts...).Compute(ctx, c)
type Delayed[R any] struct{ n *node }

// AnyDelayed is a delayed call with any result.
type AnyDelayed interface {
	task.Reference
	node() *node
}

// node is one task of a graph.
type node struct {
	key     wire.Key
	call    *task.Call
	fn      *task.Function
	opt     Options
	actor   bool
	inputs  []*node
	futures []*client.Future
	err     error
}

// Delay makes a delayed call; args are as for Submit, and delayed calls. What is
// wrong with it is told when it is computed.
func (f *Function[R]) Delay(args ...any) *Delayed[R] {
	n := &node{key: wire.StrKey(f.name), fn: f.fn, opt: f.opt, actor: f.actor, err: f.err}
	for _, a := range args {
		task.EachReference(a, n.refer)
	}
	if n.err == nil {
		n.call, n.err = f.fn.NewCall(args...)
	}
	if n.err == nil {
		n.key, n.err = f.key(n.call)
	}
	return &Delayed[R]{n}
}

func (n *node) refer(r task.Reference) {
	switch r := r.(type) {
	case AnyDelayed:
		n.inputs = append(n.inputs, r.node())
	case AnyFuture:
		n.futures = append(n.futures, r.core())
	}
}

// Key names the task.
func (d *Delayed[R]) Key() string { return client.KeyText(d.n.key) }

// TaskKey is the key as it travels.
func (d *Delayed[R]) TaskKey() wire.Key { return d.n.key }

// TaskType is the type of the result.
func (d *Delayed[R]) TaskType() reflect.Type { return reflect.TypeFor[R]() }

func (d *Delayed[R]) node() *node { return d.n }

// Compute runs the call, and what it needs, on the cluster and returns its
// result. Inside of a task the slot is others' meanwhile.
func (d *Delayed[R]) Compute(ctx context.Context, c *Client) (R, error) {
	rs, err := Compute(ctx, c, d)
	if err != nil {
		var zero R
		return zero, err
	}
	return rs[0], nil
}

// Persist submits the call, and what it needs, and returns a future of its
// result, which stays in the cluster's memory as long as the future.
func (d *Delayed[R]) Persist(c *Client) *Future[R] { return Persist(c, d)[0] }

// Compute runs delayed calls as one graph and returns their results. The first
// failure ends it.
func Compute[R any](ctx context.Context, c *Client, ds ...*Delayed[R]) ([]R, error) {
	defer standAside(ctx, c)()
	fs := Persist(c, ds...)
	defer Release(fs...)
	return Gather(ctx, fs)
}

// standAside gives the slot of ctx's task away, unless its [TaskClient] did, and
// returns what takes it back.
func standAside(ctx context.Context, c *Client) (back func()) {
	scope := worker.FromContext(ctx)
	if scope == nil || c.parent != "" {
		return func() {}
	}
	scope.Secede()
	return func() { _ = scope.Rejoin(ctx) } // without a slot the task goes on all the same
}

// Persist submits delayed calls as one graph and returns their futures.
func Persist[R any](c *Client, ds ...*Delayed[R]) []*Future[R] {
	roots := make([]*node, len(ds))
	for i, d := range ds {
		roots[i] = d.n
	}
	core, err := c.persist(roots)
	if err == nil {
		return adopt[R](c, core)
	}
	out := make([]*Future[R], len(ds))
	for i, d := range ds {
		out[i] = &Future[R]{c: c, f: c.core.Failed(d.n.key, err)}
	}
	return out
}

// persist submits the graph below roots.
func (c *Client) persist(roots []*node) ([]client.Future, error) {
	defs, known, err := c.define(roots)
	if err != nil {
		return nil, err
	}
	wanted := make([]wire.Key, len(roots))
	for i, n := range roots {
		wanted[i] = n.key
	}
	defs, err = client.Plan(defs, wanted, func(k wire.Key) bool { return known[k] })
	if err != nil {
		return nil, err
	}
	return c.send(client.Graph{Tasks: defs, Wanted: wanted, FifoTimeout: graphFifo}), nil
}

// define makes the tasks of all nodes below roots.
func (c *Client) define(roots []*node) (defs []wire.TaskDef, known map[wire.Key]bool, err error) {
	all, known, err := c.collect(roots)
	if err != nil {
		return nil, nil, err
	}
	defs = make([]wire.TaskDef, len(all))
	for i, n := range all {
		if defs[i], err = n.define(c); err != nil {
			return nil, nil, fmt.Errorf("gdask: task %s: %w", client.KeyText(n.key), err)
		}
	}
	return defs, known, nil
}

// collect finds all nodes below roots, one for each key, and the keys of futures
// among their arguments.
func (c *Client) collect(roots []*node) (all []*node, known map[wire.Key]bool, err error) {
	seen, known := map[wire.Key]bool{}, map[wire.Key]bool{}
	for todo := slices.Clone(roots); len(todo) > 0; {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[n.key] {
			continue
		}
		seen[n.key] = true
		if n.err != nil {
			return nil, nil, n.err
		}
		for _, f := range n.futures {
			if err := c.mayUse(f); err != nil {
				return nil, nil, err
			}
			known[f.Key()] = true
		}
		all = append(all, n)
		todo = append(todo, n.inputs...)
	}
	return all, known, nil
}

// define is the node as the scheduler gets it.
func (n *node) define(c *Client) (wire.TaskDef, error) {
	opt := n.opt
	if c.scope != nil {
		opt = c.scope.with(opt)
	}
	def := opt.def(n.key, n.actor)
	if err := opt.check(); err != nil {
		return def, err
	}
	return c.complete(def, &opt, n.call)
}
