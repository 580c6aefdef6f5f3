package gdask

import (
	"context"
	"fmt"
	"time"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/wire"
)

// StoryRow is one thing that happened to a task, on the scheduler or on a worker.
type StoryRow struct {
	// Where is "scheduler" or a worker's address; each has a clock of its own.
	Where string
	Key   string
	// From and To are states under Dask's names; what a Python worker noted besides
	// transitions has an Event instead.
	From, To, Event string
	Stimulus        string // the id of what caused it, or its name
	Time            time.Time
}

// String is for example
//
//	15:04:05.000 scheduler add-5c…: waiting > processing (update-graph)
func (r StoryRow) String() string {
	what := r.From + " > " + r.To
	if r.Event != "" {
		what = r.Event
	}
	return fmt.Sprintf("%s %s %s: %s (%s)", r.Time.Format("15:04:05.000"), r.Where, r.Key, what, r.Stimulus)
}

// Story tells what scheduler and workers remember of tasks, in the order of time.
// The arguments are futures, keys as texts, or ids of what caused transitions.
func (c *Client) Story(ctx context.Context, tasks ...any) ([]StoryRow, error) {
	keys, err := keysOf("Story", tasks)
	if err != nil {
		return nil, err
	}
	rows, err := c.core.Story(ctx, keys)
	out := make([]StoryRow, len(rows))
	for i, r := range rows {
		out[i] = StoryRow{r.Where, client.KeyText(r.Key), r.From, r.To, r.Event, r.Stimulus, r.Time}
	}
	return out, err
}

// CallStack is what a running task does at one moment.
type CallStack struct {
	Key    string
	Worker string // address
	// Stack is, on a Go worker, the stack of each goroutine of the task, its own
	// first; on a Python worker each frame, the innermost last.
	Stack []string
}

// CallStack tells what tasks do at this moment: those given, futures or keys as
// texts, and what they wait for; without arguments all that run.
func (c *Client) CallStack(ctx context.Context, tasks ...any) ([]CallStack, error) {
	keys, err := keysOf("CallStack", tasks)
	if err != nil {
		return nil, err
	}
	stacks, err := c.core.CallStacks(ctx, keys)
	out := make([]CallStack, len(stacks))
	for i, s := range stacks {
		out[i] = CallStack{client.KeyText(s.Key), s.Worker, s.Stack}
	}
	return out, err
}

// Explain says why tasks do not run, or what became of them: a sentence for each
// cause. The arguments are futures or keys as texts, at most 100; the answer is by
// key.
func (c *Client) Explain(ctx context.Context, tasks ...any) (map[string][]string, error) {
	keys, err := keysOf("Explain", tasks)
	if err != nil {
		return nil, err
	}
	sentences, err := c.core.Explain(ctx, keys)
	out := make(map[string][]string, len(sentences))
	for k, lines := range sentences {
		out[client.KeyText(k)] = lines
	}
	return out, err
}

// keysOf are the keys that arguments name; nil for none.
func keysOf(method string, tasks []any) (keys []wire.Key, err error) {
	for _, t := range tasks {
		switch t := t.(type) {
		case AnyFuture:
			keys = append(keys, t.TaskKey())
		case string:
			keys = append(keys, wire.StrKey(t))
		case wire.Key:
			keys = append(keys, t)
		default:
			return nil, fmt.Errorf("gdask: %s got a %T; give futures, or keys as texts", method, t)
		}
	}
	return keys, nil
}
