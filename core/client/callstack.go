package client

import (
	"context"

	"github.com/gdask/gdask/sdk/wire"
)

// CallStack is what a running task does at one moment.
type CallStack struct {
	Key    wire.Key
	Worker string // address
	// Stack is, on a Go worker, the stack of each goroutine of the task, its own
	// first; on a Python worker each frame, the innermost last.
	Stack []string
}

// CallStacks asks for the stacks of tasks, and of those that they wait for; nil
// keys mean all tasks that run.
func (c *Client) CallStacks(ctx context.Context, keys []wire.Key) (stacks []CallStack, err error) {
	var fields []any
	if keys != nil {
		fields = []any{"keys", keys}
	}
	o, err := c.call(ctx, "call_stack", fields...)
	if err != nil {
		return nil, err
	}
	err = eachEntry(o.Raw, func(worker wire.Key, raw []byte) error {
		return eachEntry(raw, func(k wire.Key, lines []byte) error {
			s := CallStack{Key: k, Worker: KeyText(worker)}
			for _, l := range items(lines) {
				s.Stack = append(s.Stack, text(l))
			}
			stacks = append(stacks, s)
			return nil
		})
	})
	return stacks, err
}

// Explain says for each key why the task does not run, or what became of it, in
// sentences.
func (c *Client) Explain(ctx context.Context, keys []wire.Key) (map[wire.Key][]string, error) {
	o, err := c.call(ctx, "explain", "keys", keys)
	if err != nil {
		return nil, err
	}
	out := make(map[wire.Key][]string, len(keys))
	return out, eachEntry(o.Raw, func(k wire.Key, raw []byte) error {
		for _, line := range items(raw) {
			out[k] = append(out[k], text(line))
		}
		return nil
	})
}
