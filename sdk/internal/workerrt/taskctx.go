package workerrt

import (
	"context"
	"sync"
	"time"

	"github.com/gdask/gdask/sdk/hook"
)

// taskCtx is the context of one task. It is a type of its own because most
// tasks never look at it: the channel is made when somebody asks for it.
type taskCtx struct {
	job *Job

	mu    sync.Mutex
	done  chan struct{}
	err   error
	after map[*afterFunc]struct{}
}

type afterFunc struct{ f func() }

var _ context.Context = (*taskCtx)(nil)

// Deadline implements context.Context.
func (c *taskCtx) Deadline() (time.Time, bool) {
	return c.job.deadline, !c.job.deadline.IsZero()
}

// Done implements context.Context.
func (c *taskCtx) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

// Err implements context.Context.
func (c *taskCtx) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// jobKey finds the job in a context.
type jobKey struct{}

// Value implements context.Context.
func (c *taskCtx) Value(key any) any {
	switch key {
	case jobKey{}:
		return c.job
	case hook.Key():
		return c.job.Worker().guest
	}
	return nil
}

// AfterFunc lets package context derive contexts from this one without a
// goroutine for each.
func (c *taskCtx) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f() // as context.AfterFunc promises: in a goroutine of its own
		return func() bool { return false }
	}
	a := &afterFunc{f}
	if c.after == nil {
		c.after = make(map[*afterFunc]struct{})
	}
	c.after[a] = struct{}{}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waiting := c.after[a]
		delete(c.after, a)
		return waiting
	}
}

// cancel ends the context with err, once.
func (c *taskCtx) cancel(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	if c.done != nil {
		close(c.done)
	}
	after := c.after
	c.after = nil
	c.mu.Unlock()
	for a := range after {
		go a.f()
	}
}

// FromContext returns the task that runs with ctx, or nil.
func FromContext(ctx context.Context) *Job {
	j, _ := ctx.Value(jobKey{}).(*Job)
	return j
}
