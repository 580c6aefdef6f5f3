package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.yaml.in/yaml/v3"

	"github.com/gdask/gdask"
	"github.com/gdask/gdask/builtin/graph/python"
	"github.com/gdask/gdask/core/config"
	"github.com/gdask/gdask/core/nanny"
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/plugins"
	"github.com/gdask/gdask/plugins/facade/graph"
	"github.com/gdask/gdask/plugins/supervise"
	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/worker"
)

// stateConfig is what configuration says of the scheduler's machine.
func stateConfig(c *config.Config) state.Config {
	d, s := &c.Distributed.Scheduler, state.DefaultConfig()
	s.AllowedFailures = d.AllowedFailures
	s.WorkerSaturation = d.WorkerSaturation
	s.WorkStealing = d.WorkStealing
	s.WorkStealingInterval = time.Duration(d.WorkStealingInterval)
	s.UnknownTaskDuration = time.Duration(d.UnknownTaskDuration)
	s.DefaultDataSize = int64(d.DefaultDataSize)
	s.Bandwidth = float64(d.Bandwidth)
	s.WorkerTTL = time.Duration(d.WorkerTTL)
	s.NoWorkersTimeout = time.Duration(d.NoWorkersTimeout)
	s.Watchdog = time.Duration(c.Scheduling.Watchdog)
	s.TransitionLogLength = c.Distributed.Admin.LowLevelLogLength
	s.Validate = d.Validate
	s.FailFast = c.Scheduling.Unsatisfiable != config.UnsatisfiableWait
	memoryConfig(&s, c)
	return s
}

// clientGrace is how long clients may be away, as the scheduler takes it.
func clientGrace(c *config.Config) time.Duration {
	if c.Scheduling.ClientGrace == 0 {
		return -1
	}
	return time.Duration(c.Scheduling.ClientGrace)
}

// operation is what configuration says of what a scheduler shows and remembers.
func operation(c *config.Config) gdask.OperationOptions {
	s := &c.Distributed.Scheduler
	return gdask.OperationOptions{
		LogLength: c.Distributed.Admin.LogLength, TaskStreamLength: s.Dashboard.TaskStreamLength(),
		DumpDirectory: c.Scheduling.DumpDirectory, HTTPAPI: s.HTTP.API(),
		EventLength: c.Distributed.Admin.LowLevelLogLength, EventsCleanupDelay: time.Duration(s.EventsCleanupDelay),
		LeaseTimeout: time.Duration(s.Locks.LeaseTimeout), LeaseValidation: time.Duration(s.Locks.LeaseValidationInterval),
	}
}

// nannySettings is what configuration says of nannies.
func nannySettings(c *config.Config) plugins.NannySettings {
	n := &c.Distributed.Nanny
	preSpawn := n.PreSpawnEnviron
	if preSpawn == nil {
		preSpawn = map[string]string{} // emptied on purpose
	}
	return plugins.NannySettings{
		Environ: n.Environ, PreSpawn: preSpawn, Blocked: n.BlockedHandlers, Preload: preload(n.Preload, n.PreloadArgv),
	}
}

func preload(names, argv []string) hook.Preload { return hook.Preload{Names: names, Args: argv} }

// workerExtra is what configuration says of workers beside what every class knows.
func workerExtra(c *config.Config) worker.Extra {
	w := &c.Distributed.Worker
	return worker.Extra{Preload: preload(w.Preload, w.PreloadArgv), Blocked: w.BlockedHandlers, Tuning: tuning(c)}
}

// tuning is what configuration says of sizes and times of workers.
func tuning(c *config.Config) worker.Tuning {
	d := &c.Distributed
	return worker.Tuning{
		LogLength: d.Admin.LogLength, StoryLength: d.Admin.LowLevelLogLength,
		Incoming: d.Worker.Connections.Incoming, Outgoing: d.Worker.Connections.Outgoing,
		MessageBytes: int64(d.Worker.Transfer.MessageBytesLimit),
		PeerTimeout:  time.Duration(d.Comm.Timeouts.TCP), ConnectTimeout: time.Duration(d.Comm.Timeouts.Connect),
	}
}

