package gdask

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/gdask/gdask/core/client"
)

// TaskRun is one run of a task that ended.
type TaskRun struct {
	Key    string
	Worker string // address
	Erred  bool
	Nbytes int64  // of the result
	Type   string // of the result
	Phases []TaskPhase
}

// TaskPhase is one timed part of a run, by the worker's clock: "compute",
// "transfer" of an input from Source, and what else workers tell.
type TaskPhase = client.Phase

// TaskStream is a record of runs of tasks, from a moment on.
type TaskStream struct {
	c     *Client
	first int64
}

// StartTaskStream begins a record of the runs of all tasks of the cluster. The
// scheduler remembers runs from the first such call on, the latest
// OperationOptions.TaskStreamLength of them.
func (c *Client) StartTaskStream(ctx context.Context) (*TaskStream, error) {
	first, err := c.core.TaskStreamIndex(ctx)
	return &TaskStream{c, first}, err
}

// Runs are those that ended since the record began, oldest first. It may be called
// again and again.
func (s *TaskStream) Runs(ctx context.Context) ([]TaskRun, error) {
	runs, err := s.c.core.TaskStream(ctx, s.first)
	out := make([]TaskRun, len(runs))
	for i, r := range runs {
		out[i] = TaskRun{client.KeyText(r.Key), r.Worker, r.Erred, r.Nbytes, r.Type, r.Phases}
	}
	return out, err
}

// PerformanceReport calls do and writes a page about all that the cluster did
// meanwhile: times by name, when which task ran where, workers, transfers, the
// scheduler's log. The file is HTML and needs no other. It is written also when do
// fails, whose error comes back.
func (c *Client) PerformanceReport(ctx context.Context, file string, do func(ctx context.Context) error) error {
	code := "?"
	if _, path, line, ok := runtime.Caller(1); ok {
		code = callingCode(path, line)
	}
	if _, err := c.StartTaskStream(ctx); err != nil {
		return err
	}
	start := time.Now()
	failed := do(ctx)
	html, err := c.core.PerformanceReport(context.WithoutCancel(ctx), start, code)
	if err == nil {
		err = os.WriteFile(file, []byte(html), 0o644)
	}
	if err != nil {
		err = fmt.Errorf("gdask: performance report: %w", err)
	}
	return errors.Join(failed, err)
}

// shownCode is how many lines of the calling code a report shows.
const shownCode = 20

// callingCode is where a report was asked for, with the lines that follow where
// the source is at hand.
func callingCode(path string, line int) string {
	code := fmt.Sprintf("%s:%d", path, line)
	source, err := os.ReadFile(path)
	if err != nil {
		return code
	}
	lines := strings.Split(string(source), "\n")
	if line < 1 || line > len(lines) {
		return code
	}
	return code + "\n\n" + strings.Join(lines[line-1:min(len(lines), line-1+shownCode)], "\n")
}
