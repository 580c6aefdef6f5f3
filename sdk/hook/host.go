package hook

import (
	"context"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/sdk/wire"
)

// Host is what all surroundings have.
type Host interface {
	// Address is where the worker, nanny or scheduler answers requests.
	Address() string
	// Logger gets lines that get_logs shows.
	Logger() hclog.Logger
}

// Worker is a worker as code inside of it sees it.
type Worker interface {
	Host
	Name() string
	// Scheduler is the scheduler's contact address.
	Scheduler() string
	// LocalDirectory is the worker's private directory; it is removed at its end.
	LocalDirectory() string
	NThreads() int
	// Status is Dask's name of what the worker does, such as running or paused.
	Status() string
	// Keys are the results that the worker holds.
	Keys() []wire.Key
	// LogEvent tells the scheduler, which keeps it and passes it on to clients
	// that have subscribed to the topic. msg is a simple value: text, numbers, or slices and
	// maps of these.
	LogEvent(topic string, msg any) error
}

// Nanny is the supervisor of a worker process as code inside of it sees it.
type Nanny interface {
	Host
	Name() string
	Scheduler() string
	// Worker is the address of the present worker, "" before the first.
	Worker() string
	// Pid is the process of the present worker, 0 before the first.
	Pid() int
	// Setenv sets a variable in the environment of the processes that are started
	// from now on; Unsetenv lets them have what they would have had.
	Setenv(name, value string)
	Unsetenv(name string)
}

// Scheduler is the scheduler as code inside of it sees it.
type Scheduler interface {
	Host
	ID() string
	// Workers are the addresses of all workers, sorted.
	Workers(ctx context.Context) ([]string, error)
	// Identity is what the scheduler tells of itself and its workers, as JSON.
	Identity(ctx context.Context) ([]byte, error)
	// LogEvent records an event for the clients that have subscribed to the topic.
	LogEvent(topic string, msg any) error
}

// hostKey finds the surroundings in a context.
type hostKey struct{}

// With returns a context in which From finds h.
func With(ctx context.Context, h Host) context.Context { return context.WithValue(ctx, hostKey{}, h) }

// From is the surroundings of the function that was called with ctx; nil when
// they are of another kind, or there are none.
func From[H Host](ctx context.Context) H {
	h, _ := ctx.Value(hostKey{}).(H)
	return h
}

// Key is what a context of other making finds its surroundings by.
func Key() any { return hostKey{} }
