package gdask

import (
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/worker"
)

// TestTuningReachesWorkers of every class: they remember as little as they are told
// to, in this process or in their own.
func TestTuningReachesWorkers(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 60*time.Second)
			o.NWorkers = new(1)
			o.Tuning = worker.Tuning{StoryLength: 4, LogLength: 1}
			c := newClient(t, ctx, o)
			first := inc.Submit(c, 1)
			for i := range 5 {
				if _, err := inc.Submit(c, i).Result(ctx); err != nil {
					t.Fatal(err)
				}
			}
			rows, err := c.Story(ctx, first)
			if err != nil || len(rows) == 0 {
				t.Fatalf("story: %v, %v", rows, err)
			}
			for _, r := range rows {
				if r.Where != "scheduler" {
					t.Errorf("the worker remembers %v", r)
				}
			}
			logs, err := c.WorkerLogs(ctx, LogQuery{})
			if err != nil || len(logs) != 1 {
				t.Fatalf("logs: %v, %v", logs, err)
			}
			for _, lines := range logs {
				if len(lines) > 1 {
					t.Errorf("the worker shows %q", lines)
				}
			}
		})
	}
}
