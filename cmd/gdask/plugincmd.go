package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/gdask/gdask"
	"github.com/gdask/gdask/builtin/all"
	"github.com/gdask/gdask/core/config"
	"github.com/gdask/gdask/plugins"
	"github.com/gdask/gdask/plugins/launch"
)

// describeTimeout bounds a plugin's description of itself.
const describeTimeout = 10 * time.Second

func (a *app) pluginCommand() *cobra.Command {
	sub := func(use, short string, least, most int, what string, f func(ctx context.Context, c *config.Config, args []string) error) *cobra.Command {
		cmd := &cobra.Command{Use: use, Short: short, Args: arguments(least, most, what)}
		pluginDirFlag(cmd)
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			l, err := a.load(cmd.Flags(), keys{"plugin-dir": "plugins.dirs"})
			if err != nil {
				return err
			}
			return f(cmd.Context(), &l.Config, args)
		}
		return cmd
	}
	return group("plugin", "Look after plugins",
		sub("list", "List the worker classes, builtin and found", 0, 0, "", a.listPlugins),
		sub("inspect NAME", "Print what a plugin says about itself", 1, 1, "the plugin's name", a.inspectPlugin),
		sub("verify NAME", "Check a plugin's file and print its checksum", 1, 1, "the plugin's name", a.verifyPlugin),
		a.pluginNewCommand(), a.pluginTestCommand(),
	)
}

func pluginDirFlag(cmd *cobra.Command) {
	cmd.Flags().StringSlice("plugin-dir", nil, "`directory` with plugins, searched first; may be repeated")
}

// host is a plugin host for the configuration; it has this command's builtins.
func (a *app) host(c *config.Config) (*plugins.Host, error) {
	set, err := all.Transports()
	if err != nil {
		return nil, err
	}
	classes, err := classSettings(c)
	if err != nil {
		return nil, err
	}
	log := a.logger(c)
	return plugins.NewHost(plugins.Settings{
		Builtins: all.Workers(gdask.Functions(), set), Dirs: c.Plugins.Dirs, Environ: a.environ,
		Workers: classes, Strict: c.Plugins.Strict, Memory: memoryWatch(c, log), Logger: log.Named("plugins"),
		Transports: set, Functions: gdask.Functions(), Nanny: nannySettings(c), Lifetime: lifetime(c),
	})
}

func (a *app) listPlugins(_ context.Context, c *config.Config, _ []string) error {
	h, err := a.host(c)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "KIND\tNAME\tWHERE\tSTATE")
	for _, e := range h.List() {
		where, state := e.Path, "ok"
		if e.Builtin {
			where = "builtin"
		}
		if e.Problem != "" {
			state = e.Problem
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", e.Kind, e.Name, where, state)
	}
	return w.Flush()
}

func (a *app) inspectPlugin(ctx context.Context, c *config.Config, args []string) error {
	h, err := a.host(c)
	if err != nil {
		return err
	}
	e, err := h.Resolve(args[0])
	if err != nil {
		return err
	}
	if e.Builtin {
		_, err = fmt.Fprintf(a.out, "%s is a builtin worker class of gdask %s\n", e.Name, versionText())
		return err
	}
	b, err := describe(ctx, e.Path)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s\n%s\n", e.Path, b)
	return err
}

// describe asks a plugin's executable who it is, without starting it as a plugin.
func describe(ctx context.Context, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "describe").Output()
	if err != nil {
		return nil, fmt.Errorf("%s describe: %w", path, err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, bytes.TrimSpace(out), "", "  "); err != nil {
		return nil, fmt.Errorf("%s describe printed no JSON: %w", path, err)
	}
	return pretty.Bytes(), nil
}

func (a *app) verifyPlugin(_ context.Context, c *config.Config, args []string) error {
	h, err := a.host(c)
	if err != nil {
		return err
	}
	e, err := h.Resolve(args[0])
	if err != nil {
		return err
	}
	if e.Builtin {
		_, err = fmt.Fprintf(a.out, "%s is builtin: it is as good as this command\n", e.Name)
		return err
	}
	sum, err := launch.Checksum(e.Path)
	if err != nil {
		return err
	}
	if want := c.Plugins.Worker[e.Name].Checksum; want != "" && want != sum {
		return fmt.Errorf("%s has checksum %s, pinned is %s", e.Path, sum, want)
	}
	_, err = fmt.Fprintf(a.out, "%s\nplugins:\n  worker:\n    %s:\n      checksum: %s\n", e.Path, e.Name, sum)
	return err
}

// checkPlugins makes sure that each configured worker class is found and accepts
// its own configuration.
func (a *app) checkPlugins(ctx context.Context, c *config.Config) (err error) {
	h, err := a.host(c)
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err = errors.Join(err, h.Close(end))
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.Plugins.Worker)) {
		errs = append(errs, h.Validate(ctx, name))
	}
	if c.WorkerClass != "" {
		_, err := h.Resolve(c.WorkerClass)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
