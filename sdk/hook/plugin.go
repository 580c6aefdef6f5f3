package hook

import (
	"context"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// WorkerPlugin runs in every worker, also those that join later. An error of
// Setup reaches who registers the plugin; the worker goes on without it.
type WorkerPlugin interface {
	Setup(ctx context.Context, w Worker) error
	// Teardown is called when the plugin is replaced or taken away and when the
	// worker ends.
	Teardown(ctx context.Context, w Worker) error
}

// WorkerTransition is a WorkerPlugin that hears of the tasks' states in its
// worker, in order but not at once.
type WorkerTransition interface {
	Transition(key wire.Key, from, to string)
}

// NannyPlugin runs beside every supervised worker, in the process that has
// started it.
type NannyPlugin interface {
	Setup(ctx context.Context, n Nanny) error
	Teardown(ctx context.Context, n Nanny) error
}

// NannyRestart is a NannyPlugin whose worker must be started again after Setup
// when it returns true, for instance because its environment has changed.
type NannyRestart interface {
	Restart() bool
}

// SchedulerPlugin runs in the scheduler. What else it wants to hear of it says by
// the methods of the interfaces below. They are called one at a time, in the order
// of what happened, outside of the scheduler's own work: a slow plugin delays
// nobody but itself, and one that falls too far behind misses events.
type SchedulerPlugin interface {
	Start(ctx context.Context, s Scheduler) error
}

// Closer is a SchedulerPlugin that cleans up; the last call.
type Closer interface {
	Close(ctx context.Context) error
}

// BeforeCloser is a SchedulerPlugin that acts while workers and clients are
// still there.
type BeforeCloser interface {
	BeforeClose(ctx context.Context) error
}

// GraphUpdater hears of tasks that clients submit.
type GraphUpdater interface {
	UpdateGraph(client string, keys []wire.Key)
}

// Restarter hears that all tasks were forgotten and workers are started anew.
type Restarter interface{ Restart() }

// Transition is one change of a task's state.
type Transition struct {
	Key      wire.Key
	From, To string // Dask's names
	Stimulus string // id of what caused it
	Time     time.Time
}

// Transitioner hears of tasks' states.
type Transitioner interface{ Transition(t Transition) }

// WorkerAdder hears of workers that join.
type WorkerAdder interface{ AddWorker(address string) }

// WorkerRemover hears of workers that leave.
type WorkerRemover interface{ RemoveWorker(address string) }

// ClientAdder hears of clients that come.
type ClientAdder interface{ AddClient(id string) }

// ClientRemover hears of clients that go.
type ClientRemover interface{ RemoveClient(id string) }

// EventLogger hears of events that are logged; msg is msgpack, perhaps with
// values of Python inside.
type EventLogger interface {
	LogEvent(topic string, msg wire.Opaque)
}

// Downscaler narrows the workers that scaling down may choose from. It is asked
// for an answer and gets a second for it.
type Downscaler interface {
	ValidWorkersDownscaling(workers []string) []string
}
