package scheduler

import (
	"slices"
	"strings"
	"sync"

	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
)

// metadata is the tree that clients and cluster managers read and write by
// paths of keys.
type metadata struct {
	mu   sync.Mutex
	root *metaNode
}

// metaNode is a map of nodes, or a value that is not read here.
type metaNode struct {
	children map[wire.Key]*metaNode // nil: a value
	value    wire.Opaque
}

// maxDepth bounds the nesting of maps that paths may lead into.
const maxDepth = 64

func newMetadata() *metadata {
	return &metadata{root: &metaNode{children: map[wire.Key]*metaNode{}}}
}

// set writes value at path, making maps on the way.
func (m *metadata) set(path []wire.Key, value wire.Opaque) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.root
	for _, k := range path[:len(path)-1] {
		next := n.children[k]
		if next == nil || next.children == nil {
			next = &metaNode{children: map[wire.Key]*metaNode{}}
			n.children[k] = next
		}
		n = next
	}
	n.children[path[len(path)-1]] = newMetaNode(value, 0)
}

// newMetaNode opens maps, so that paths may lead into them.
func newMetaNode(o wire.Opaque, depth int) *metaNode {
	leaf := &metaNode{value: o}
	if depth > maxDepth || len(o.Raw) == 0 || msgp.NextType(o.Raw) != msgp.MapType {
		return leaf
	}
	n, b, err := msgp.ReadMapHeaderBytes(o.Raw)
	if err != nil {
		return leaf
	}
	node := &metaNode{children: make(map[wire.Key]*metaNode, min(int(n), len(b)))}
	for range n {
		var k, v []byte
		if k, b, err = nextValue(b); err != nil {
			return leaf
		}
		if v, b, err = nextValue(b); err != nil {
			return leaf
		}
		if strings.HasPrefix(textOf(wire.Opaque{Raw: k}), "__") { // a placeholder of the protocol
			return leaf
		}
		node.children[wire.Key(k)] = newMetaNode(wire.Opaque{Raw: v, Frames: o.Frames}, depth+1)
	}
	return node
}

// get returns the value at path and whether there is one.
func (m *metadata) get(path []wire.Key) (any, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.root
	for _, k := range path {
		if n = n.children[k]; n == nil {
			return nil, false
		}
	}
	return n.tree(), true
}

func (n *metaNode) tree() any {
	if n.children == nil {
		o := n.value
		return &o
	}
	keys := make([]wire.Key, 0, len(n.children))
	for k := range n.children {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := make(keyed, len(keys))
	for i, k := range keys {
		out[i] = keyedItem{k, n.children[k].tree()}
	}
	return out
}

func (c *call) setMetadata() (any, error) {
	path, err := c.keys("keys")
	if err != nil {
		return nil, err
	}
	if len(path) == 0 || len(path) > maxDepth {
		return nil, asPython("ValueError", "set_metadata: %d keys lead to the value; give at least one and at most %d", len(path), maxDepth)
	}
	c.s.meta.set(path, apart(c.opaque("value")))
	return nil, nil
}

func (c *call) getMetadata() (any, error) {
	path, err := c.keys("keys")
	if err != nil {
		return nil, err
	}
	if v, ok := c.s.meta.get(path); ok {
		return &tree{v}, nil
	}
	fallback, given := c.fields["default"]
	if given && !isNoDefault(fallback) {
		return &tree{&fallback}, nil
	}
	names := make([]string, len(path))
	for i, k := range path {
		names[i] = k.String()
	}
	return nil, asPython("KeyError", "no metadata at %s", strings.Join(names, "/"))
}

// isNoDefault recognises Python's marker for "no default was given".
func isNoDefault(o wire.Opaque) bool {
	if len(o.Raw) == 0 || msgp.NextType(o.Raw) != msgp.MapType {
		return false
	}
	fields, err := splitMap(o)
	return err == nil && fields["__Enum__"].Raw != nil && textOf(fields["name"]) == "no_default"
}
