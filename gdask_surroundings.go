package gdask

import (
	"context"
	"fmt"

	"github.com/gdask/gdask/sdk/hook"
)

// Worker is a worker as code inside of it sees it: tasks and methods of actors by
// [CurrentWorker], worker plugins by what their methods get.
type Worker = hook.Worker

// Nanny is the supervisor of a worker process as nanny plugins and functions that
// [Run] calls there see it.
type Nanny = hook.Nanny

// Scheduler is the scheduler as its plugins and functions that [RunOnScheduler] calls
// see it.
type Scheduler = hook.Scheduler

// CurrentWorker is the worker that runs the function which was called with ctx: a
// task, a method of an actor, or what [Run] calls. Elsewhere it is an error. It is
// what get_worker is in Dask.
func CurrentWorker(ctx context.Context) (Worker, error) {
	return around[Worker](ctx, "CurrentWorker", "a task was called with, or Run's function")
}

// CurrentNanny is the nanny in which [Run] calls a function, with RunOptions.Nanny.
func CurrentNanny(ctx context.Context) (Nanny, error) {
	return around[Nanny](ctx, "CurrentNanny", "Run's function was called with in a nanny (RunOptions.Nanny)")
}

// CurrentScheduler is the scheduler in which [RunOnScheduler] calls a function.
func CurrentScheduler(ctx context.Context) (Scheduler, error) {
	return around[Scheduler](ctx, "CurrentScheduler", "RunOnScheduler's function was called with")
}

func around[H hook.Host](ctx context.Context, what, whose string) (H, error) {
	h := hook.From[H](ctx)
	if any(h) == nil {
		return h, fmt.Errorf("gdask: %s needs the context that %s", what, whose)
	}
	return h, nil
}
