package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/sdk/worker"
)

// Status is where a cluster is in its life.
type Status string

// The life of a cluster: created, starting, running, closing, closed; or failed.
const (
	Created  Status = "created"
	Starting Status = "starting"
	Running  Status = "running"
	Closing  Status = "closing"
	Closed   Status = "closed"
	Failed   Status = "failed"
)

// Local is a scheduler in this process with workers on this machine. All
// methods may be called concurrently.
type Local struct {
	set  Settings
	log  hclog.Logger
	ring *LogRing

	ctx    context.Context // ends when the cluster closes
	cancel context.CancelFunc
	wg     sync.WaitGroup // reconciler, watchers
	poke   chan struct{}  // capacity 1: the reconciler has something to do

	mu      sync.Mutex
	status  Status
	target  int
	workers []*member // in order of their numbers
	changed chan struct{}
	scaling error // why the last attempt to reach the target failed
	closed  chan struct{}
	closing error
}

// member is one worker of the cluster.
type member struct {
	number  int
	handle  worker.Handle
	leaving bool // it is being scaled away
}

// NewLocal prepares a cluster; Start starts it.
func NewLocal(s Settings) (*Local, error) {
	if s.Scheduler == nil || s.Source == nil {
		return nil, errors.New("cluster: Settings need a Scheduler and a Source of workers")
	}
	if s.Workers < 0 || s.Worker.NThreads < 1 {
		return nil, fmt.Errorf("cluster: %d workers of %d threads; give at least 0 workers of 1 thread", s.Workers, s.Worker.NThreads)
	}
	if s.Name == "" {
		var b [4]byte
		_, _ = rand.Read(b[:]) // never fails
		s.Name = hex.EncodeToString(b[:])
	}
	if s.Label == "" {
		s.Label = "LocalCluster"
	}
	if s.CloseTimeout <= 0 {
		s.CloseTimeout = 30 * time.Second
	}
	if s.RetireTimeout <= 0 {
		s.RetireTimeout = time.Minute
	}
	if s.Logger == nil {
		s.Logger = hclog.NewNullLogger()
	}
	c := &Local{set: s, status: Created, poke: make(chan struct{}, 1), changed: make(chan struct{}), closed: make(chan struct{})}
	c.ring = NewLogRing(0)
	c.log = c.ring.Tee("cluster", s.Logger)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// Start starts the scheduler, then all workers side by side, and returns when
// all have joined. When one fails everything is closed and the first failure
// returned; ctx bounds the start.
func (c *Local) Start(ctx context.Context) error {
	c.mu.Lock()
	if c.status != Created {
		defer c.mu.Unlock()
		return fmt.Errorf("cluster %s: cannot start, it is %s", c.set.Name, c.status)
	}
	c.status, c.target = Starting, c.set.Workers
	c.wg.Add(1) // a Close meanwhile waits for what the start has begun
	c.mu.Unlock()
	err := c.begin(ctx)
	c.wg.Done()
	if err == nil {
		return nil
	}
	err = fmt.Errorf("cluster %s failed to start: %w", c.set.Name, err)
	if c.ends() {
		_ = c.end(context.WithoutCancel(ctx), Failed)
	}
	return err
}

// begin does the work of Start, as long as the cluster is not closed.
func (c *Local) begin(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)() //nolint:contextcheck // the cluster's life ends the start too
	if err := c.set.Scheduler.Start(ctx); err != nil {
		return fmt.Errorf("its scheduler: %w", err)
	}
	if err := c.grow(ctx, c.set.Workers); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status != Starting {
		return errors.New("it was closed meanwhile")
	}
	c.status = Running
	c.wg.Go(c.reconcile)
	return nil
}

// ends begins the end of the cluster; false when it has begun.
func (c *Local) ends() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.status == Closing || c.status == Closed || c.status == Failed {
		return false
	}
	c.status = Closing
	return true
}

// Close stops the workers, gracefully and side by side, then the scheduler. ctx
// bounds it ([Settings].CloseTimeout without a deadline); at its end workers are killed.
// Closing twice waits for the first.
func (c *Local) Close(ctx context.Context) error {
	if c.ends() {
		return c.end(ctx, Closed)
	}
	select {
	case <-c.closed:
		return c.closing
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *Local) end(ctx context.Context, last Status) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.set.CloseTimeout)
		defer cancel()
	}
	c.cancel()
	c.wg.Wait()
	c.mu.Lock()
	leaving := c.workers
	c.workers, c.target = nil, 0
	c.mu.Unlock()
	c.set.Scheduler.Ending()
	err := c.stopAll(ctx, leaving, "the cluster closes")
	err = errors.Join(err, c.set.Scheduler.Close(ctx))
	if err != nil {
		err = fmt.Errorf("cluster %s: close: %w", c.set.Name, err)
	}
	c.mu.Lock()
	c.status, c.closing = last, err
	c.announce()
	c.mu.Unlock()
	close(c.closed)
	return err
}

// announce wakes who waits for a change; c.mu is held.
func (c *Local) announce() {
	close(c.changed)
	c.changed = make(chan struct{})
}
