package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/gdask/gdask/sdk"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: arguments(0, 0, ""),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.out, "gdask %s (sdk %s, %s, %s/%s)\n", versionText(), sdk.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
