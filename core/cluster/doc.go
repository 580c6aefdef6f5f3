// Package cluster starts and stops a scheduler and its workers as one thing,
// and has the rules by which a cluster is fitted to a machine.
package cluster

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/sdk/worker"
)

// WorkerSource makes workers of named classes. The plugin host satisfies it.
type WorkerSource interface {
	// StartWorker starts one worker of the class and returns when it has joined
	// the scheduler. inProcess asks for the same process (builtin classes only).
	StartWorker(ctx context.Context, class string, inProcess bool, o worker.StartOptions) (worker.Handle, error)
}

// Scheduler is what a cluster needs of the scheduler in its process.
type Scheduler interface {
	Start(ctx context.Context) error
	// Address is the contact address once started.
	Address() string
	DashboardLink() string
	// RetireWorkers moves what only these workers hold, by name, to others and
	// lets what they run end, within the bound. It tells why some must stay.
	RetireWorkers(ctx context.Context, names []string, bound time.Duration) (kept map[string]string, err error)
	// Ending says that all workers are about to end, which move nothing any more.
	Ending()
	Close(ctx context.Context) error
}

// Settings of a local cluster. Scheduler and Source are required.
type Settings struct {
	// Name is shown and told to people; "" gives 8 random hexadecimal digits.
	Name string
	// Label is the kind of cluster in its text form; default "LocalCluster".
	Label     string
	Scheduler Scheduler
	Source    WorkerSource
	// Class is the worker class by name; InProcess runs it in this process.
	Class     string
	InProcess bool
	// Workers is how many to start with; 0 is an empty cluster.
	Workers int
	// Worker is the template of all workers; Scheduler and Name are filled in.
	Worker worker.StartOptions
	// Logger gets what the cluster does; nil discards it. It is also kept for Logs.
	Logger hclog.Logger
	// SchedulerLog is where the scheduler logs to, for Logs; may be nil.
	SchedulerLog *LogRing
	// CloseTimeout bounds Close when its context has no deadline; default 30 s.
	CloseTimeout time.Duration
	// RetireTimeout bounds how long workers that are scaled away move their data
	// and end their tasks; default a minute.
	RetireTimeout time.Duration
}
