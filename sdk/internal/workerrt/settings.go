package workerrt

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// Settings of a worker. Zero fields take the defaults.
type Settings struct {
	Scheduler      string             // contact address of the scheduler; required
	Name           string             // default: the worker's address
	NThreads       int                // task slots; default 1
	MemoryLimit    int64              // bytes; 0 none
	Memory         *Memory            // what happens as it fills; nil: as in Dask
	Resources      map[string]float64 // abstract resources
	LocalDirectory string             // parent of the worker's own directory; default: one for this user under the system's temp directory
	ListenAddress  string             // default: the scheduler's scheme, on loopback when the scheduler is
	ContactAddress string             // default: from the listener
	DashboardAddr  string             // HTTP server with /health and /metrics; "" none
	DeathTimeout   time.Duration      // joining must finish in time; 0: as long as Start's context
	Nanny          string             // address of the supervisor's RPC server

	Preload hook.Preload // runs at start and end
	Blocked []string     // operations that are not answered

	Transports *comm.Set      // required
	Registry   *task.Registry // functions of the runtime "go"; default empty
	Runtimes   []string       // run specs that it understands; default ["go"]
	// Run runs a task in place of [Job.Run]; nil: plain run.
	Run func(ctx context.Context, j *Job) (any, error)
	// Rejoin is how long a worker that lost its scheduler tries to come back
	// with its data; default 30 s, negative: not at all.
	Rejoin time.Duration
	// OwnProcess says that the process is this worker's alone, so that the
	// memory limit may be made the Go runtime's.
	OwnProcess bool
	// Process is what workers of one process share; nil: the worker is alone.
	Process *Process
	Logger  hclog.Logger // default: none
	Wire    wire.Settings
	Tuning  Tuning
}

// Pauses and limits that are no settings.
const (
	schedulerWriteTimeout = 30 * time.Second // a scheduler that does not read is lost
	keepAliveInterval     = 60 * time.Second
	missingInterval       = time.Second
	defaultHeartbeat      = 500 * time.Millisecond
	registerPatience      = 30 * time.Second // for one try of joining
	heartbeatPatience     = 30 * time.Second // silence of the scheduler that counts as a loss
	retirePatience        = 30 * time.Second // at most, for handing data on at a stop
	farewellPatience      = 2 * time.Second  // for the last messages
	slowDirectory         = time.Second      // making a directory takes longer on disks that are no good for values
	transferPatience      = time.Minute      // for a copy, besides its bytes at slowestTransfer
	slowestTransfer       = 1e6              // bytes a second
)

func (s Settings) withDefaults() (Settings, error) {
	if s.Scheduler == "" {
		return s, errors.New("worker: no scheduler address; give the contact address, such as tcp://127.0.0.1:8786")
	}
	if s.Transports == nil {
		return s, errors.New("worker: no transports; give a comm.Set with the scheduler's scheme")
	}
	s.NThreads = max(s.NThreads, 1)
	if s.Registry == nil {
		s.Registry = task.NewRegistry()
	}
	if len(s.Runtimes) == 0 {
		s.Runtimes = []string{RuntimeGo}
	}
	if s.Process == nil {
		s.Process = NewProcess()
	}
	memory := DefaultMemory()
	if s.Memory != nil {
		memory = *s.Memory
	}
	s.Memory = &memory
	if err := memory.Check(); err != nil {
		return s, err
	}
	if memory.Interval <= 0 {
		memory.Interval = defaultInterval
	}
	if s.Rejoin == 0 {
		s.Rejoin = 30 * time.Second
	}
	if s.Logger == nil {
		s.Logger = hclog.NewNullLogger()
	}
	s.Tuning = s.Tuning.withDefaults(comm.DefaultConnectTimeout)
	if s.Wire.WriteTimeout == 0 {
		s.Wire.WriteTimeout = s.Tuning.PeerTimeout
	}
	return s, nil
}

// RuntimeGo is the runtime of run specs that are registered Go functions.
const RuntimeGo = "go"
