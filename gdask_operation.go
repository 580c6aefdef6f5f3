package gdask

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/gdask/gdask/core/client"
)

// OperationOptions are what a scheduler remembers and shows for those who operate
// it. The zero value has Dask's defaults.
type OperationOptions struct {
	// LogLength is how many lines of its log the scheduler shows; 0 means 10000.
	LogLength int
	// TaskStreamLength is how many runs of tasks are remembered once somebody asked
	// for them; 0 means 100000.
	TaskStreamLength int
	// DumpDirectory is where clients may have the scheduler write dumps of its
	// state; "" is nowhere.
	DumpDirectory string
	// HTTPAPI serves /api/v1: pages that act, for whoever reaches the HTTP server.
	HTTPAPI bool
	// EventLength is how many events of one topic are remembered; 0 means 1000.
	// EventsCleanupDelay is for how long those of a worker or client outlive it; 0
	// means an hour.
	EventLength        int
	EventsCleanupDelay time.Duration
	// LeaseTimeout is after which time without refresh a lease of a Python client
	// ends, of a semaphore that a Go client made; 0 means 30 s. LeaseValidation is the
	// time between two looks for such leases; 0 means 10 s.
	LeaseTimeout, LeaseValidation time.Duration
}

// LogLine is one line of a log.
type LogLine = client.LogLine

// SchedulerLogs are the last n lines of the scheduler's log, newest first; 0 asks
// for all that it remembers.
func (c *Client) SchedulerLogs(ctx context.Context, n int) ([]LogLine, error) {
	return c.core.SchedulerLogs(ctx, n)
}

// LogQuery says which lines WorkerLogs asks for.
type LogQuery struct {
	N       int      // how many of each worker; 0: all that it remembers
	Workers []string // addresses or names; nil: all
	Nanny   bool     // of the workers' nannies
}

// WorkerLogs are the last lines of workers' logs, newest first, by address.
// Workers that do not answer are left out.
func (c *Client) WorkerLogs(ctx context.Context, q LogQuery) (map[string][]LogLine, error) {
	return c.core.WorkerLogs(ctx, q.N, q.Workers, q.Nanny)
}

// Versions are what the parts of a cluster are made of: maps with the entries
// "host" and "packages".
type Versions struct {
	Client, Scheduler map[string]any
	Workers           map[string]map[string]any // by address
}

// Versions asks scheduler and workers what they are made of. Peers whose versions
// of gdask's protocol do not go together never get as far: they refuse to connect.
func (c *Client) Versions(ctx context.Context) (Versions, error) {
	v, err := c.core.Versions(ctx)
	own := map[string]any{
		"host":     map[string]any{"OS": runtime.GOOS, "machine": runtime.GOARCH},
		"packages": map[string]any{"gdask": buildVersion(), "go": runtime.Version()},
	}
	return Versions{Client: own, Scheduler: v.Scheduler, Workers: v.Workers}, err
}

// modulePath is this module's, as builds record it.
const modulePath = "github.com/gdask/gdask"

// buildVersion is the version of gdask in this program; "devel" when the build does
// not say.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == modulePath && m.Version != "" && m.Version != "(devel)" {
			return m.Version
		}
	}
	return "devel"
}

// DumpOptions say what DumpClusterState writes.
type DumpOptions struct {
	// Format is msgpack, yaml or json; "": what the file's name says, or msgpack.
	Format string
	// Exclude are names of fields to leave out.
	Exclude []string
	// OnScheduler has the scheduler write the file, below the directory that its
	// operator allowed (OperationOptions.DumpDirectory, scheduler.dump-directory).
	OnScheduler bool
}

// DumpClusterState writes all that scheduler and workers know to a file, in the
// form of Dask's dumps, which Dask's tools read, and returns the file's name. What
// is named like a secret in workers' configurations is left out.
func (c *Client) DumpClusterState(ctx context.Context, path string, o DumpOptions) (string, error) {
	d := client.Dump{Format: o.Format, Exclude: o.Exclude}
	if o.OnScheduler {
		return path, c.core.DumpOnScheduler(ctx, path, d)
	}
	return c.core.DumpClusterState(ctx, path, d)
}

// SchedulerInfo is what Dask calls the scheduler's identity, as nested maps: type,
// id, address, services, started, workers and totals.
func (c *Client) SchedulerInfo(ctx context.Context) (map[string]any, error) {
	return c.core.SchedulerInfo(ctx)
}
