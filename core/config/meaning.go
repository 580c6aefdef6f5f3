package config

import "strings"

// meanings says of each key what it means and in what unit, in a line. "*" stands
// for a name of the user's.
var meanings = table(`
worker-class: builtin class or plugin; "" is subprocess with processes, threadpool without
protocol: tcp, unix or inproc; "" is inproc in one process and else distributed.comm.default-scheme
log-level: trace, debug, info, warn, error or off
temporary-directory: where workers keep files unless cluster.local-directory says so; "" is the system's
cluster.name: name of the cluster; "" is a random one
cluster.n-workers: number of workers; not set: by the number of cores
cluster.threads-per-worker: tasks that a worker runs at a time; not set: by the number of cores
cluster.processes: a process for each worker; not set: unless the class is threadpool
cluster.memory-limit: memory of each worker: auto, 0 for none, a fraction of the machine's up to 1, or bytes such as 2GiB
cluster.host: address to listen on; "" is loopback
cluster.scheduler-port: port of the scheduler; 0 is a free one, for gdask scheduler 8786
cluster.dashboard-address: of the HTTP server: host:port, :port on loopback, or none
cluster.worker-dashboard-address: address of each worker's /health and /metrics: host:port, or "" for nowhere
cluster.local-directory: directory for workers' files; "" is a private one each
plugins.dirs: directories that are searched before the usual places
plugins.strict: refuse external plugins without a checksum
plugins.worker: plugins of worker classes, by name
plugins.comm: plugins of transports, by name
plugins.cluster: plugins that start clusters, by name
plugins.graph: plugins that read clients' graphs, by name
plugins.*.*.cmd: absolute path of the executable; "" finds it by the plugin's name
plugins.*.*.args: arguments of the executable
plugins.*.*.checksum: sha256: and 64 hexadecimal digits, as gdask plugin verify prints it
plugins.*.*.env: variables for the plugin
plugins.*.*.env-passthrough: names of variables of this environment that the plugin gets
plugins.*.*.run: process or, of builtins, inprocess; "" leaves it to gdask
plugins.*.*.mtls: auto, on or off
plugins.*.*.start-timeout: how long the start may take; 0 is 10s
plugins.*.*.restart.policy: never, on-failure or always
plugins.*.*.restart.max: restarts within the window before the plugin counts as failed
plugins.*.*.restart.window: duration in which restarts are counted
plugins.*.*.override: let the plugin take the place of a builtin of its name
plugins.*.*.config: the plugin's own configuration, which it checks
plugins.*.*.config-file: a JSON or YAML file with it instead
scheduler.unsatisfiable: what a task does that no worker can run: fail or wait
scheduler.client-grace: how long futures outlive the connection of their client; 0 not at all
scheduler.watchdog: after how long without progress a task is reported; 0 never
scheduler.dump-directory: where clients may have dumps of the cluster written; "" is nowhere
distributed.scheduler.allowed-failures: deaths of workers that a task survives
distributed.scheduler.bandwidth: bytes per second between workers that are assumed at first
distributed.scheduler.active-memory-manager.start: run the memory manager from the beginning
distributed.scheduler.active-memory-manager.interval: duration between two runs
distributed.scheduler.active-memory-manager.measure: figure of memory by which workers are chosen
distributed.scheduler.active-memory-manager.policies: what it does, by Dask's names of classes
distributed.scheduler.default-task-durations: durations assumed of functions that never ran, by name
distributed.scheduler.default-data-size: assumed of results of unknown size; bytes
distributed.scheduler.idle-timeout: end a scheduler that nobody used for so long; 0 never
distributed.scheduler.no-workers-timeout: fail tasks that no worker could run for so long; 0 never
distributed.scheduler.work-stealing: give idle workers tasks that busy ones have not begun
distributed.scheduler.work-stealing-interval: duration between two looks for such tasks
distributed.scheduler.worker-saturation: tasks sent ahead for each thread; .inf sends all
distributed.scheduler.worker-ttl: how long a worker may be silent before it is given up; 0 for ever
distributed.scheduler.unknown-task-duration: assumed of functions that never ran
distributed.scheduler.events-cleanup-delay: how long the events of a worker or client outlive it
distributed.scheduler.locks.lease-validation-interval: duration between two looks for leases that were not refreshed
distributed.scheduler.locks.lease-timeout: time without refresh after which a lease of a Python client ends, of a semaphore that a Go client made
distributed.scheduler.http.routes: Dask's modules of pages; distributed.http.scheduler.api switches /api/v1 on
distributed.scheduler.dashboard.status.task-stream-length: runs of tasks that are remembered once somebody asked
distributed.scheduler.dashboard.tasks.task-stream-length: the same; the larger one counts
distributed.scheduler.blocked-handlers: operations that the scheduler does not answer
distributed.scheduler.preload: functions and executables that run when the scheduler starts and ends
distributed.scheduler.preload-argv: their arguments
distributed.scheduler.validate: check all invariants after every event; slow
distributed.worker.resources: amounts that each worker has, by name
distributed.worker.blocked-handlers: operations that workers do not answer
distributed.worker.preload: functions and executables that run when a worker starts and ends
distributed.worker.preload-argv: their arguments
distributed.worker.connections.incoming: number of peers that may get values from a worker at once
distributed.worker.connections.outgoing: number of peers that a worker copies values from at once
distributed.worker.transfer.message-bytes-limit: bytes that a worker asks of a peer at once
distributed.worker.lifetime.duration: after which a worker retires; 0 never
distributed.worker.lifetime.stagger: duration by which that may be more or less, at random
distributed.worker.lifetime.restart: have another worker follow
distributed.worker.memory.target: fraction of the limit beyond which values in memory go to disk; false never
distributed.worker.memory.spill: fraction of the limit at which the process's memory makes values go to disk; false never
distributed.worker.memory.pause: fraction of the limit beyond which a worker starts nothing new; false never
distributed.worker.memory.terminate: fraction of the limit at which a worker process is ended and started again; false never
distributed.worker.memory.transfer: fraction of the limit that values on their way to a worker may take; false any
distributed.worker.memory.max-spill: bytes that a worker's values may take on disk; 0 any
distributed.worker.memory.spill-compression: auto or none
distributed.worker.memory.monitor-interval: duration between two looks at a process's memory
distributed.worker.memory.recent-to-old-time: how long memory that is not results must be in use to count as old
distributed.worker.memory.rebalance.measure: figure of memory that is balanced
distributed.worker.memory.rebalance.sender-min: fraction of the limit that a worker uses at least which gives something away
distributed.worker.memory.rebalance.recipient-max: fraction of the limit that a worker uses at most which gets something
distributed.worker.memory.rebalance.sender-recipient-gap: fraction of the limit around the mean within which nothing moves
distributed.nanny.blocked-handlers: operations that nannies do not answer
distributed.nanny.preload: functions and executables that run when a nanny starts and ends
distributed.nanny.preload-argv: their arguments
distributed.nanny.environ: variables of worker processes that the environment does not have
distributed.nanny.pre-spawn-environ: the same, for what is read as a process starts
distributed.comm.default-scheme: protocol of addresses without one
distributed.comm.timeouts.connect: how long a peer of a worker may take to be reached
distributed.comm.timeouts.tcp: how long a peer may read nothing of what is sent to it
distributed.admin.log-length: lines of its log that a scheduler shows to clients
distributed.admin.low-level-log-length: events of one topic, and transitions of tasks, that are kept
`)

func table(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(strings.TrimSpace(text)) {
		key, meaning, _ := strings.Cut(strings.TrimSpace(line), ": ")
		m[key] = meaning
	}
	return m
}

// Meaning says what a key means, in a line; "" of keys that are the user's.
func Meaning(key string) string {
	if m := meanings[key]; m != "" {
		return m
	}
	if parts := strings.Split(key, "."); parts[0] == "plugins" && len(parts) > 3 {
		parts[1], parts[2] = "*", "*"
		return meanings[strings.Join(parts, ".")]
	}
	return ""
}
