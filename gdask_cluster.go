package gdask

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/builtin/all"
	"github.com/gdask/gdask/core/cluster"
	"github.com/gdask/gdask/core/nanny"
	"github.com/gdask/gdask/core/scheduler"
	"github.com/gdask/gdask/core/scheduler/coord"
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/plugins"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/worker"
)

// LocalCluster is a scheduler in this process with workers on this machine.
// Close it when done.
type LocalCluster struct {
	local *cluster.Local
	sched *scheduler.Scheduler
	host  *plugins.Host
}

// NewLocalCluster starts a cluster; ctx bounds the start. When anything fails
// all is closed again. Worker processes need [Main].
func NewLocalCluster(ctx context.Context, o LocalOptions) (*LocalCluster, error) {
	if err := mistakes.err(); err != nil {
		return nil, err
	}
	p, err := o.plan(cluster.ThisMachine())
	if err != nil {
		return nil, err
	}
	if p.processes && !entered.Load() {
		return nil, errors.New("gdask: worker processes are this program again, so main must begin with gdask.Main; " +
			"call it, or keep the workers in this process with Processes: new(false)")
	}
	if p.options.Logger == nil {
		p.options.Logger = hclog.New(&hclog.LoggerOptions{Name: "gdask", Level: hclog.Warn, Output: os.Stderr})
	}
	if p.clamped {
		p.options.Logger.Warn("memory limit lowered to what the machine has", "asked", o.MemoryLimit, "limit", cluster.FormatBytes(p.memory))
	}
	c := &LocalCluster{}
	if err := c.build(&p); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// start returns when the scheduler knows that all workers are ready.
func (c *LocalCluster) start(ctx context.Context) error {
	if err := c.local.Start(ctx); err != nil {
		return err
	}
	var addresses []string
	for _, w := range c.local.Workers() {
		addresses = append(addresses, w.Address())
	}
	return c.sched.AwaitReady(ctx, addresses...)
}

// build makes the parts; nothing runs yet.
func (c *LocalCluster) build(p *plan) error {
	set, err := transports()
	if err != nil {
		return err
	}
	o := p.options
	address := o.DashboardAddress
	if address == "" {
		address = scheduler.DefaultDashboardAddress
	}
	schedulerLog := cluster.NewLogRing(o.Operation.LogLength)
	c.sched, err = scheduler.New(scheduler.Settings{
		State: p.state(), Transports: set, Listen: []string{p.listen}, GraphReader: o.GraphReader, Functions: functions,
		IdleTimeout: o.IdleTimeout, ClientGrace: o.ClientGrace,
		LogLength: o.Operation.LogLength, TaskStreamLength: o.Operation.TaskStreamLength,
		EventLength: o.Operation.EventLength, EventsCleanupDelay: o.Operation.EventsCleanupDelay,
		LeaseTimeout: o.Operation.LeaseTimeout, Coord: coord.Config{Validate: o.Operation.LeaseValidation},
		DumpDirectory: o.Operation.DumpDirectory, HTTPAPI: o.Operation.HTTPAPI, Version: buildVersion(),
		Blocked: o.BlockedHandlers, Preload: o.SchedulerPreload,
		Wire:             wire.Settings{WriteTimeout: o.PeerTimeout},
		DashboardAddress: address, Logger: schedulerLog.Tee("scheduler", o.Logger.Named("scheduler")),
	})
	if err != nil {
		return err
	}
	c.host, err = plugins.NewHost(plugins.Settings{
		Builtins: all.Workers(functions, set), Dirs: o.PluginDirs, Workers: o.Plugins, Strict: o.StrictPlugins, Logger: o.Logger.Named("plugins"),
		OnExit: func(e worker.ExitReport) { c.sched.WorkerExited(exitEvent(e)) }, Memory: p.memoryWatch(),
		Transports: set, Functions: functions, Nanny: p.nannySettings(), Lifetime: o.Lifetime,
	})
	if err != nil {
		return err
	}
	c.local, err = cluster.NewLocal(cluster.Settings{
		Name: o.Name, Scheduler: c.sched, Source: c.host, Class: p.class, InProcess: !p.processes,
		Workers: p.counts.Workers, Logger: o.Logger, SchedulerLog: schedulerLog,
		Worker: worker.StartOptions{
			NThreads: p.counts.Threads, MemoryLimit: p.memory, Memory: o.Memory, Resources: o.Resources, LocalDirectory: o.LocalDirectory, DashboardAddr: o.WorkerDashboardAddress,
			DeathTimeout: o.DeathTimeout, Extra: worker.Extra{Preload: o.Preload, Blocked: o.WorkerBlockedHandlers, Tuning: o.Tuning},
		},
	})
	return err
}

// nannySettings are those of the options, with Env on top.
func (p *plan) nannySettings() plugins.NannySettings {
	n := p.options.Nanny
	n.Env = maps.Clone(n.Env)
	if n.Env == nil {
		n.Env = map[string]string{}
	}
	maps.Copy(n.Env, p.options.Env)
	return n
}

// memoryWatch watches the worker processes.
func (p *plan) memoryWatch() plugins.MemoryWatch {
	policy := nanny.DefaultPolicy()
	if given := p.options.MemoryPolicy; given != nil {
		policy = *given
	}
	m := nanny.New(policy, p.options.Logger.Named("nanny"))
	return func(ctx context.Context, w plugins.WatchedProcess, terminate func(kill bool)) {
		m.Watch(ctx, nanny.Process(w), terminate)
	}
}

// state is the configuration of the scheduler's machine.
func (p *plan) state() state.Config {
	if c := p.options.Scheduler; c != nil {
		return *c
	}
	return state.DefaultConfig()
}

// exitEvent is a supervisor's report as the scheduler's machine takes it.
func exitEvent(e worker.ExitReport) state.WorkerExit {
	return state.WorkerExit{Address: e.Address, Pid: e.Pid, ExitCode: e.Code, Signal: e.Signal, OOM: e.OOM, LastLog: e.LastLog, Wanted: e.Wanted}
}

// Close stops workers and scheduler; what does not end within 30 s is killed.
// Closing twice does nothing.
func (c *LocalCluster) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var err error
	if c.local != nil {
		err = c.local.Close(ctx)
	}
	if c.host != nil {
		err = errors.Join(err, c.host.Close(ctx))
	}
	if err != nil {
		return fmt.Errorf("gdask: close cluster: %w", err)
	}
	return nil
}

