package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gdask/gdask/cmd/gdask/bench"
)

func (a *app) benchCommand() *cobra.Command {
	var (
		processes, threads, reference bool
		sizes                         []string
		o                             bench.Options
	)
	cmd := &cobra.Command{
		Use: "bench [WORKLOAD ...]", Short: "Measure a cluster of two workers on this machine",
		Long: "Measure a cluster of two workers with one thread each, in processes of their own or\n" +
			"all in this process, and print one line of JSON for each figure.\n\nWorkloads: " + strings.Join(bench.Names(), ", "),
		ValidArgs: bench.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if processes && threads {
				return usagef("give --processes or --threads, not both")
			}
			var err error
			if o.Sizes, err = parseSizes(sizes); err != nil {
				return err
			}
			if o.Executable, err = os.Executable(); err != nil {
				return err
			}
			o.Processes, o.Workloads = !threads, args
			return a.bench(cmd, o, reference)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&processes, "processes", false, "workers in processes of their own (default)")
	f.BoolVar(&threads, "threads", false, "workers in this process")
	f.IntVar(&o.Repeats, "repeats", 3, "how often each workload runs; the median counts")
	f.StringSliceVar(&sizes, "n", nil, "numbers of tasks of the workload noop (default 1k,10k,100k,1M)")
	f.BoolVar(&reference, "reference", false, "print the figures beside Dask's at the end")
	return cmd
}

func (a *app) bench(cmd *cobra.Command, o bench.Options, reference bool) error {
	lines := json.NewEncoder(a.out)
	var all []bench.Record
	err := bench.Run(cmd.Context(), o, func(r bench.Record) error {
		all = append(all, r)
		return lines.Encode(r)
	})
	if !reference {
		return err
	}
	_, _ = fmt.Fprintf(a.err, "\nThe reference is %s.\n", bench.ReferenceLabel)
	for _, r := range all {
		_, _ = fmt.Fprintln(a.err, r)
	}
	return err
}

// parseSizes reads numbers such as 1000, 10k and 1M.
func parseSizes(texts []string) ([]int, error) {
	var sizes []int
	for _, t := range texts {
		number, factor := t, 1
		switch {
		case strings.HasSuffix(t, "k"):
			number, factor = t[:len(t)-1], 1000
		case strings.HasSuffix(t, "M"):
			number, factor = t[:len(t)-1], 1_000_000
		}
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > 1<<30 {
			return nil, usagef("--n has %q; give numbers such as 1000, 10k or 1M", t)
		}
		sizes = append(sizes, n*factor)
	}
	return sizes, nil
}
