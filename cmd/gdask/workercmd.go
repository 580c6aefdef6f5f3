package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/core/cluster"
	"github.com/gdask/gdask/core/config"
	"github.com/gdask/gdask/plugins"
	"github.com/gdask/gdask/sdk/worker"
)

// workerOptions are the flags that only `gdask worker` has.
type workerOptions struct {
	workers, threads int
	name, resources  string
	file, pidFile    string
	death            time.Duration
}

func (a *app) workerCommand() *cobra.Command {
	var o workerOptions
	cmd := &cobra.Command{
		Use: "worker [ADDRESS]", Short: "Run workers for a scheduler", Args: arguments(0, 1, "the scheduler's address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := a.load(cmd.Flags(), clusterKeys())
			if err != nil {
				return err
			}
			address, err := o.scheduler(cmd.Context(), a, args)
			if err != nil {
				return err
			}
			return withPidFile(o.pidFile, func() error { return a.workers(cmd.Context(), &l.Config, address, &o) })
		},
	}
	f := cmd.Flags()
	workerFlags(f)
	logFlag(f)
	aliases(f, map[string]string{"n-workers": "nworkers", "n-threads": "nthreads"})
	f.IntVar(&o.workers, "nworkers", 1, "number of workers")
	f.IntVar(&o.threads, "nthreads", 0, "task slots of each worker (default the cores, shared out)")
	f.StringVar(&o.name, "name", "", "name of the worker; several get -0, -1, ... behind it (default their addresses)")
	f.StringVar(&o.resources, "resources", "", `abstract resources such as "GPU=2 MEM=10e9"`)
	f.StringVar(&o.file, "scheduler-file", "", "JSON `file` with the scheduler's address; it may appear later")
	pidFlag(f, &o.pidFile)
	f.DurationVar(&o.death, "death-timeout", 0, "give up when the scheduler cannot be joined within this `duration`")
	return cmd
}

// scheduler is the address of the argument, of the scheduler file or of the environment.
func (o *workerOptions) scheduler(ctx context.Context, a *app, args []string) (string, error) {
	switch {
	case len(args) == 1 && o.file != "":
		return "", usagef("give an address or --scheduler-file, not both")
	case len(args) == 1:
		return args[0], nil
	case o.file != "":
		limit := startTimeout
		if o.death > 0 {
			limit = o.death
		}
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		return client.AddressFromFile(ctx, o.file)
	}
	for _, name := range []string{"GDASK_SCHEDULER_ADDRESS", "DASK_SCHEDULER_ADDRESS"} {
		if v, _ := a.getenv(name); v != "" {
			return v, nil
		}
	}
	return "", usagef("gdask worker needs the scheduler's address, such as tcp://127.0.0.1:%d, or --scheduler-file", defaultPort)
}

// parseResources reads "GPU=2 MEM=10e9".
func parseResources(text string) (map[string]float64, error) {
	out := map[string]float64{}
	for _, item := range strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }) {
		name, amount, ok := strings.Cut(item, "=")
		v, err := strconv.ParseFloat(amount, 64)
		if !ok || name == "" || err != nil || v < 0 {
			return nil, usagef("--resources has %q; write NAME=AMOUNT, several with blanks between them", item)
		}
		out[name] = v
	}
	return out, nil
}

// workers runs until ctx ends or the last worker has ended.
func (a *app) workers(ctx context.Context, c *config.Config, address string, o *workerOptions) (err error) {
	if o.workers < 1 {
		return usagef("--nworkers is %d; give at least 1", o.workers)
	}
	host, err := a.host(c)
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err = errors.Join(err, host.Close(end))
	}()
	class := c.WorkerClass
	if class == "" {
		class = plugins.Subprocess
	}
	start, err := o.start(c, address, a.logger(c))
	if err != nil {
		return err
	}
	defer trimMemory(ctx)()
	running := make([]worker.Handle, o.workers)
	for i := range running {
		options := start
		if o.workers > 1 && o.name != "" {
			options.Name = fmt.Sprintf("%s-%d", o.name, i)
		}
		if running[i], err = a.startOne(ctx, host, class, options); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(a.out, "Worker at: %s (process %d)\n", running[i].Address(), running[i].Pid())
	}
	return await(ctx, running)
}

func (a *app) startOne(ctx context.Context, host *plugins.Host, class string, o worker.StartOptions) (worker.Handle, error) {
	limit := startTimeout
	if o.DeathTimeout > 0 {
		limit = o.DeathTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	e, err := host.Resolve(class)
	if err != nil {
		return nil, err
	}
	w, err := host.StartWorker(ctx, class, e.Name == plugins.Threadpool, o)
	if err != nil { // which of two deadlines was the first is not for users to find out
		return nil, fmt.Errorf("no %s worker joined the scheduler %s (limit %v): %w", e.Name, o.Scheduler, limit, err)
	}
	return w, nil
}

func (o *workerOptions) start(c *config.Config, address string, l hclog.Logger) (worker.StartOptions, error) {
	m := cluster.ThisMachine()
	if o.threads < 0 {
		return worker.StartOptions{}, usagef("--nthreads is %d; give at least 1, or 0 for the cores, shared out", o.threads)
	}
	threads := o.threads
	if threads == 0 {
		threads = max(1, m.Cores/o.workers)
	}
	memory, clamped, err := cluster.ThreadsMemoryLimit(c.Cluster.MemoryLimit, o.workers, threads, m)
	if err != nil {
		return worker.StartOptions{}, err
	}
	if clamped {
		l.Warn("memory limit lowered to what the machine has", "asked", c.Cluster.MemoryLimit, "limit", cluster.FormatBytes(memory))
	}
	resources, err := parseResources(o.resources)
	if err != nil {
		return worker.StartOptions{}, err
	}
	for k, v := range c.Distributed.Worker.Resources {
		if _, given := resources[k]; !given {
			resources[k] = v
		}
	}
	return worker.StartOptions{
		Scheduler: address, Name: o.name, NThreads: threads, MemoryLimit: memory, Memory: workerMemory(c), Resources: resources,
		LocalDirectory: c.Cluster.LocalDirectory, DashboardAddr: c.Cluster.WorkerDashboardAddress, DeathTimeout: o.death,
	}, nil
}

// await returns when ctx ends or when all workers have, with the first error.
func await(ctx context.Context, running []worker.Handle) error {
	var errs []error
	for _, w := range running {
		select {
		case <-w.Done():
			errs = append(errs, w.Err())
		case <-ctx.Done():
			return errors.Join(errs...)
		}
	}
	return errors.Join(errs...)
}
