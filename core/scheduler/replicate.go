package scheduler

import (
	"context"
	"fmt"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// replicate sees to it that each key has n copies (default: one on every worker)
// among some workers. What cannot be copied is named in the answer.
func (c *call) replicate() (any, error) {
	e, err := c.replication()
	if err != nil {
		return nil, err
	}
	done, err := c.s.errand(c.ctx, func(id int64) state.Event { e.ID = id; return e })
	if err != nil {
		return nil, err
	}
	c.s.loop.post(func() {
		c.s.loop.event("all", eventFields("replicate", "keys", fmt.Sprint(len(e.Keys)), "copies", fmt.Sprint(done.Copied)))
	})
	if done.Status == state.ErrandOK {
		return nil, nil
	}
	return partialFail(done), nil
}

// partialFail is the answer that names the keys that something was not done for.
func partialFail(d state.ErrandDone) any {
	return &tree{object{{"status", "partial-fail"}, {"keys", d.Keys}}}
}

// replication reads and checks the fields of replicate.
func (c *call) replication() (e state.Replicate, err error) {
	if e.Keys, err = c.keys("keys"); err != nil {
		return e, err
	}
	e.N, e.BranchingFactor = int(c.float("n", 0)), int(c.float("branching_factor", 2))
	e.Timeout = c.duration("timeout", copyBound)
	if c.has("n") && e.N < 1 {
		return e, asPython("ValueError", "replicate: n is %d; it cannot delete data, give 1 or more", e.N)
	}
	if e.BranchingFactor < 1 {
		return e, asPython("ValueError", "replicate: branching_factor is %d; give 1 or more", e.BranchingFactor)
	}
	names, err := c.workerNames()
	if err != nil {
		return e, err
	}
	running := 0
	err = c.s.loop.do(c.ctx, func() {
		if names != nil {
			e.Workers = []string{}
		}
		for _, w := range c.s.loop.find(names) {
			if names != nil {
				e.Workers = append(e.Workers, w.address)
			}
			if w.status == "running" {
				running++
			}
		}
	})
	if err == nil && running == 0 {
		err = asPython("ValueError", "replicate: no running worker is called %q; wait for one, or name others", names)
	}
	return e, err
}

// spread copies n of each of the values to the workers; see replicate.
func (s *Scheduler) spread(ctx context.Context, keys []wire.Key, workers []string, n int, bound time.Duration) error {
	done, err := s.errand(ctx, func(id int64) state.Event {
		return state.Replicate{ID: id, Keys: keys, Workers: workers, N: n, Timeout: bound}
	})
	if err == nil && done.Status != state.ErrandOK {
		err = fmt.Errorf("not all copies could be made: %s", done.Reason)
	}
	return err
}
