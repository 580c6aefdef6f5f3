package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Scale sets how many workers there shall be and returns at once; see
// WaitForWorkers and Settled. The workers that go are those with the highest
// numbers. They hand their results over before they end; one whose results have
// nowhere to go stays, and Settled says so. With 0 all end, and what they hold is
// lost: results are made again when there are workers.
func (c *Local) Scale(n int) error {
	if n < 0 {
		return fmt.Errorf("cluster %s: cannot scale to %d workers; give 0 or more", c.set.Name, n)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status != Running && c.status != Starting {
		return fmt.Errorf("cluster %s: cannot scale, it is %s", c.set.Name, c.status)
	}
	c.target, c.scaling = n, nil
	select {
	case c.poke <- struct{}{}:
	default:
	}
	return nil
}

// WaitForWorkers returns when at least n workers have joined. It fails when the
// cluster ends, when workers cannot be started, or with ctx.
func (c *Local) WaitForWorkers(ctx context.Context, n int) error {
	if n < 1 {
		return fmt.Errorf("cluster %s: cannot wait for %d workers; give 1 or more", c.set.Name, n)
	}
	return c.await(ctx, func() bool { return len(c.workers) >= n }, n)
}

// Settled returns when the number of workers is what Scale asked for, errors as
// in WaitForWorkers.
func (c *Local) Settled(ctx context.Context) error {
	return c.await(ctx, func() bool { return len(c.workers) == c.target }, c.target)
}

func (c *Local) await(ctx context.Context, done func() bool, n int) error {
	start := time.Now()
	for {
		c.mu.Lock()
		ok, have, changed, status, err := done(), len(c.workers), c.changed, c.status, c.scaling
		c.mu.Unlock()
		switch {
		case ok:
			return nil
		case err != nil:
			return err
		case status != Running && status != Starting:
			return fmt.Errorf("cluster %s: no workers to wait for, it is %s", c.set.Name, status)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("only %d of %d workers arrived after %v: %w", have, n, time.Since(start).Round(time.Millisecond), context.Cause(ctx))
		}
	}
}

// reconcile brings the number of workers to the target whenever that changes.
func (c *Local) reconcile() {
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.poke:
		}
		c.mu.Lock()
		missing := c.target - len(c.workers)
		var extra []*member
		if missing < 0 {
			extra = append(extra, c.workers[len(c.workers)+missing:]...)
			for _, m := range extra {
				m.leaving = true
			}
		}
		all := c.target == 0
		c.mu.Unlock()
		var err error
		if missing > 0 {
			err = c.grow(c.ctx, missing)
		} else if len(extra) > 0 {
			err = c.shrink(extra, all)
		}
		c.mu.Lock()
		if c.scaling = err; err != nil {
			c.log.Error("cannot scale", "error", err)
		}
		c.announce()
		c.mu.Unlock()
	}
}

// grow starts n workers side by side and returns the first failure once all
// have settled.
func (c *Local) grow(ctx context.Context, n int) error {
	numbers := c.freeNumbers(n)
	errs := make(chan error, n)
	var wg sync.WaitGroup
	for _, number := range numbers {
		wg.Go(func() { errs <- c.startWorker(ctx, number) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// freeNumbers are the n lowest names that no worker has.
func (c *Local) freeNumbers(n int) []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := map[int]bool{}
	for _, m := range c.workers {
		taken[m.number] = true
	}
	var free []int
	for i := 0; len(free) < n; i++ {
		if !taken[i] {
			free = append(free, i)
		}
	}
	return free
}

func (c *Local) startWorker(ctx context.Context, number int) error {
	o := c.set.Worker
	o.Scheduler, o.Name = c.set.Scheduler.Address(), strconv.Itoa(number)
	h, err := c.set.Source.StartWorker(ctx, c.set.Class, c.set.InProcess, o)
	if err != nil {
		return fmt.Errorf("worker %d of class %s: %w", number, c.set.Class, err)
	}
	m := &member{number: number, handle: h}
	c.log.Info("worker joined", "name", o.Name, "address", h.Address(), "pid", h.Pid())
	c.mu.Lock()
	at, _ := slices.BinarySearchFunc(c.workers, number, func(m *member, n int) int { return m.number - n })
	c.workers = slices.Insert(c.workers, at, m)
	c.announce()
	c.mu.Unlock()
	c.wg.Go(func() { c.watch(m) })
	return nil
}

// watch forgets a worker that ends by itself, for good.
func (c *Local) watch(m *member) {
	select {
	case <-c.ctx.Done():
		return
	case <-m.handle.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, w := range c.workers {
		if w == m && !m.leaving {
			c.workers = append(c.workers[:i:i], c.workers[i+1:]...)
			if err := m.handle.Err(); err != nil {
				c.log.Error("worker is gone for good", "name", m.handle.Name(), "error", err)
			} else {
				c.log.Info("worker has ended as it was asked to", "name", m.handle.Name())
			}
			c.announce()
			return
		}
	}
}

func (c *Local) stopAll(ctx context.Context, ms []*member, reason string) error {
	errs := make([]error, len(ms))
	var wg sync.WaitGroup
	for i, m := range ms {
		wg.Go(func() {
			if err := m.handle.Stop(ctx, reason); err != nil {
				errs[i] = fmt.Errorf("worker %s: %w", m.handle.Name(), err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
