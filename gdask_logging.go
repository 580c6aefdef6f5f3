package gdask

import (
	"context"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/worker"
)

// Logger is the log of the worker that runs a task; outside of tasks it discards
// everything. See [Client.ForwardLogging] for how to see its lines.
func Logger(ctx context.Context) hclog.Logger {
	if scope := worker.FromContext(ctx); scope != nil {
		return scope.Logger()
	}
	return hclog.NewNullLogger()
}

// pythonLevels are the numbers of Python's levels.
var pythonLevels = map[hclog.Level]int{hclog.Trace: 0, hclog.Debug: 10, hclog.Info: 20, hclog.Warn: 30, hclog.Error: 40}

// ForwardLogging has log lines of all workers, present and future ones, Go and
// Python, written to the logger too, which decides by its level what to show. The
// function that it returns ends that, for all clients.
func (c *Client) ForwardLogging(ctx context.Context, to hclog.Logger) (stop func(ctx context.Context) error, err error) {
	s, err := c.core.ForwardLogs(ctx, pythonLevels[to.GetLevel()])
	if err != nil {
		return nil, err
	}
	var reader sync.WaitGroup
	life := context.WithoutCancel(ctx) // the client's or stop's end is the reader's
	reader.Go(func() {
		for {
			e, err := s.Next(life)
			if err != nil {
				return
			}
			forwardRecord(to, e)
		}
	})
	return func(ctx context.Context) (err error) {
		s.Close()
		reader.Wait()
		if c.core.Err() == nil { // else nothing comes any more
			err = c.core.UnforwardLogs(ctx)
		}
		return err
	}, nil
}

// forwardRecord writes one record of a worker.
func forwardRecord(to hclog.Logger, e client.TopicEvent) {
	v, err := task.DecodeValue(e.Msg, nil)
	record, ok := v.(map[string]any)
	if err != nil || !ok {
		to.Warn("a forwarded log line is not understood", "topic", e.Topic, "error", err)
		return
	}
	number, _ := record["levelno"].(int)
	level := hclog.Trace
	for l, n := range pythonLevels {
		if n <= number && l > level {
			level = l
		}
	}
	args := []any{"logger", textOr(record["name"], "")}
	if w := textOr(record["worker"], ""); w != "" {
		args = append(args, "worker", w)
	}
	to.Log(level, textOr(record["msg"], ""), args...)
}
