//go:build linux

package chaos

import (
	"bytes"
	"fmt"
	"math/rand/v2"
)

// graph is a random graph: node i has inputs among the nodes before it.
type graph struct {
	nodes  []Node
	inputs [][]int
}

// window is how far back inputs may lie: near ones make chains, far ones keep
// results in use for long.
const window = 300

// newGraph makes n nodes. Most are small and quick; some have megabytes of
// results, some take a while.
func newGraph(r *rand.Rand, n int) graph {
	g := graph{make([]Node, n), make([][]int, n)}
	for i := range n {
		g.nodes[i] = Node{ID: i, Size: r.IntN(2000), Millis: r.IntN(8)}
		switch {
		case r.IntN(20) == 0:
			g.nodes[i].Size = 100_000 + r.IntN(1_500_000)
		case r.IntN(50) == 0:
			g.nodes[i].Millis = 50 + r.IntN(400)
		}
		if i < 10 {
			continue
		}
		for range r.IntN(5) {
			g.inputs[i] = append(g.inputs[i], max(0, i-1-r.IntN(min(i, window))))
		}
	}
	return g
}

// sequential computes all values here, one after the other.
func (g graph) sequential() []Value {
	values := make([]Value, len(g.nodes))
	for i, n := range g.nodes {
		inputs := make([]Value, len(g.inputs[i]))
		for j, k := range g.inputs[i] {
			inputs[j] = values[k]
		}
		values[i] = compute(n, inputs)
	}
	return values
}

// differs says how a result is not what it should be; nil when it is.
func differs(i int, got, want Value) error {
	if got.Sum != want.Sum || !bytes.Equal(got.Pad, want.Pad) {
		return fmt.Errorf("task %d has the sum %x and %d bytes; the sequential run has %x and %d", i, got.Sum, len(got.Pad), want.Sum, len(want.Pad))
	}
	return nil
}
