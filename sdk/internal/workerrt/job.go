package workerrt

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// Job is one run of a task.
type Job struct {
	w        *Worker
	key      wire.Key
	msg      *wire.ComputeTask
	deps     []dep
	deadline time.Time
	began    atomic.Int64 // Unix nanoseconds
	phase    atomic.Int32
	call     *task.Call
	ctx      taskCtx
	done     state.Done
	rejoined chan struct{} // made by Rejoin
	seceded  bool
	lost     *lostInputs // made if some inputs are on disk
	chain    []wire.Key  // in a call of an actor: the actors that wait, itself last
}

// Phases of a job: it is begun by a slot or taken back by the machine, never both.
const (
	phaseQueued = iota
	phaseBegun
	phaseRevoked
)

// dep is an input at the time when the task was started.
type dep struct {
	key   wire.Key
	value any
}

// newJob prepares a run; the inputs are taken now, because the machine may let
// go of them once the task is cancelled.
func (w *Worker) newJob(t *state.Task) *Job {
	j := &Job{w: w, key: t.Key, msg: t.Msg}
	j.ctx.job = j
	if len(t.Deps) > 0 {
		j.deps = make([]dep, len(t.Deps))
		for i, d := range t.Deps {
			j.deps[i] = dep{d.Key, d.Data}
			if h, ok := d.Data.(*stored); ok {
				h.hold()
				if j.lost == nil {
					j.lost = &lostInputs{}
				}
			}
		}
	}
	return j
}

// Key is the task's key.
func (j *Job) Key() wire.Key { return j.key }

// Runtime names what understands the run spec.
func (j *Job) Runtime() string { return j.msg.Runtime }

// Spec is the run spec.
func (j *Job) Spec() wire.Opaque { return j.msg.RunSpec }

// Annotations are what the client attached for whoever runs the task.
func (j *Job) Annotations() wire.Opaque { return j.msg.Annotations }

// Priority is the scheduler's.
func (j *Job) Priority() []float64 { return j.msg.Priority }

// Chain are the actors that wait for this run, its own last.
func (j *Job) Chain() []wire.Key { return j.chain }

// slotless says that the job is a call of an actor, which takes no slot.
func (j *Job) slotless() bool { return len(j.chain) > 0 }

// Worker is the worker that runs it.
func (j *Job) Worker() *Worker { return j.w }

// Call is the decoded run spec of the runtime "go".
func (j *Job) Call() (*task.Call, error) {
	if j.call != nil {
		return j.call, nil
	}
	if rt := j.msg.Runtime; rt != RuntimeGo {
		if rt == "" {
			rt = "python"
		}
		return nil, fmt.Errorf("worker: task %s needs the runtime %q; this worker calls Go functions", j.key, rt)
	}
	c, err := task.DecodeCall(j.msg.RunSpec)
	j.call = c
	return c, err
}

// Args are the arguments as the function will get them.
func (j *Job) Args() ([]any, error) {
	_, args, err := j.bind()
	return args, err
}

func (j *Job) bind() (*task.Function, []any, error) {
	c, err := j.Call()
	if err != nil {
		return nil, nil, err
	}
	f, err := j.w.set.Registry.Resolve(c)
	if err != nil {
		return nil, nil, err
	}
	args, err := f.Bind(c, j.fetch)
	return f, args, err
}

// Run calls the function.
func (j *Job) Run(ctx context.Context) (any, error) {
	f, args, err := j.bind()
	if err != nil {
		return nil, err
	}
	return f.Invoke(ctx, args)
}

// Inputs calls f for each dependency; decode makes a value of type t of it.
func (j *Job) Inputs(f func(key wire.Key, decode func(t reflect.Type) (any, error))) {
	for i := range j.deps {
		d := &j.deps[i]
		f(d.key, func(t reflect.Type) (any, error) { return j.input(d, t) })
	}
}

