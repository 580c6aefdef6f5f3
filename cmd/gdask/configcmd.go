package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) configCommand() *cobra.Command {
	printIt := &cobra.Command{
		Use: "print", Short: "Print every key with its meaning, its value and where that came from", Args: arguments(0, 0, ""),
		Long: "Print the configuration as YAML: every key with its value and, as comments, what it\nmeans and the layer that the value came from: default, file, variable or flag. A\nfile with this text is a configuration file. Secrets are redacted.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := a.load(cmd.Flags(), nil)
			if err != nil {
				return err
			}
			return l.Print(a.out)
		},
	}
	check := &cobra.Command{
		Use: "check", Short: "Check files, variables and the configuration of plugins", Args: arguments(0, 0, ""),
		Long: "Check the configuration: unknown keys and wrong values in files and variables, and\n" +
			"each configured plugin, which must be found and accept its own configuration.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.checkConfig(cmd) },
	}
	return group("config", "Print and check the configuration", printIt, check)
}

func (a *app) checkConfig(cmd *cobra.Command) error {
	l, err := a.load(cmd.Flags(), nil)
	if err != nil {
		return err
	}
	for _, note := range l.Notes {
		if _, err := fmt.Fprintln(a.out, "note:", note); err != nil {
			return err
		}
	}
	if err := a.checkPlugins(cmd.Context(), &l.Config); err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, "configuration is valid")
	return err
}
