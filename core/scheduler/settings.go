package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gdask/gdask/core/scheduler/coord"
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/hashicorp/go-hclog"
)

// DefaultDashboardAddress is where the HTTP server listens when the user did
// not say otherwise.
const DefaultDashboardAddress = "127.0.0.1:8787"

// Settings of a scheduler. Only Transports is required.
type Settings struct {
	// State configures the machine. State.WorkerTTL is applied by the shell, to
	// workers that are not gdask's.
	State state.Config
	// Transports are the comm protocols of this process.
	Transports *comm.Set
	// Listen are the addresses to bind, such as "tcp://127.0.0.1:8786"; the first
	// is the one announced. Empty: one address of the default scheme's choice.
	Listen []string
	// DashboardAddress is host:port of the HTTP server; ":8787" means loopback.
	// Empty or "none": no HTTP server.
	DashboardAddress string
	// Logger receives what an operator should know; nil: nothing is logged.
	Logger hclog.Logger
	// GraphReader reads the graphs of Python clients; nil: their keys err with a
	// sentence that says what to install.
	GraphReader GraphReader
	// Wire configures connections. A zero WriteTimeout means 60 s here: a peer
	// that has not read a message after that long is dropped.
	Wire wire.Settings
	// GDaskWorkerTTL is how long a gdask worker may be silent; 0: ten heartbeats,
	// at least 10 s. Negative: for ever.
	GDaskWorkerTTL time.Duration
	// ClientGrace is how long the wishes of a gdask client outlive its
	// connection; 0: 30 s, as long as clients try. Negative: not at all.
	ClientGrace time.Duration
	// RequestTimeout bounds one request to a worker or nanny; 0: 30 s.
	RequestTimeout time.Duration
	// ConnectTimeout bounds one attempt to reach a worker or nanny; 0: 5 s.
	ConnectTimeout time.Duration
	// IdleTimeout ends the scheduler, with its workers, when no task ran or changed
	// its state for so long; 0: never.
	IdleTimeout time.Duration
	// Coord are the times of leases.
	Coord coord.Config
	// LeaseTimeout is after which time without refresh a lease of a Python client
	// ends, of a semaphore that a gdask client made; 0: 30 s. (Those of gdask clients
	// live as long as their sessions.)
	LeaseTimeout time.Duration
	// ClientTTL is how long the connection of a gdask client may be silent before
	// it counts as lost; 0: six heartbeats. Negative: for ever.
	ClientTTL time.Duration
	// EventLength is how many events of one topic are kept; 0: 1000.
	EventLength int
	// EventsCleanupDelay is how long the topic of a worker or client outlives it;
	// 0: an hour.
	EventsCleanupDelay time.Duration
	// LogLength is how many log lines clients can ask for; 0: 10000.
	LogLength int
	// DumpDirectory is where clients may have the scheduler write dumps of its
	// state; empty: nowhere.
	DumpDirectory string
	// TaskStreamLength is how many runs of tasks are remembered once a client has
	// asked for them; 0: 100000.
	TaskStreamLength int
	// HTTPAPI serves /api/v1: pages that change something, for whoever reaches them.
	HTTPAPI bool
	// Functions are what clients may have the scheduler run, and the constructors
	// of its plugins; nil: none.
	Functions *task.Registry
	// Blocked are operations that are not answered.
	Blocked []string
	// Preload runs when the scheduler starts and ends.
	Preload hook.Preload
	// Version is reported by identity and versions; empty: "dev".
	Version string
}

// GraphReader turns the graph of a Python client, which is opaque to the
// scheduler, into tasks.
type GraphReader interface {
	// Read returns the tasks of g, with their dependencies, annotations and order.
	// It is called outside of the scheduler's loop and may take its time; only
	// the client that sent g waits. Several calls may run at once.
	Read(ctx context.Context, g *wire.UpdateGraph) ([]wire.TaskDef, error)
}

func (s Settings) withDefaults() (Settings, error) {
	if s.Transports == nil {
		return s, errors.New("scheduler: no transports given: set Settings.Transports")
	}
	if len(s.Listen) == 0 {
		s.Listen = []string{""}
	}
	if s.Logger == nil {
		s.Logger = hclog.NewNullLogger()
	}
	setDefault(&s.Wire.WriteTimeout, 60*time.Second)
	setDefault(&s.ClientGrace, 30*time.Second)
	setDefault(&s.RequestTimeout, 30*time.Second)
	setDefault(&s.ConnectTimeout, 5*time.Second)
	setDefault(&s.EventLength, 1000)
	setDefault(&s.EventsCleanupDelay, time.Hour)
	setDefault(&s.LeaseTimeout, 30*time.Second)
	setDefault(&s.Version, "dev")
	setDefault(&s.LogLength, 10_000)
	setDefault(&s.TaskStreamLength, 100_000)
	if s.LogLength < 0 || s.TaskStreamLength < 0 {
		return s, fmt.Errorf("scheduler: LogLength %d, TaskStreamLength %d: give 1 or more, or 0 for the default", s.LogLength, s.TaskStreamLength)
	}
	if s.Functions == nil {
		s.Functions = task.NewRegistry()
	}
	return s, nil
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}
