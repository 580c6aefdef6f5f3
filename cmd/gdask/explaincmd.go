package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gdask/gdask"
)

// askTimeout bounds what the commands of this file ask.
const askTimeout = 2 * time.Minute

// asker has the flags of commands that ask a scheduler.
type asker struct {
	file    string
	timeout time.Duration
}

func (q *asker) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&q.file, "scheduler-file", "", "JSON `file` with the scheduler's address, in place of ADDRESS")
	f.DurationVar(&q.timeout, "timeout", askTimeout, "give up after this `duration`")
}

// ask calls f with a client and what is left of the arguments.
func (q *asker) ask(ctx context.Context, args []string, f func(context.Context, *gdask.Client, []string) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	options := gdask.ClientOptions{Name: "command", NotDefault: true, SchedulerFile: q.file, Timeout: q.timeout}
	target := []any{options}
	if q.file == "" {
		target = append(target, args[0])
		args = args[1:]
	}
	c, err := gdask.NewClient(ctx, target...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return f(ctx, c, args)
}

func (a *app) explainCommand() *cobra.Command {
	var q asker
	cmd := &cobra.Command{
		Use: "explain ADDRESS KEY...", Short: "Say why tasks do not run, or what became of them",
		Long: "Say why tasks do not run, or what became of them: a sentence for each cause.",
		Args: func(cmd *cobra.Command, args []string) error {
			least, what := 2, "the scheduler's address and the keys of tasks"
			if q.file != "" {
				least, what = 1, "the keys of tasks"
			}
			return arguments(least, 101, what)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return q.ask(cmd.Context(), args, func(ctx context.Context, c *gdask.Client, keys []string) error {
				return a.explain(ctx, c, keys)
			})
		},
	}
	q.flags(cmd)
	return cmd
}

func (a *app) explain(ctx context.Context, c *gdask.Client, keys []string) error {
	tasks := make([]any, len(keys))
	for i, k := range keys {
		tasks[i] = k
	}
	why, err := c.Explain(ctx, tasks...)
	for _, k := range keys {
		if lines := why[k]; len(lines) > 0 {
			_, _ = fmt.Fprintln(a.out, strings.Join(lines, "\n  "))
			delete(why, k) // a key that is named twice
		}
	}
	return err
}

func (a *app) dumpCommand() *cobra.Command {
	var q asker
	var out string
	var o gdask.DumpOptions
	cmd := &cobra.Command{
		Use: "dump ADDRESS -o FILE", Short: "Write all that scheduler and workers know to a file",
		Long: "Write all that scheduler and workers know to a file, in the form of Dask's dumps:\n" +
			"FILE.msgpack.gz, or FILE.yaml or FILE.json where the name or --format says so.",
		Args: func(cmd *cobra.Command, args []string) error {
			if q.file != "" {
				return arguments(0, 0, "")(cmd, args)
			}
			return arguments(1, 1, "the scheduler's address")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return q.ask(cmd.Context(), args, func(ctx context.Context, c *gdask.Client, _ []string) error {
				name, err := c.DumpClusterState(ctx, out, o)
				if err == nil {
					_, _ = fmt.Fprintln(a.out, name)
				}
				return err
			})
		},
	}
	q.flags(cmd)
	f := cmd.Flags()
	f.StringVarP(&out, "output", "o", "dask-cluster-dump", "`file` to write")
	f.StringVar(&o.Format, "format", "", "msgpack, yaml or json (default by the file's name, else msgpack)")
	f.StringSliceVar(&o.Exclude, "exclude", []string{"run_spec"}, "`fields` to leave out")
	return cmd
}
