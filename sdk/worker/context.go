package worker

import (
	"context"

	"github.com/gdask/gdask/sdk/actor"
	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/internal/workerrt"
	"github.com/gdask/gdask/sdk/wire"
)

// Scope is what a running task knows of its surroundings.
type Scope struct{ job *workerrt.Job }

// FromContext returns the scope of the task that runs with ctx, or nil outside
// of tasks.
func FromContext(ctx context.Context) *Scope {
	if j := workerrt.FromContext(ctx); j != nil {
		return &Scope{j}
	}
	return nil
}

// Key is the key of the running task.
func (s *Scope) Key() wire.Key { return s.job.Key() }

// Worker is the contact address of the worker.
func (s *Scope) Worker() string { return s.job.Worker().Address() }

// Name is the worker's name.
func (s *Scope) Name() string { return s.job.Worker().Name() }

// Scheduler is the contact address of the scheduler: a client made from it can
// submit tasks from inside of a task.
func (s *Scope) Scheduler() string { return s.job.Worker().Scheduler() }

// Transports are what the worker dials with.
func (s *Scope) Transports() *comm.Set { return s.job.Worker().Transports() }

// LocalDirectory is the worker's private directory for files; it is removed
// when the worker ends.
func (s *Scope) LocalDirectory() string { return s.job.Worker().LocalDirectory() }

// Actors makes calls of actors as the worker.
func (s *Scope) Actors() *actor.Caller { return s.job.Worker().Actors() }

// Go runs f in a goroutine that the worker waits for at its end; false when it is
// ending already.
func (s *Scope) Go(f func()) bool { return s.job.Worker().Go(f) }

// Chain are the actors whose methods wait for what runs here, itself last; nil
// outside of actors.
func (s *Scope) Chain() []wire.Key { return s.job.Chain() }

// Annotations are what the client attached to the task.
func (s *Scope) Annotations() wire.Opaque { return s.job.Annotations() }

// Priority is the task's place in the order of tasks: smaller numbers run first.
func (s *Scope) Priority() []float64 { return s.job.Priority() }

// Secede gives the task's slot to another task while this one goes on. A task
// that waits for tasks that it submitted must secede, or it may wait for ever.
func (s *Scope) Secede() { s.job.Secede() }

// Rejoin waits for a slot after Secede. It returns early with an error when ctx
// or the task ends.
func (s *Scope) Rejoin(ctx context.Context) error { return s.job.Rejoin(ctx) }

// LogEvent publishes a message under topics at the scheduler, which sends it to
// the clients that have subscribed.
func (s *Scope) LogEvent(msg wire.Opaque, topics ...string) error {
	return s.job.Worker().LogEvent(msg, topics...)
}

// Logger is the worker's log: its lines are seen where the worker's are, by
// clients that ask for them, and by those that have logs forwarded.
func (s *Scope) Logger() hclog.Logger { return s.job.Worker().TaskLogger() }
