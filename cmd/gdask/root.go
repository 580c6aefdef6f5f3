package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gdask/gdask/sdk/nearest"
)

// app is one run of the command.
type app struct {
	environ []string
	out     io.Writer // what the command is asked for
	err     io.Writer // everything else
	files   []string  // --config
}

// getenv looks a variable up; the last one of a name counts.
func (a *app) getenv(name string) (string, bool) {
	for _, kv := range slices.Backward(a.environ) {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			return v, true
		}
	}
	return "", false
}

func (a *app) root() *cobra.Command {
	cmd := a.clusterCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.CompletionOptions.HiddenDefaultCmd = true
	cmd.PersistentFlags().StringArrayVar(&a.files, "config", nil, "configuration `file` (YAML or JSON); may be repeated, the last wins")
	cmd.AddCommand(a.schedulerCommand(), a.workerCommand(), a.pluginCommand(), a.configCommand(), a.benchCommand(), a.explainCommand(), a.dumpCommand(), a.versionCommand())
	cmd.AddCommand(a.systemCommands()...)
	cmd.SetFlagErrorFunc(flagError)
	cmd.SetUsageTemplate(wrapped(cmd.UsageTemplate()))
	cmd.SetGlobalNormalizationFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
	})
	return cmd
}

// helpWidth is where help breaks lines.
const helpWidth = 100

func wrapped(template string) string {
	return strings.ReplaceAll(template, ".FlagUsages |", fmt.Sprintf(".FlagUsagesWrapped %d |", helpWidth))
}

// flagError adds the nearest spelling to unknown flags.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedName() == "" || len(unknown.GetSpecifiedName()) == 1 {
		return &usageError{err}
	}
	var names []string
	collect := func(f *pflag.Flag) { names = append(names, "--"+f.Name) }
	cmd.Flags().VisitAll(collect)
	cmd.InheritedFlags().VisitAll(collect)
	word := "--" + unknown.GetSpecifiedName()
	return usagef("unknown flag %s%s", word, nearest.Hint(word, names))
}

// arguments checks the number of arguments; what says what they are.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if cmd.HasAvailableSubCommands() && len(args) > 0 {
			return unknownCommand(cmd, args[0])
		}
		switch {
		case len(args) < least:
			return usagef("%s needs %s", cmd.CommandPath(), what)
		case len(args) > most && most == 0:
			return usagef("%s takes no arguments, got %q", cmd.CommandPath(), args)
		case len(args) > most:
			return usagef("%s takes only %s, got %q", cmd.CommandPath(), what, args)
		}
		return nil
	}
}

func unknownCommand(cmd *cobra.Command, name string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	if hint := nearest.Hint(name, names); hint != "" {
		return usagef("unknown command %q of %s%s", name, cmd.CommandPath(), hint)
	}
	return usagef("unknown command %q of %s; commands are %s", name, cmd.CommandPath(), strings.Join(names, ", "))
}

// group is a command that only has subcommands.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(commands...)
	return cmd
}
