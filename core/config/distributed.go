package config

// Distributed are the keys of Dask's configuration that gdask acts upon, with
// their names, units and meaning. Dask's other keys are accepted without effect;
// [Loaded.Notes] lists them.
type Distributed struct {
	Scheduler Scheduler `koanf:"scheduler"`
	Worker    Worker    `koanf:"worker"`
	Nanny     Nanny     `koanf:"nanny"`
	Comm      Comm      `koanf:"comm"`
	Admin     Admin     `koanf:"admin"`
}

// Admin are the keys below distributed.admin.
type Admin struct {
	// LogLength is how many lines of its log a scheduler or worker shows to clients.
	LogLength int `koanf:"log-length"`
	// LowLevelLogLength is how many events of one topic, and how many
	// transitions of tasks, are kept.
	LowLevelLogLength int `koanf:"low-level-log-length"`
}

// Scheduler are the keys below distributed.scheduler.
type Scheduler struct {
	// AllowedFailures is how many deaths of workers a task survives.
	AllowedFailures int `koanf:"allowed-failures"`
	// Bandwidth between workers that is assumed at first, per second.
	Bandwidth     Bytes         `koanf:"bandwidth"`
	MemoryManager MemoryManager `koanf:"active-memory-manager"`
	// DefaultTaskDurations are assumed of functions that never ran, by prefix.
	DefaultTaskDurations map[string]Duration `koanf:"default-task-durations"`
	// DefaultDataSize is assumed of results of unknown size.
	DefaultDataSize Bytes `koanf:"default-data-size"`
	// IdleTimeout ends a scheduler that nobody used for so long; 0 never.
	IdleTimeout Duration `koanf:"idle-timeout"`
	// NoWorkersTimeout errs tasks that no worker could run for so long; 0 never.
	NoWorkersTimeout Duration `koanf:"no-workers-timeout"`
	// WorkStealing lets idle workers have tasks that busy ones have not begun.
	WorkStealing bool `koanf:"work-stealing"`
	// WorkStealingInterval is the time between two looks for such tasks.
	WorkStealingInterval Duration `koanf:"work-stealing-interval"`
	// WorkerSaturation is how many queued tasks are sent per thread; inf sends all.
	WorkerSaturation float64 `koanf:"worker-saturation"`
	// WorkerTTL is how long a worker may be silent; 0 for ever.
	WorkerTTL Duration `koanf:"worker-ttl"`
	// UnknownTaskDuration is assumed of functions that never ran.
	UnknownTaskDuration Duration `koanf:"unknown-task-duration"`
	// EventsCleanupDelay is how long the events of a worker or client outlive it.
	EventsCleanupDelay Duration  `koanf:"events-cleanup-delay"`
	Locks              Locks     `koanf:"locks"`
	HTTP               HTTP      `koanf:"http"`
	Dashboard          Dashboard `koanf:"dashboard"`
	// BlockedHandlers are operations that the scheduler does not answer.
	BlockedHandlers []string `koanf:"blocked-handlers"`
	// Preload are functions and executables that run when the scheduler starts
	// and ends, PreloadArgv their arguments.
	Preload     []string `koanf:"preload"`
	PreloadArgv []string `koanf:"preload-argv"`
	// Validate checks the scheduler's invariants after every event; slow.
	Validate bool `koanf:"validate"`
}

// Locks are the keys below distributed.scheduler.locks.
type Locks struct {
	// LeaseValidationInterval is the time between two looks for leases of locks and
	// semaphores that were not refreshed.
	LeaseValidationInterval Duration `koanf:"lease-validation-interval"`
	// LeaseTimeout is after which time without refresh a lease of a Python client
	// ends, of a semaphore that a Go client made. Python clients say their own.
	LeaseTimeout Duration `koanf:"lease-timeout"`
}

