package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gdask/gdask"
	"github.com/gdask/gdask/sdk/nearest"
)

// Options of a run. The zero value runs all workloads in process.
type Options struct {
	// Processes gives each of the two workers a process.
	Processes bool
	// Workloads by name; none means all.
	Workloads []string
	// Sizes of noop; none means 1k, 10k, 100k and 1M.
	Sizes []int
	// Repeats of each workload, of which the median counts; 0 means 3. The
	// longest sizes run once.
	Repeats int
	// Executable and Args start this program again, for the workload memory.
	Executable string
}

// workload is a way to load a cluster and its figures.
type workload struct {
	name string
	run  func(*run) error
}

func workloads() []workload {
	return []workload{
		{"startup", (*run).startup}, {"noop", (*run).noop}, {"latency", (*run).latency}, {"chain", (*run).chain},
		{"tree", (*run).tree}, {"fan", (*run).fan}, {"transfer", (*run).transfer},
		{"scatter-gather", (*run).scatterGather}, {"memory", (*run).memory},
	}
}

// Names are the workloads in the order in which they run.
func Names() []string {
	var names []string
	for _, w := range workloads() {
		names = append(names, w.name)
	}
	return names
}

// run is the state of one run.
type run struct {
	Options
	ctx     context.Context
	emit    func(Record) error
	name    string
	client  *gdask.Client
	cluster *gdask.LocalCluster
	serial  int // makes arguments, and so keys, new
}

// Run measures and hands each figure to emit. An error of emit ends it.
func Run(ctx context.Context, o Options, emit func(Record) error) error {
	if o.Repeats <= 0 {
		o.Repeats = 3
	}
	if len(o.Sizes) == 0 {
		o.Sizes = []int{1000, 10_000, 100_000, 1_000_000}
	}
	for _, name := range o.Workloads {
		if !slices.Contains(Names(), name) {
			return fmt.Errorf("unknown workload %q; workloads are %s%s", name, strings.Join(Names(), ", "), nearest.Hint(name, Names()))
		}
	}
	r := &run{Options: o, ctx: ctx, emit: emit}
	for _, w := range workloads() {
		if len(o.Workloads) > 0 && !slices.Contains(o.Workloads, w.name) {
			continue
		}
		r.name = w.name
		if err := r.one(w); err != nil {
			return fmt.Errorf("workload %s: %w", w.name, err)
		}
	}
	return nil
}

// one runs a workload on a fresh cluster; startup and memory make their own.
func (r *run) one(w workload) error {
	if w.name == "startup" || w.name == "memory" {
		return w.run(r)
	}
	if err := r.open(); err != nil {
		return err
	}
	err := r.warm()
	if err == nil {
		err = w.run(r)
	}
	if e := r.close(); err == nil {
		err = e
	}
	return err
}

func (r *run) mode() string {
	if r.Processes {
		return "processes"
	}
	return "threads"
}

func (r *run) open() error {
	var err error
	r.cluster, err = gdask.NewLocalCluster(r.ctx, gdask.LocalOptions{
		NWorkers: new(2), ThreadsPerWorker: new(1), Processes: &r.Processes, DashboardAddress: "none",
	})
	if err != nil {
		return err
	}
	if r.client, err = gdask.NewClient(r.ctx, r.cluster); err != nil {
		_ = r.cluster.Close() // the client's error is the cause
		return err
	}
	return nil
}

func (r *run) close() error {
	err := r.client.Close()
	if e := r.cluster.Close(); err == nil {
		err = e
	}
	return err
}

// warm has every path taken once, as a cluster in use has.
func (r *run) warm() error {
	_, err := r.noops(1000)
	return err
}

// repeat collects the figures of f, which returns one value for each.
func (r *run) repeat(times int, figures []samples, f func() ([]float64, error)) error {
	for range times {
		values, err := f()
		if err != nil {
			return err
		}
		for i := range figures {
			figures[i].values = append(figures[i].values, values[i])
		}
	}
	for _, s := range figures {
		if err := r.emit(s.record(r.name, r.mode())); err != nil {
			return err
		}
	}
	return nil
}

// fresh are n numbers that no earlier task had.
func (r *run) fresh(n int) []int {
	xs := make([]int, n)
	for i := range xs {
		r.serial++
		xs[i] = r.serial
	}
	return xs
}

func rate(n int, d time.Duration) float64 { return float64(n) / d.Seconds() }

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
