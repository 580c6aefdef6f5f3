package gdask

import (
	"context"
	"errors"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/wire"
)

// CopiesError names the results that could not be copied or moved.
type CopiesError = client.CopiesError

// ReplicateOptions say how many copies there shall be and where.
type ReplicateOptions struct {
	// N is the number of copies; 0: one on every worker.
	N int
	// Workers to choose from, by address, name or host; nil means all.
	Workers []string
	// BranchingFactor is how many copies are made from each one at a time; 0 means 2.
	BranchingFactor int
}

// Replicate waits for the futures and then has their results copied until there
// are N of each; what is more is dropped. The scheduler keeps as many until the
// futures are released or Replicate asks for one copy.
func (c *Client) Replicate(ctx context.Context, o ReplicateOptions, fs ...AnyFuture) error {
	keys, err := c.computed(ctx, fs)
	if err != nil {
		return err
	}
	return c.core.Replicate(ctx, keys, client.Replication{N: o.N, Workers: o.Workers, BranchingFactor: o.BranchingFactor})
}

// Rebalance moves results from workers that use much memory to those that use
// little: those of the futures, for which it waits, or all where none are given.
func (c *Client) Rebalance(ctx context.Context, fs ...AnyFuture) error {
	if len(fs) == 0 {
		return c.core.Rebalance(ctx, nil, nil)
	}
	keys, err := c.computed(ctx, fs)
	if err != nil {
		return err
	}
	return c.core.Rebalance(ctx, keys, nil)
}

// RebalanceAmong is Rebalance of all results on some workers.
func (c *Client) RebalanceAmong(ctx context.Context, workers []string) error {
	if len(workers) == 0 {
		return errors.New("gdask: RebalanceAmong got no workers; name some, or use Rebalance")
	}
	return c.core.Rebalance(ctx, nil, workers)
}

// computed waits for futures of this client and returns their keys.
func (c *Client) computed(ctx context.Context, fs []AnyFuture) ([]wire.Key, error) {
	if len(fs) == 0 {
		return nil, errors.New("gdask: no futures given")
	}
	if err := Wait(ctx, fs...); err != nil {
		return nil, err
	}
	keys := make([]wire.Key, len(fs))
	for i, f := range fs {
		if err := c.mayUse(f.core()); err != nil {
			return nil, err
		}
		keys[i] = f.TaskKey()
	}
	return keys, nil
}

// MemoryManager controls the scheduler's active memory manager, which drops
// copies of results that nobody asked for.
type MemoryManager struct{ c *Client }

// MemoryManager is that of the client's scheduler. It runs by itself unless
// distributed.scheduler.active-memory-manager.start says otherwise.
func (c *Client) MemoryManager() MemoryManager { return MemoryManager{c} }

// Start has it run by itself.
func (m MemoryManager) Start(ctx context.Context) error { return m.call(ctx, "start") }

// Stop ends that.
func (m MemoryManager) Stop(ctx context.Context) error { return m.call(ctx, "stop") }

// RunOnce runs it now.
func (m MemoryManager) RunOnce(ctx context.Context) error { return m.call(ctx, "run_once") }

// Running says whether it runs by itself.
func (m MemoryManager) Running(ctx context.Context) (bool, error) {
	return m.c.core.MemoryManager(ctx, "running")
}

func (m MemoryManager) call(ctx context.Context, method string) error {
	_, err := m.c.core.MemoryManager(ctx, method)
	return err
}
