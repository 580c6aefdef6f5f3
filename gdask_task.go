package gdask

import (
	"context"
	"fmt"
	"reflect"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/worker"
)

// ErrReschedule sends a task back to the scheduler, which may run it elsewhere,
// when its function returns it, also wrapped.
var ErrReschedule = task.ErrReschedule

// TaskInfo is what a task knows of itself.
type TaskInfo struct {
	Key string
	// Priority orders tasks: smaller numbers, compared one by one, run first.
	Priority []float64
	// Annotations are those of [Options], in their natural Go form.
	Annotations map[string]any
}

// scopeOf is the task or method that runs with ctx.
func scopeOf(ctx context.Context, what string) (*worker.Scope, error) {
	if scope := worker.FromContext(ctx); scope != nil {
		return scope, nil
	}
	return nil, fmt.Errorf("gdask: %s needs the context that a task was called with", what)
}

// CurrentTask is the task that runs with ctx; see [CurrentWorker] for where.
func CurrentTask(ctx context.Context) (TaskInfo, error) {
	s, err := scopeOf(ctx, "CurrentTask")
	if err != nil {
		return TaskInfo{}, err
	}
	info := TaskInfo{Key: client.KeyText(s.Key()), Priority: s.Priority()}
	v, err := task.DecodeValue(s.Annotations(), reflect.TypeFor[map[string]any]())
	if err != nil {
		return info, fmt.Errorf("gdask: annotations of %s: %w", info.Key, err)
	}
	info.Annotations, _ = v.(map[string]any)
	return info, nil
}

// Secede gives the slot of ctx's task to others while it goes on, for instance
// to wait for something outside. Twice is harmless.
func Secede(ctx context.Context) error {
	s, err := scopeOf(ctx, "Secede")
	if err == nil {
		s.Secede()
	}
	return err
}

// Rejoin waits for a slot after [Secede].
func Rejoin(ctx context.Context) error {
	s, err := scopeOf(ctx, "Rejoin")
	if err != nil {
		return err
	}
	return s.Rejoin(ctx)
}

// FireAndForget has the cluster run the tasks of the futures even when nobody
// holds these any more. Their results are forgotten once they are there.
func FireAndForget[F AnyFuture](fs ...F) {
	for _, f := range fs {
		f.core().Client().FireAndForget(f.core())
	}
}
