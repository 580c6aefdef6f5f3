package scheduler

import (
	"fmt"

	"github.com/gdask/gdask/sdk/wire"
)

// maxExplained bounds the keys of one request to explain.
const maxExplained = 100

// explain tells for each key why it is not running, a sentence for each cause.
// Each key has a turn of the loop of its own, so that other work goes on.
func (c *call) explain() (any, error) {
	keys, err := c.keys("keys")
	if err != nil {
		return nil, err
	}
	if len(keys) > maxExplained {
		return nil, asPython("ValueError", "explain: %d keys; ask for at most %d at once", len(keys), maxExplained)
	}
	out := keyed{}
	seen := map[wire.Key]bool{}
	for _, k := range keys {
		if seen[k] {
			continue
		}
		seen[k] = true
		var why []string
		if err := c.s.loop.do(c.ctx, func() { why = c.s.loop.m.Explain(k) }); err != nil {
			return nil, fmt.Errorf("explain %v: %w", k, err)
		}
		out = append(out, keyedItem{k, why})
	}
	return &tree{out}, nil
}
