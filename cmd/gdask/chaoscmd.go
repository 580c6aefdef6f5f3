//go:build linux

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/gdask/gdask/cmd/gdask/chaos"
)

// systemCommands are the commands that only this system has.
func (a *app) systemCommands() []*cobra.Command { return []*cobra.Command{a.chaosCommand()} }

func (a *app) chaosCommand() *cobra.Command {
	var o chaos.Options
	var verbose bool
	cmd := &cobra.Command{
		Use: "chaos", Short: "Run random graphs on this machine under faults and check the results", Args: arguments(0, 0, ""),
		Long: "Run random graphs on a scheduler and worker processes of this machine while workers are killed,\n" +
			"frozen and starved of memory and their connections are cut. All results are compared with a\n" +
			"sequential run; in the end no process, file, goroutine or directory may be left.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Executable, err = os.Executable(); err != nil {
				return err
			}
			o.Out = a.err
			if verbose {
				o.WorkerLog = a.err
			}
			report, err := chaos.Run(cmd.Context(), o)
			if err != nil {
				return fmt.Errorf("seed %d: %w", report.Seed, err)
			}
			_, _ = fmt.Fprintln(a.out, report)
			return nil
		},
	}
	f := cmd.Flags()
	f.DurationVar(&o.Duration, "duration", 0, "how long new graphs begin (default 1m)")
	f.IntVar(&o.Tasks, "tasks", 0, "tasks of one graph (default 1000)")
	f.IntVar(&o.Workers, "workers", 0, "worker processes (default 4)")
	f.StringVar(&o.MemoryLimit, "memory-limit", "", "of each worker (default 256MiB)")
	f.DurationVar(&o.Pause, "pause", 0, "average time between two faults (default 600ms)")
	f.Uint64Var(&o.Seed, "seed", 0, "of graphs and faults (default by the clock)")
	f.BoolVar(&verbose, "verbose", false, "show what workers print")
	return cmd
}
