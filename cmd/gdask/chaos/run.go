//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask"
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/core/units"
)

// Options of a run.
type Options struct {
	Duration    time.Duration // new graphs begin until it has passed; default 1 min
	Tasks       int           // of one graph; default 1000
	Workers     int           // worker processes with two threads each; default 4
	MemoryLimit string        // of each worker; default 256MiB
	Pause       time.Duration // between two faults, on average; default 600 ms
	Patience    time.Duration // that one graph may take; default 5 min
	Seed        uint64        // of graphs and faults; 0 takes one of the clock
	Executable  string        // the gdask command
	Out         io.Writer     // progress, in words
	WorkerLog   io.Writer     // what workers print; nil discards it
}

func (o *Options) logf(format string, args ...any) {
	_, _ = fmt.Fprintf(o.Out, format+"\n", args...)
}

func (o *Options) defaults() {
	set(&o.Duration, time.Minute)
	set(&o.Tasks, 1000)
	set(&o.Workers, 4)
	set(&o.MemoryLimit, "256MiB")
	set(&o.Pause, 600*time.Millisecond)
	set(&o.Patience, 5*time.Minute)
	set(&o.Seed, uint64(time.Now().UnixNano()))
}

func set[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Report is what a run came to.
type Report struct {
	Seed                   uint64
	Graphs, Tasks, Started int
	Faults, Company        string
	Elapsed                time.Duration
}

// String is one line for people.
func (r Report) String() string {
	return fmt.Sprintf("%d tasks in %d graphs right in %v under: %s; %d worker commands started; beside them: %s; nothing left behind",
		r.Tasks, r.Graphs, r.Elapsed.Round(time.Second), r.Faults, r.Started, r.Company)
}

// world is all that a run has.
type world struct {
	o       *Options
	dir     string
	cluster *gdask.LocalCluster
	proxy   *proxy
	fleet   *fleet
	client  *gdask.Client
	faults  *injector
}

// Run makes a cluster, runs graphs on it under faults and takes it down. Its
// error says what was wrong: a result, a graph that did not end, or something
// left behind. It changes this process's environment and must be alone in it.
func Run(ctx context.Context, o Options) (Report, error) {
	o.defaults()
	began := time.Now()
	before, err := takeInventory()
	if err != nil {
		return Report{}, err
	}
	dir, err := os.MkdirTemp("", "gdask-chaos-")
	if err != nil {
		return Report{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what was left is in the error
	w := &world{o: &o, dir: dir}
	var r Report
	if err = w.up(ctx); err == nil {
		r, err = w.graphs(ctx)
	}
	err = errors.Join(err, w.down(ctx))
	r.Seed, r.Elapsed = o.Seed, time.Since(began)
	return r, errors.Join(err, before.compare(ctx, filepath.Join(dir, "tmp")))
}

// up starts scheduler, proxy, workers and client.
func (w *world) up(ctx context.Context) error {
	tmp := filepath.Join(w.dir, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"TMPDIR", "XDG_RUNTIME_DIR"} {
		if err := os.Setenv(name, tmp); err != nil { // of this process and of workers
			return err
		}
	}
	limit, err := units.ParseBytes(w.o.MemoryLimit)
	if err != nil {
		return fmt.Errorf("memory limit %q: %w", w.o.MemoryLimit, err)
	}
	machine := state.DefaultConfig()
	machine.AllowedFailures = 254 // we are what kills workers, not the tasks
	machine.Validate = true
	w.cluster, err = gdask.NewLocalCluster(ctx, gdask.LocalOptions{
		NWorkers: new(0), Protocol: "tcp", DashboardAddress: "none", Scheduler: &machine,
		Logger: hclog.New(&hclog.LoggerOptions{Name: "scheduler", Level: hclog.Error, Output: w.o.Out}),
	})
	if err != nil {
		return err
	}
	if w.proxy, err = newProxy(ctx, strings.TrimPrefix(w.cluster.SchedulerAddress(), "tcp://")); err != nil {
		return err
	}
	w.fleet = startFleet(ctx, w.o, w.proxy.address())
	if w.client, err = gdask.NewClient(ctx, w.proxy.address()); err != nil {
		return err
	}
	w.faults = &injector{
		o: w.o, r: rand.New(rand.NewPCG(w.o.Seed, 2)), fleet: w.fleet, proxy: w.proxy, client: w.client,
		dir: w.dir, limit: limit, count: map[string]int{},
	}
	return w.client.WaitForWorkers(ctx, w.o.Workers)
}

// graphs runs one graph after the other under faults.
func (w *world) graphs(ctx context.Context) (Report, error) {
	w.o.logf("seed %d: graphs of %d tasks on %d workers for %v", w.o.Seed, w.o.Tasks, w.o.Workers, w.o.Duration)
	faulty, end := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { w.faults.run(faulty); close(done) }() // waited for below
	beside := newCompany(w.client)
	beside.keep(faulty)
	var r Report
	var err error
	random := rand.New(rand.NewPCG(w.o.Seed, 1))
	for began := time.Now(); err == nil && (r.Graphs == 0 || time.Since(began) < w.o.Duration); {
		start := time.Now()
		if err = w.graph(ctx, random, r.Graphs); err == nil {
			r.Graphs++
			r.Tasks += w.o.Tasks
			w.o.logf("graph %d is right after %v", r.Graphs, time.Since(start).Round(10*time.Millisecond))
		}
	}
	end()
	<-done
	company, wrong := beside.end()
	r.Company = company
	err = errors.Join(err, wrong)
	r.Faults, r.Started = w.faults.summary(), int(w.fleet.started.Load())
	return r, errors.Join(append(w.faults.wrong, err)...)
}

// down takes apart what up made, in the order that a careful user would.
func (w *world) down(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	var errs []error
	if w.client != nil {
		errs = append(errs, w.client.Close())
	}
	if w.fleet != nil {
		errs = append(errs, w.fleet.stop(ctx))
	}
	if w.cluster != nil {
		errs = append(errs, w.cluster.Close())
	}
	if w.proxy != nil {
		errs = append(errs, w.proxy.close())
	}
	return errors.Join(errs...)
}