// localDirectory is where workers keep files; "" leaves it to them.
func localDirectory(c *config.Config) string {
	return cmp.Or(c.Cluster.LocalDirectory, c.TemporaryDirectory)
}

// lifetime is what configuration says of how long workers live.
func lifetime(c *config.Config) plugins.Lifetime {
	l := &c.Distributed.Worker.Lifetime
	return plugins.Lifetime{Duration: time.Duration(l.Duration), Stagger: time.Duration(l.Stagger), Restart: l.Restart}
}

// memoryPolicy is what configuration says of the memory of worker processes.
func memoryPolicy(c *config.Config) nanny.Policy {
	m := &c.Distributed.Worker.Memory
	return nanny.Policy{Terminate: float64(m.Terminate), Interval: time.Duration(m.MonitorInterval)}
}

// workerMemory is what configuration says of what workers do as their memory fills.
func workerMemory(c *config.Config) *worker.Memory {
	m := &c.Distributed.Worker.Memory
	out := &worker.Memory{
		Target: float64(m.Target), Spill: float64(m.Spill), Pause: float64(m.Pause), Transfer: float64(m.Transfer),
		MaxSpill: int64(m.MaxSpill), Compression: "auto", Interval: time.Duration(m.MonitorInterval),
	}
	if m.SpillCompression == "none" || m.SpillCompression == "false" {
		out.Compression = "none"
	}
	return out
}

// memoryWatch watches worker processes by that policy.
func memoryWatch(c *config.Config, l hclog.Logger) plugins.MemoryWatch {
	m := nanny.New(memoryPolicy(c), l.Named("nanny"))
	return func(ctx context.Context, w plugins.WatchedProcess, terminate func(kill bool)) {
		m.Watch(ctx, nanny.Process(w), terminate)
	}
}

// classSettings are the settings of worker plugins.
func classSettings(c *config.Config) (map[string]plugins.ClassSettings, error) {
	out := make(map[string]plugins.ClassSettings, len(c.Plugins.Worker))
	for name, p := range c.Plugins.Worker {
		own, err := ownConfig(name, &p)
		if err != nil {
			return nil, err
		}
		out[name] = plugins.ClassSettings{
			Command: p.Cmd, Args: p.Args, Checksum: p.Checksum, Env: p.Env, EnvPassthrough: p.EnvPassthrough,
			Override: p.Override, MTLS: p.MTLS, StartTimeout: time.Duration(p.StartTimeout), Config: own,
			Restart: supervise.Policy{Mode: p.Restart.Policy, Max: p.Restart.Max, Window: time.Duration(p.Restart.Window)},
		}
	}
	return out, nil
}

// ownConfig is the plugin's own configuration, inline or from its file.
func ownConfig(name string, p *config.Plugin) (map[string]any, error) {
	if p.ConfigFile == "" {
		return p.Config, nil
	}
	if len(p.Config) > 0 {
		return nil, fmt.Errorf("plugins.worker.%s has config and config-file; give one", name)
	}
	b, err := os.ReadFile(p.ConfigFile)
	if err != nil {
		return nil, fmt.Errorf("plugins.worker.%s.config-file: %w", name, err)
	}
	var m map[string]any
	if json.Unmarshal(b, &m) == nil {
		return m, nil
	}
	if err := yaml.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("plugins.worker.%s.config-file: %w", name, err)
	}
	return m, nil
}

func (a *app) logger(c *config.Config) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Name: "gdask", Level: hclog.LevelFromString(c.LogLevel), Output: a.err})
}

// graphReader starts Python on first use only.
func graphReader(c *config.Config, l hclog.Logger) *graph.Reader {
	program := python.Program{Python: c.Plugins.Graph[python.Name].Cmd}
	return graph.New(graph.Settings{Command: program.Command, Logger: l.Named("graph")})
}

// closeReader ends the reader's process, if it ever ran.
func closeReader(r *graph.Reader) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return r.Close(ctx)
}
