package plugins

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/plugins/supervise"
	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/worker"
)

// Settings of a host. Only Builtins and Logger are required.
type Settings struct {
	// Builtins are the worker classes of this program.
	Builtins []*worker.Class
	// Dirs are plugin directories searched after GDASK_PLUGIN_PATH.
	Dirs []string
	// Environ is this process's environment; nil means os.Environ.
	Environ []string
	// Workers are the settings of worker classes by name.
	Workers map[string]ClassSettings
	// Strict wants a checksum of every external plugin.
	Strict bool
	// OnExit hears of every worker process that ended without being asked to;
	// it must not block. One that is ended for its memory is reported before as
	// well, with Ending set, and so before it can say goodbye. So is one whose end
	// is wanted, with Wanted set, and then only before.
	OnExit func(worker.ExitReport)
	// Memory watches the memory of worker processes that have a limit; nil: nobody
	// does.
	Memory MemoryWatch
	// Transports are the comm protocols by which the workers' nannies are reached; nil:
	// workers have none, so that nobody but this host can restart them.
	Transports *comm.Set
	// Functions are what runs in nannies for clients that ask, and their plugins.
	Functions *task.Registry
	// Nanny says how workers are supervised besides.
	Nanny NannySettings
	// Lifetime is how long workers live before they retire.
	Lifetime Lifetime
	// Logger gets the plugins' logs.
	Logger hclog.Logger
}

// NannySettings are what configuration says of nannies.
type NannySettings struct {
	Environ  map[string]string // variables of worker processes; the host's own win
	PreSpawn map[string]string // the same, from another place of the configuration
	Env      map[string]string // variables that win over the host's own
	Blocked  []string          // operations that nannies do not answer
	Preload  hook.Preload      // runs when a nanny starts and ends
}

// DefaultPreSpawn are the variables that Dask gives worker processes: memory goes
// back to the system early, and libraries for numbers start no threads of their own.
func DefaultPreSpawn() map[string]string {
	return map[string]string{
		"MALLOC_TRIM_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
	}
}

// Lifetime is how long workers live.
type Lifetime struct {
	Duration time.Duration // 0: for ever
	Stagger  time.Duration // up to so much more or less, at random
	Restart  bool          // another one follows, where the worker has a process of its own
}

// MemoryWatch watches the memory of one process until ctx ends. When it is too
// much it calls terminate with false, for SIGTERM, and when that did not help
// with true, for SIGKILL.
type MemoryWatch func(ctx context.Context, p WatchedProcess, terminate func(kill bool))

// WatchedProcess is a worker process with a memory limit.
type WatchedProcess struct {
	Worker string // its name, or the class when it has none
	Pid    int
	Limit  int64 // bytes
}

// ClassSettings are what configuration says of one class.
type ClassSettings struct {
	Command        string            // executable, absolute; "" found by name
	Args           []string          // its arguments
	Checksum       string            // "sha256:..."; "" not checked unless Strict
	Env            map[string]string // variables of its own
	EnvPassthrough []string          // variables of the host that it may see
	Override       bool              // it may replace a builtin of its name
	MTLS           string            // auto, on or off; "" means auto: on for external plugins
	StartTimeout   time.Duration     // for its handshake; 0 means 10 s
	Restart        supervise.Policy  // when to start it again
	Config         map[string]any    // opaque to the host
}

// Names of the builtin worker classes.
const (
	Threadpool = "threadpool" // task slots in one process
	Subprocess = "subprocess" // the same in a supervised child process
)

// aliases are Dask's spellings of the builtin classes.
func aliases() map[string]string {
	return map[string]string{
		"Worker": Threadpool, "distributed.Worker": Threadpool, "dask.distributed.Worker": Threadpool,
		"Nanny": Subprocess, "distributed.Nanny": Subprocess, "dask.distributed.Nanny": Subprocess,
	}
}
