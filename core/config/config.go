package config

// Config is the whole configuration. The keys of Distributed are Dask's.
type Config struct {
	// WorkerClass is a builtin class or the name of a plugin; "" is subprocess
	// with processes and threadpool without.
	WorkerClass string `koanf:"worker-class"`
	// Protocol is the comm protocol by scheme; "" is inproc when all stays in one
	// process and distributed.comm.default-scheme otherwise.
	Protocol string `koanf:"protocol"`
	// LogLevel is trace, debug, info, warn, error or off.
	LogLevel string `koanf:"log-level"`
	// TemporaryDirectory is Dask's key for where workers keep files; it gives way to
	// cluster.local-directory, and "" is the system's.
	TemporaryDirectory string      `koanf:"temporary-directory"`
	Cluster            Cluster     `koanf:"cluster"`
	Plugins            Plugins     `koanf:"plugins"`
	Scheduling         Scheduling  `koanf:"scheduler"`
	Distributed        Distributed `koanf:"distributed"`
}

// Scheduling are the keys below scheduler: what gdask's scheduler does and Dask's
// has no key for.
type Scheduling struct {
	// Unsatisfiable says what becomes of a task that no worker can ever run: it
	// fails with the reason ("fail"), or waits for such a worker ("wait").
	Unsatisfiable string `koanf:"unsatisfiable"`
	// ClientGrace is how long the futures of a client outlive its connection; 0
	// not at all.
	ClientGrace Duration `koanf:"client-grace"`
	// Watchdog is after how long without progress a task is reported; 0 never.
	Watchdog Duration `koanf:"watchdog"`
	// DumpDirectory is where clients may have the scheduler write dumps of its
	// state; "" is nowhere.
	DumpDirectory string `koanf:"dump-directory"`
}

// The values of scheduler.unsatisfiable.
const (
	UnsatisfiableFail = "fail"
	UnsatisfiableWait = "wait"
)

// Cluster is what `gdask` starts on this machine.
type Cluster struct {
	// Name of the cluster; "" gives a random one.
	Name string `koanf:"name"`
	// NWorkers and ThreadsPerWorker follow the number of cores where nil.
	NWorkers         *int `koanf:"n-workers"`
	ThreadsPerWorker *int `koanf:"threads-per-worker"`
	// Processes gives each worker a process; nil: unless the class is threadpool.
	Processes *bool `koanf:"processes"`
	// MemoryLimit of each worker: auto, 0 (none), a fraction up to 1, or bytes.
	MemoryLimit string `koanf:"memory-limit"`
	// Host to listen on, with or without a scheme; "" is loopback.
	Host string `koanf:"host"`
	// SchedulerPort is 0 for a free one.
	SchedulerPort int `koanf:"scheduler-port"`
	// DashboardAddress is host:port, :port, or none.
	DashboardAddress string `koanf:"dashboard-address"`
	// WorkerDashboardAddress is where each worker serves /health and /metrics:
	// host:port, :port, or "" for nowhere. Several workers need port 0.
	WorkerDashboardAddress string `koanf:"worker-dashboard-address"`
	// LocalDirectory is where workers keep files; "" is a private one each.
	LocalDirectory string `koanf:"local-directory"`
}

// Plugins say where plugins are found and how each is run.
type Plugins struct {
	// Dirs are searched before the usual places.
	Dirs []string `koanf:"dirs"`
	// Strict refuses external plugins without a checksum.
	Strict  bool              `koanf:"strict"`
	Worker  map[string]Plugin `koanf:"worker"`
	Comm    map[string]Plugin `koanf:"comm"`
	Cluster map[string]Plugin `koanf:"cluster"`
	Graph   map[string]Plugin `koanf:"graph"`
}

// Plugin is what the user says of one plugin.
type Plugin struct {
	// Cmd is the executable's absolute path; "" finds it by the plugin's name.
	Cmd  string   `koanf:"cmd"`
	Args []string `koanf:"args"`
	// Checksum is "sha256:" and 64 hexadecimal digits.
	Checksum string `koanf:"checksum"`
	// Env is added to the plugin's small environment, EnvPassthrough names
	// variables of ours that it gets too.
	Env            map[string]string `koanf:"env"`
	EnvPassthrough []string          `koanf:"env-passthrough"`
	// Run is process or, for builtins only, inprocess; "" leaves it to gdask.
	Run string `koanf:"run"`
	// MTLS is auto, on or off.
	MTLS string `koanf:"mtls"`
	// StartTimeout bounds the start; 0 is the host's default.
	StartTimeout Duration `koanf:"start-timeout"`
	Restart      Restart  `koanf:"restart"`
	// Override lets the plugin take the place of a builtin of its name.
	Override bool `koanf:"override"`
	// Config is the plugin's own; the plugin checks it. ConfigFile is a JSON or
	// YAML file with it instead.
	Config     map[string]any `koanf:"config"`
	ConfigFile string         `koanf:"config-file"`
}

// Restart is the policy for a plugin process that ended by itself.
type Restart struct {
	// Policy is never, on-failure or always; "" is the host's default.
	Policy string `koanf:"policy"`
	// Max restarts within Window, then the plugin has failed; 0 is the default.
	Max    int      `koanf:"max"`
	Window Duration `koanf:"window"`
}