// Worker are the keys below distributed.worker.
type Worker struct {
	// Resources that workers have, by name.
	Resources map[string]float64 `koanf:"resources"`
	Memory    Memory             `koanf:"memory"`
	// BlockedHandlers, Preload and PreloadArgv are as those of the scheduler.
	BlockedHandlers []string `koanf:"blocked-handlers"`
	Preload         []string `koanf:"preload"`
	PreloadArgv     []string `koanf:"preload-argv"`
	Lifetime        Lifetime `koanf:"lifetime"`
	// Connections and Transfer bound what workers send to each other.
	Connections Connections `koanf:"connections"`
	Transfer    Transfer    `koanf:"transfer"`
}

// Connections are the keys below distributed.worker.connections.
type Connections struct {
	// Incoming is how many peers of other hosts may get values from a worker at
	// once, and half of how many of the same host.
	Incoming int `koanf:"incoming"`
	// Outgoing is from how many peers a worker copies values at once.
	Outgoing int `koanf:"outgoing"`
}

// Transfer are the keys below distributed.worker.transfer.
type Transfer struct {
	// MessageBytesLimit is how much a worker asks of a peer at once.
	MessageBytesLimit Bytes `koanf:"message-bytes-limit"`
}

// Lifetime are the keys below distributed.worker.lifetime.
type Lifetime struct {
	// Duration after which a worker retires; 0 never.
	Duration Duration `koanf:"duration"`
	// Stagger is by how much that may be more or less, at random.
	Stagger Duration `koanf:"stagger"`
	// Restart has another worker follow.
	Restart bool `koanf:"restart"`
}

// Nanny are the keys below distributed.nanny.
type Nanny struct {
	// BlockedHandlers, Preload and PreloadArgv are as those of the scheduler.
	BlockedHandlers []string `koanf:"blocked-handlers"`
	Preload         []string `koanf:"preload"`
	PreloadArgv     []string `koanf:"preload-argv"`
	// Environ and PreSpawnEnviron are variables of worker processes that the
	// environment does not have.
	Environ         map[string]string `koanf:"environ"`
	PreSpawnEnviron map[string]string `koanf:"pre-spawn-environ"`
}

// Memory are the keys below distributed.worker.memory.
type Memory struct {
	// Terminate is the part of its memory limit at which a worker process is
	// ended and started again; false never.
	Terminate Fraction `koanf:"terminate"`
	// Target is the part of its memory limit beyond which a worker's values in
	// memory go to disk; false never.
	Target Fraction `koanf:"target"`
	// Spill is the part of its memory limit beyond which the memory of a worker's
	// process makes values go to disk; false never.
	Spill Fraction `koanf:"spill"`
	// Pause is the part of its memory limit beyond which a worker starts nothing
	// new; false never.
	Pause Fraction `koanf:"pause"`
	// Transfer is the part of its memory limit that values on their way to a
	// worker may take; false any.
	Transfer Fraction `koanf:"transfer"`
	// MaxSpill is how much disk a worker's values may take; false any.
	MaxSpill Bytes `koanf:"max-spill"`
	// SpillCompression is auto or none; Dask's names of codecs mean auto.
	SpillCompression string `koanf:"spill-compression"`
	// MonitorInterval is the time between two looks at a process's memory.
	MonitorInterval Duration `koanf:"monitor-interval"`
	// RecentToOldTime is how long memory that is not results must be in use to
	// count as old.
	RecentToOldTime Duration  `koanf:"recent-to-old-time"`
	Rebalance       Rebalance `koanf:"rebalance"`
}

// Comm are the keys below distributed.comm.
type Comm struct {
	// DefaultScheme is the protocol of addresses without one.
	DefaultScheme string   `koanf:"default-scheme"`
	Timeouts      Timeouts `koanf:"timeouts"`
}

// Timeouts are the keys below distributed.comm.timeouts.
type Timeouts struct {
	// TCP is how long a peer may read nothing of what is sent before it is dead.
	TCP Duration `koanf:"tcp"`
	// Connect is how long a peer of a worker may take to be reached; a scheduler is
	// less patient.
	Connect Duration `koanf:"connect"`
}