func (j *Job) fetch(key wire.Key, t reflect.Type) (any, error) {
	for i := range j.deps {
		if j.deps[i].key == key {
			return j.input(&j.deps[i], t)
		}
	}
	return nil, fmt.Errorf("worker: task %s needs %s, which the scheduler did not name as a dependency", j.key, key)
}

// execute is the whole run in its slot.
func (j *Job) execute() {
	if !j.phase.CompareAndSwap(phaseQueued, phaseBegun) {
		return
	}
	start := time.Now()
	j.began.Store(start.UnixNano())
	if j.msg.Timeout > 0 {
		stop := j.limit(start, j.msg.Timeout)
		defer stop()
	}
	value, err := j.safely()
	j.finish(start, value, err)
}

// limit ends the context after so many seconds.
func (j *Job) limit(start time.Time, seconds float64) (stop func()) {
	d := time.Duration(seconds * float64(time.Second))
	j.deadline = start.Add(d)
	t := time.AfterFunc(d, func() { j.ctx.cancel(context.DeadlineExceeded) })
	return func() { t.Stop() }
}

// safely runs the author's or the plain way; what panics outside of the
// function itself, such as the decoder of an argument, is the task's failure too.
func (j *Job) safely() (value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = task.NewPanicError(r)
		}
	}()
	if run := j.w.set.Run; run != nil {
		return run(&j.ctx, j)
	}
	return j.Run(&j.ctx)
}

func (j *Job) finish(start time.Time, value any, err error) {
	j.done = state.Done{Key: j.key, Start: unixSeconds(start), Stop: unixSeconds(time.Now())}
	j.outcome(value, err)
	j.call = nil
	j.letGo()
	j.w.finished(j)
}

// outcome fills in what became of the task. The methods of values and errors are
// users' code, and may panic as well.
func (j *Job) outcome(value any, err error) {
	defer func() {
		if r := recover(); r != nil {
			p := task.NewPanicError(r)
			of := fmt.Sprintf("the result, a %T", value)
			if err != nil {
				of = fmt.Sprintf("the error, a %T", err)
			}
			j.done.Failure = failureOf(fmt.Sprintf("%s, in a method of %s", p.Error(), of), p)
		}
	}()
	d := &j.done
	if j.msg.Actor && err == nil {
		value, err = j.w.newActor(j.key, value)
	}
	switch lost := j.lost.get(); {
	case err != nil && len(lost) > 0:
		d.Lost = lost
	case errors.Is(err, task.ErrReschedule):
		d.Reschedule = true
	case err != nil:
		d.Failure = j.failure(err)
	default:
		if a, ok := value.(*actor); ok {
			d.Data, d.Nbytes, d.Type = a, task.Sizeof(a.value), typeName(a.value)
			return
		}
		d.Nbytes = task.Sizeof(value) // first: it may panic
		d.Data, d.Type = value, typeName(value)
		j.w.straightToDisk(d)
	}
}

func (j *Job) failure(err error) *state.Failure {
	text := err.Error()
	if errors.Is(err, context.DeadlineExceeded) && !j.deadline.IsZero() && j.ctx.Err() != nil {
		text = fmt.Sprintf("task %s: timeout of %v s passed: %s", j.key, j.msg.Timeout, text)
	}
	return failureOf(text, err)
}

// failureOf has the error in the forms for people, Go and Python.
func failureOf(text string, err error) *state.Failure {
	f := &state.Failure{Text: text, Exception: wire.StringOpaque(text)}
	if p, ok := errors.AsType[*task.PanicError](err); ok {
		f.TracebackText = p.Stack
	}
	var pickler wire.Pickler
	if errors.As(err, &pickler) {
		f.Exception = wire.BytesOpaque(pickler.Pickle())
	}
	return f
}

func typeName(v any) string {
	if v == nil {
		return "nil"
	}
	return reflect.TypeOf(v).String()
}

func unixSeconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
