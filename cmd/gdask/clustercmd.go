package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gdask/gdask"
	"github.com/gdask/gdask/core/config"
)

// startTimeout bounds the start of a cluster or scheduler.
const startTimeout = 2 * time.Minute

// closeTimeout bounds its end.
const closeTimeout = 30 * time.Second

func (a *app) clusterCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "gdask", Short: "Run a scheduler, workers and a dashboard on this machine", Args: arguments(0, 0, ""),
		Long: "Run a scheduler, workers and a dashboard on this machine until it is interrupted.\n" +
			"Go and Python programs connect to the address that it prints.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := a.load(cmd.Flags(), clusterKeys())
			if err != nil {
				return err
			}
			return a.cluster(cmd.Context(), &l.Config)
		},
	}
	f := cmd.Flags()
	workerFlags(f)
	listenFlags(f)
	schedulerFlags(f, "a free one")
	logFlag(f)
	f.Int("n-workers", 0, "number of workers (default by the number of cores)")
	f.Int("threads-per-worker", 0, "task slots of each worker (default by the number of cores)")
	f.Bool("processes", true, "a process for each worker")
	f.Bool("no-processes", false, "all workers in this process")
	f.String("name", "", "name of the cluster (default random)")
	return cmd
}

// cluster runs until ctx ends.
func (a *app) cluster(ctx context.Context, c *config.Config) (err error) {
	log := a.logger(c)
	classes, err := classSettings(c)
	if err != nil {
		return err
	}
	reader := graphReader(c, log)
	machine, memory, extra := stateConfig(c), memoryPolicy(c), workerExtra(c)
	protocol := c.Protocol
	if protocol == "" {
		protocol = c.Distributed.Comm.DefaultScheme // others must be able to connect
	}
	start, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	cluster, err := gdask.NewLocalCluster(start, gdask.LocalOptions{
		Name: c.Cluster.Name, NWorkers: c.Cluster.NWorkers, ThreadsPerWorker: c.Cluster.ThreadsPerWorker,
		Processes: c.Cluster.Processes, WorkerClass: c.WorkerClass, Protocol: protocol, Host: c.Cluster.Host,
		SchedulerPort: c.Cluster.SchedulerPort, DashboardAddress: c.Cluster.DashboardAddress,
		MemoryLimit: c.Cluster.MemoryLimit, MemoryPolicy: &memory, Memory: workerMemory(c), WorkerDashboardAddress: c.Cluster.WorkerDashboardAddress, Resources: c.Distributed.Worker.Resources,
		LocalDirectory: localDirectory(c), PluginDirs: c.Plugins.Dirs, Plugins: classes,
		Lifetime: lifetime(c), Nanny: nannySettings(c), Preload: extra.Preload, WorkerBlockedHandlers: extra.Blocked, Tuning: extra.Tuning,
		SchedulerPreload: preload(c.Distributed.Scheduler.Preload, c.Distributed.Scheduler.PreloadArgv),
		BlockedHandlers:  c.Distributed.Scheduler.BlockedHandlers,
		StrictPlugins:    c.Plugins.Strict, GraphReader: reader, Scheduler: &machine, Operation: operation(c), ClientGrace: clientGrace(c),
		IdleTimeout: time.Duration(c.Distributed.Scheduler.IdleTimeout), PeerTimeout: time.Duration(c.Distributed.Comm.Timeouts.TCP), Logger: log,
	})
	if err != nil {
		return errors.Join(err, closeReader(reader))
	}
	a.banner(cluster)
	defer trimMemory(ctx)()
	select {
	case <-ctx.Done():
		_, _ = fmt.Fprintln(a.err, "gdask: closing; interrupt again to kill")
	case <-cluster.Done():
		_, _ = fmt.Fprintln(a.err, "gdask: closing, as the scheduler has ended")
	}
	return errors.Join(cluster.Close(), closeReader(reader))
}

// banner says what runs and how to use it.
func (a *app) banner(c *gdask.LocalCluster) {
	_, _ = fmt.Fprintf(a.out, "%s\n\n  Scheduler at:  %s\n", c, c.SchedulerAddress())
	if link := c.DashboardLink(); link != "" {
		_, _ = fmt.Fprintf(a.out, "  Dashboard at:  %s\n", link)
	}
	for _, w := range c.Workers() {
		_, _ = fmt.Fprintf(a.out, "  Worker %-7s %s (process %d)\n", w.Name()+":", w.Address(), w.Pid())
	}
	_, _ = fmt.Fprintf(a.out, "\n  Go:      c, err := gdask.NewClient(ctx, %q)\n  Python:  client = dask.distributed.Client(%q)\n\nInterrupt (Ctrl-C) to close.\n",
		c.SchedulerAddress(), c.SchedulerAddress())
}
