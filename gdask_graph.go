package gdask

import (
	"context"
	"fmt"
	"reflect"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// Graph is tasks with keys of their own, which may name each other before they
// are set:
//
//	g := gdask.NewGraph()
//	g.Set("y", Inc.Delay(gdask.KeyOf[int]("x")))
//	g.Set("x", Inc.Delay(1))
//	results, err := g.Get(ctx, c, "y")
type Graph struct {
	nodes map[wire.Key]*node
	err   error
}

// NewGraph returns an empty graph.
func NewGraph() *Graph { return &Graph{nodes: map[wire.Key]*node{}} }

// KeyRef stands for the result of a task of a [Graph], by its key.
type KeyRef[R any] struct{ key wire.Key }

// KeyOf refers to a task of the same graph whose result is an R.
func KeyOf[R any](key string) KeyRef[R] { return KeyRef[R]{wire.StrKey(key)} }

// TaskKey is the key as it travels.
func (k KeyRef[R]) TaskKey() wire.Key { return k.key }

// TaskType is the type of the result.
func (k KeyRef[R]) TaskType() reflect.Type { return reflect.TypeFor[R]() }

// Set makes a delayed call the task of a key. A key that is set twice is an error
// of Get and Persist.
func (g *Graph) Set(key string, d AnyDelayed) {
	k := wire.StrKey(key)
	if g.nodes[k] != nil && g.err == nil {
		g.err = fmt.Errorf("gdask: key %s of a graph is set twice; give each task a key of its own", key)
	}
	n := *d.node()
	n.key = k
	g.nodes[k] = &n
}

// Len is how many tasks were set.
func (g *Graph) Len() int { return len(g.nodes) }

// Persist submits what keys need and returns their futures. A graph with a cycle,
// or with a key that no task makes, gives an error that names the keys.
func (g *Graph) Persist(c *Client, keys ...string) ([]*Future[any], error) {
	core, _, err := g.persist(c, keys)
	if err != nil {
		return nil, err
	}
	return adopt[any](c, core), nil
}

func (g *Graph) persist(c *Client, keys []string) ([]client.Future, []wire.Key, error) {
	if g.err != nil {
		return nil, nil, g.err
	}
	wanted := make([]wire.Key, len(keys))
	for i, k := range keys {
		wanted[i] = wire.StrKey(k)
	}
	roots := make([]*node, 0, len(g.nodes))
	for _, n := range g.nodes {
		roots = append(roots, n)
	}
	defs, known, err := c.define(roots)
	if err != nil {
		return nil, nil, err
	}
	defs, err = client.Plan(defs, wanted, func(k wire.Key) bool { return known[k] })
	if err != nil {
		return nil, nil, err
	}
	return c.send(client.Graph{Tasks: defs, Wanted: wanted, FifoTimeout: graphFifo}), wanted, nil
}

// Get computes what keys need and returns their results, of the types that the
// tasks' functions return.
func (g *Graph) Get(ctx context.Context, c *Client, keys ...string) ([]any, error) {
	defer standAside(ctx, c)()
	core, wanted, err := g.persist(c, keys)
	if err != nil {
		return nil, err
	}
	defer client.ReleaseAll(core)
	fs := make([]*client.Future, len(core))
	for i := range core {
		fs[i] = &core[i]
	}
	out, err := c.core.Gather(ctx, fs, true)
	if err != nil {
		return nil, err
	}
	rs := make([]any, len(wanted))
	for i, k := range wanted {
		if rs[i], err = task.DecodeValue(out[i].Value, g.nodes[k].fn.Result()); err != nil {
			return nil, fmt.Errorf("gdask: result of %s: %w", client.KeyText(k), err)
		}
	}
	return rs, nil
}
