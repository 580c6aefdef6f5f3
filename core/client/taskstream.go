package client

import (
	"context"
	"fmt"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// TaskRun is one run of a task that ended.
type TaskRun struct {
	Key    wire.Key
	Worker string
	Erred  bool
	Nbytes int64
	Type   string
	// Phases are what was timed, by the worker's clock.
	Phases []Phase
}

// Phase is one timed part of a run: "compute", "transfer" of an input, and what
// else workers tell.
type Phase struct {
	Action, Source string
	Start, Stop    time.Time
}

// TaskStreamIndex begins the record of runs, if that was not done before, and
// returns the number that the next run will have.
func (c *Client) TaskStreamIndex(ctx context.Context) (int64, error) {
	o, err := c.call(ctx, "get_task_stream_index")
	return int64(floatOf(o.Raw)), err
}

// TaskStream are the runs that were recorded from number first on, oldest first.
func (c *Client) TaskStream(ctx context.Context, first int64) ([]TaskRun, error) {
	o, err := c.call(ctx, "get_task_stream", "start_index", first)
	if err != nil {
		return nil, err
	}
	var runs []TaskRun
	err = eachItem(o.Raw, func(raw []byte) error {
		r := TaskRun{
			Worker: text(field(raw, "worker")), Erred: text(field(raw, "status")) == "error",
			Nbytes: int64(floatOf(field(raw, "nbytes"))), Type: text(field(raw, "typename")),
		}
		var err error
		if r.Key, _, err = wire.ParseKey(field(raw, "key")); err != nil {
			return fmt.Errorf("client: the scheduler's answer to get_task_stream: %w", err)
		}
		for _, p := range items(field(raw, "startstops")) {
			r.Phases = append(r.Phases, Phase{
				text(field(p, "action")), text(field(p, "source")), moment(floatOf(field(p, "start"))), moment(floatOf(field(p, "stop"))),
			})
		}
		runs = append(runs, r)
		return nil
	})
	return runs, err
}

// PerformanceReport is a page about all that happened since start, one HTML text
// that needs nothing else; code is shown as what was run.
func (c *Client) PerformanceReport(ctx context.Context, start time.Time, code string) (string, error) {
	o, err := c.call(ctx, "performance_report", "start", float64(start.UnixNano())/1e9, "last_count", 0, "code", code)
	return text(o.Raw), err
}
