package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/pflag"
)

func pidFlag(f *pflag.FlagSet, file *string) {
	f.StringVar(file, "pid-file", "", "write the number of this process to this `file` while it runs")
}

// withPidFile writes the number of this process to a file, if one is named, while
// run runs.
func withPidFile(file string, run func() error) (err error) {
	if file == "" {
		return run()
	}
	if err := os.WriteFile(file, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return fmt.Errorf("pid file: %w", err)
	}
	defer func() { err = errors.Join(err, os.Remove(file)) }()
	return run()
}