// Done is closed when the scheduler has ended: after Close, at a client's request
// or for lack of use. The cluster must be closed all the same.
func (c *LocalCluster) Done() <-chan struct{} { return c.sched.Done() }

// Name is the cluster's name.
func (c *LocalCluster) Name() string { return c.local.Name() }

// SchedulerAddress is where clients connect; "" when the cluster is closed.
func (c *LocalCluster) SchedulerAddress() string { return c.local.SchedulerAddress() }

// DashboardLink is where the scheduler shows its pages; "" when it does not.
func (c *LocalCluster) DashboardLink() string { return c.local.DashboardLink() }

// Scale sets how many workers there shall be and returns at once; workers that
// go hand their results over first. See WaitForWorkers.
func (c *LocalCluster) Scale(n int) error { return c.local.Scale(n) }

// WaitForWorkers returns when at least n workers have joined.
func (c *LocalCluster) WaitForWorkers(ctx context.Context, n int) error {
	return c.local.WaitForWorkers(ctx, n)
}

// Settled returns when the number of workers is what Scale asked for.
func (c *LocalCluster) Settled(ctx context.Context) error { return c.local.Settled(ctx) }

// Workers are the handles of the workers, in order of their names.
func (c *LocalCluster) Workers() []worker.Handle { return c.local.Workers() }

// Status is created, starting, running, closing, closed or failed.
func (c *LocalCluster) Status() string { return string(c.local.Status()) }

// Logs are the last log lines, newest first, under "Cluster", "Scheduler" and the
// workers' addresses.
func (c *LocalCluster) Logs() map[string][]string { return c.local.Logs() }

// String is for example
//
//	LocalCluster(5f1a0c3e, 'tcp://127.0.0.1:41229', workers=4, threads=4, memory=7.76 GiB)
func (c *LocalCluster) String() string { return c.local.String() }
