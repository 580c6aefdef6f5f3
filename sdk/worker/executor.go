package worker

import (
	"context"
	"reflect"

	"github.com/gdask/gdask/sdk/internal/workerrt"
	"github.com/gdask/gdask/sdk/wire"
)

// Executor runs tasks. One executor serves all slots of a worker: Execute is
// called by several goroutines at once.
type Executor interface {
	// Execute runs one task; [Task.Run] is the plain way. ctx ends when the task
	// is cancelled, its timeout passes or the worker stops. An error or a panic
	// is the task's failure; an error that wraps ErrReschedule of package task sends the
	// task to another worker.
	Execute(ctx context.Context, t Task) (Result, error)
}

// Setup is an Executor that prepares itself; an error keeps the worker from
// joining. ctx bounds the start.
type Setup interface {
	Setup(ctx context.Context) error
}

// Teardown is an Executor that cleans up after the worker has left; ctx bounds
// the stop.
type Teardown interface {
	Teardown(ctx context.Context) error
}

// Resources is an Executor whose workers offer abstract resources. What the
// start options say of the same name counts.
type Resources interface{ Resources() map[string]float64 }

// Pause is an Executor that wants to know when the worker is paused because
// memory is short, and when it goes on.
type Pause interface{ Pause(paused bool) }

// Result is what a task returned.
type Result struct {
	// Value is the result. It stays this Go value in the worker; see package task
	// on aliasing.
	Value any
}

// Task is one run of a task. It is valid until Execute returns.
type Task struct{ job *workerrt.Job }

// Key is the task's key.
func (t Task) Key() wire.Key { return t.job.Key() }

// Function is the name of the Go function, "" for run specs of other runtimes.
func (t Task) Function() string {
	c, err := t.job.Call()
	if err != nil {
		return ""
	}
	return c.Name
}

// Args are the arguments as the function gets them. They are shared: do not
// change them.
func (t Task) Args() ([]any, error) { return t.job.Args() }

// Run calls the function in this goroutine.
func (t Task) Run(ctx context.Context) (Result, error) {
	v, err := t.job.Run(ctx)
	return Result{v}, err
}

// Runtime names what understands the run spec: "go", or one that the class
// announced with [Runtimes].
func (t Task) Runtime() string { return t.job.Runtime() }

// Spec is the run spec of another runtime.
func (t Task) Spec() wire.Opaque { return t.job.Spec() }

// Annotations are what the client attached to the task.
func (t Task) Annotations() wire.Opaque { return t.job.Annotations() }

// Inputs are the results that the task depends on, in their natural Go form
// (see DecodeValue of package task).
func (t Task) Inputs() (map[wire.Key]any, error) {
	in := make(map[wire.Key]any)
	var first error
	t.job.Inputs(func(k wire.Key, decode func(reflect.Type) (any, error)) {
		v, err := decode(reflect.TypeFor[any]())
		if err != nil && first == nil {
			first = err
		}
		in[k] = v
	})
	return in, first
}
