package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/gdask/gdask"
	"github.com/gdask/gdask/builtin/all"
	"github.com/gdask/gdask/core/config"
	"github.com/gdask/gdask/core/scheduler"
	"github.com/gdask/gdask/core/scheduler/coord"
	"github.com/gdask/gdask/sdk/wire"
)

// defaultPort is Dask's.
const defaultPort = 8786

func (a *app) schedulerCommand() *cobra.Command {
	var file, pidFile string
	cmd := &cobra.Command{
		Use: "scheduler", Short: "Run a scheduler for workers and clients of Go and Python",
		Long: "Run a scheduler for workers and clients of Go and Python until it is interrupted or a\n" +
			"client shuts it down. It prints its address and that of its pages.",
		Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := a.load(cmd.Flags(), clusterKeys())
			if err != nil {
				return err
			}
			port := defaultPort
			if cmd.Flags().Changed("port") || l.Config.Cluster.SchedulerPort != 0 {
				port = l.Config.Cluster.SchedulerPort
			}
			return withPidFile(pidFile, func() error { return a.scheduler(cmd.Context(), &l.Config, port, file) })
		},
	}
	f := cmd.Flags()
	listenFlags(f)
	schedulerFlags(f, strconv.Itoa(defaultPort)+", 0 a free one")
	logFlag(f)
	f.StringVar(&file, "scheduler-file", "", "write the address for workers and clients to this JSON `file`")
	pidFlag(f, &pidFile)
	return cmd
}

// listenAddress is what a scheduler binds: loopback unless told otherwise.
func listenAddress(c *config.Config, port int) string {
	protocol, host := c.Protocol, c.Cluster.Host
	if protocol == "" {
		protocol = c.Distributed.Comm.DefaultScheme
	}
	if protocol != "tcp" {
		return protocol + "://" + host
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return "tcp://" + host + ":" + strconv.Itoa(port)
}

// scheduler runs until ctx ends or a client ends it.
func (a *app) scheduler(ctx context.Context, c *config.Config, port int, file string) (err error) {
	set, err := all.Transports()
	if err != nil {
		return err
	}
	log := a.logger(c)
	reader := graphReader(c, log)
	defer func() { err = errors.Join(err, closeReader(reader)) }()
	s, err := scheduler.New(scheduler.Settings{
		State: stateConfig(c), Transports: set, Listen: []string{listenAddress(c, port)},
		DashboardAddress: c.Cluster.DashboardAddress, Logger: log.Named("scheduler"), GraphReader: reader, Version: versionText(), Functions: gdask.Functions(),
		Blocked:      c.Distributed.Scheduler.BlockedHandlers,
		Preload:      preload(c.Distributed.Scheduler.Preload, c.Distributed.Scheduler.PreloadArgv),
		IdleTimeout:  time.Duration(c.Distributed.Scheduler.IdleTimeout),
		Wire:         wire.Settings{WriteTimeout: time.Duration(c.Distributed.Comm.Timeouts.TCP)},
		Coord:        coord.Config{Validate: time.Duration(c.Distributed.Scheduler.Locks.LeaseValidationInterval)},
		LeaseTimeout: time.Duration(c.Distributed.Scheduler.Locks.LeaseTimeout),
		EventLength:  c.Distributed.Admin.LowLevelLogLength, EventsCleanupDelay: time.Duration(c.Distributed.Scheduler.EventsCleanupDelay),
		ClientGrace: clientGrace(c),
		LogLength:   c.Distributed.Admin.LogLength, DumpDirectory: c.Scheduling.DumpDirectory,
		TaskStreamLength: c.Distributed.Scheduler.Dashboard.TaskStreamLength(), HTTPAPI: c.Distributed.Scheduler.HTTP.API(),
	})
	if err != nil {
		return err
	}
	start, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := s.Start(start); err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err = errors.Join(err, s.Close(end))
	}()
	if file != "" {
		if err := writeIdentity(start, s, file); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.Remove(file)) }()
	}
	_, _ = fmt.Fprintf(a.out, "Scheduler at: %s\n", s.Address())
	if link := s.DashboardLink(); link != "" {
		_, _ = fmt.Fprintf(a.out, "Dashboard at: %s\n", link)
	}
	defer trimMemory(ctx)()
	select {
	case <-ctx.Done():
	case <-s.Done():
	}
	return nil
}

// writeIdentity writes the scheduler file as a whole or not at all.
func writeIdentity(ctx context.Context, s *scheduler.Scheduler, file string) error {
	b, err := s.Identity(ctx)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
