//go:build unix

package gdask

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gdask/gdask/core/nanny"
	"github.com/gdask/gdask/core/scheduler/state"
)

// smallMemory is a cluster of one worker process whose limit leaves room for
// what the race detector needs, and a scheduler that forgives one death.
func smallMemory() LocalOptions {
	o := modes["processes"]
	o.NWorkers, o.ThreadsPerWorker, o.MemoryLimit = new(1), new(1), "512MiB"
	machine := state.DefaultConfig()
	machine.AllowedFailures = 1
	o.Scheduler = &machine
	return o
}

func TestWorkerOverItsMemoryLimitIsReplaced(t *testing.T) {
	for name, polite := range map[string]bool{"polite": true, "deaf": false} {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 120*time.Second)
			c := newClient(t, ctx, smallMemory())
			lc := c.Cluster().(*LocalCluster)
			before := lc.Workers()[0].Pid()
			_, err := hog.Submit(c, 1<<30, polite).Result(ctx)
			var ke *KilledWorkerError
			if !errors.As(err, &ke) || strings.Count(err.Error(), "out of memory") != 2 {
				t.Fatalf("%v", err)
			}
			if n := strings.Count(err.Error(), "ended by signal") + strings.Count(err.Error(), "exit code"); n != 2 {
				t.Errorf("how %d of 2 processes ended is told: %v", n, err)
			}
			if got, err := inc.Submit(c, 1).Result(ctx); err != nil || got != 2 {
				t.Errorf("afterwards: %d, %v", got, err)
			}
			if now := lc.Workers()[0].Pid(); now == before || syscall.Kill(before, 0) == nil {
				t.Errorf("process %d was replaced by %d", before, now)
			}
		})
	}
}

// A stricter policy ends a process that is well below its limit.
func TestMemoryPolicy(t *testing.T) {
	ctx := within(t, 120*time.Second)
	o := smallMemory()
	o.MemoryLimit, o.MemoryPolicy = "2GiB", &nanny.Policy{Terminate: 0.25, Interval: 10 * time.Millisecond}
	c := newClient(t, ctx, o)
	var ke *KilledWorkerError
	if _, err := hog.Submit(c, 1<<30, false).Result(ctx); !errors.As(err, &ke) || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("%v", err)
	}
}
