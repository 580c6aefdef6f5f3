package client

import (
	"context"

	"github.com/gdask/gdask/core/dump"
	"github.com/gdask/gdask/sdk/wire"
)

// LogLine is one line of a log.
type LogLine struct{ Level, Text string }

// SchedulerLogs are the scheduler's last lines, newest first; n of them, or all
// that it remembers (0).
func (c *Client) SchedulerLogs(ctx context.Context, n int) ([]LogLine, error) {
	o, err := c.call(ctx, "get_logs", "n", n)
	return logLines(o.Raw), err
}

// WorkerLogs are the last lines of workers, newest first, by the workers'
// addresses: of those named (nil: all), or of their nannies.
func (c *Client) WorkerLogs(ctx context.Context, n int, workers []string, nanny bool) (map[string][]LogLine, error) {
	fields := []any{"n", n, "nanny", nanny}
	if workers != nil {
		names := make([]any, len(workers))
		for i, w := range workers {
			names[i] = w
		}
		fields = append(fields, "workers", names)
	}
	o, err := c.call(ctx, "worker_logs", fields...)
	if err != nil {
		return nil, err
	}
	logs := map[string][]LogLine{}
	return logs, eachEntry(o.Raw, func(worker wire.Key, raw []byte) error {
		logs[KeyText(worker)] = logLines(raw)
		return nil
	})
}

// logLines reads pairs of level and text.
func logLines(raw []byte) []LogLine {
	rows := items(raw)
	lines := make([]LogLine, 0, len(rows))
	for _, r := range rows {
		if pair := items(r); len(pair) >= 2 {
			lines = append(lines, LogLine{text(pair[len(pair)-2]), text(pair[len(pair)-1])})
		}
	}
	return lines
}

// Versions are what scheduler and workers are made of, as maps with the entries
// host and packages.
type Versions struct {
	Scheduler map[string]any
	Workers   map[string]map[string]any // by address
}

// Versions asks scheduler and workers; workers that do not answer are left out.
func (c *Client) Versions(ctx context.Context) (Versions, error) {
	v := Versions{Workers: map[string]map[string]any{}}
	o, err := c.call(ctx, "versions")
	if err != nil {
		return v, err
	}
	if v.Scheduler, err = mapping(o.Raw); err != nil {
		return v, err
	}
	answers, err := c.broadcast(ctx, "versions")
	if err != nil {
		return v, err
	}
	return v, eachEntry(answers.Raw, func(worker wire.Key, raw []byte) error {
		m, err := mapping(raw)
		v.Workers[KeyText(worker)] = m
		return err
	})
}

func mapping(raw []byte) (map[string]any, error) {
	v, err := dump.Decode(raw)
	m, _ := v.(map[string]any)
	return m, err
}
