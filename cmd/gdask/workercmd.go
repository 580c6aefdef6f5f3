package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/core/config"
	"github.com/gdask/gdask/plugins"
	"github.com/gdask/gdask/sdk/worker"
)

func (a *app) workerCommand() *cobra.Command {
	var o workerOptions
	cmd := &cobra.Command{
		Use: "worker [ADDRESS]", Short: "Run workers for a scheduler",
		Long: "Run workers for the scheduler at ADDRESS. Without one the address is that of\n" +
			"--scheduler-file, GDASK_SCHEDULER_ADDRESS or DASK_SCHEDULER_ADDRESS. Ends when it is\n" +
			"interrupted, which hands the workers' data on, or when all workers have ended.",
		Args: arguments(0, 1, "the scheduler's address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := a.load(cmd.Flags(), workerKeys())
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
	o.flags(f)
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
		death, err := o.deathTimeout()
		if err != nil {
			return "", err
		}
		if death > 0 {
			limit = death
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
	plan, err := o.plan(c, address, a.logger(c))
	if err != nil {
		return err
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
	defer trimMemory(ctx)()
	running := make([]worker.Handle, len(plan.workers))
	for i := range running {
		if running[i], err = a.startOne(ctx, host, plan.class, plan.workers[i]); err != nil {
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
