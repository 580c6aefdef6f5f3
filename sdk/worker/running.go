package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/internal/workerrt"
	"github.com/gdask/gdask/sdk/task"
)

// teardownPatience bounds an executor's Teardown.
const teardownPatience = 10 * time.Second

// pluginEnv is set in processes that run one plugin and nothing else.
const pluginEnv = "GDASK_PLUGIN"

// Running is one worker of a class. It satisfies Handle.
type Running struct {
	w    *workerrt.Worker
	ex   Executor
	log  hclog.Logger
	done chan struct{}
	err  error
}

var _ Handle = (*Running)(nil)

// Start makes a worker and returns when it has joined the scheduler; ctx bounds
// only that.
func (c *Class) Start(ctx context.Context, o StartOptions) (*Running, error) {
	transports := c.opts.transports
	if transports == nil {
		var err error
		if transports, err = comm.NewSet(comm.TCP(), comm.Unix()); err != nil {
			return nil, fmt.Errorf("worker class %s: %w", c.name, err)
		}
	}
	ex, err := c.executor(ctx)
	if err != nil {
		return nil, err
	}
	if err := o.inherit(); err != nil {
		return nil, fmt.Errorf("worker class %s: %w", c.name, err)
	}
	set := c.settings(o, ex)
	r := &Running{ex: ex, log: set.Logger, done: make(chan struct{})}
	set.Transports = transports
	if r.w, err = workerrt.Start(ctx, set); err != nil {
		return nil, errors.Join(fmt.Errorf("worker class %s: %w", c.name, err), r.teardown())
	}
	go r.supervise() // ends with the worker
	return r, nil
}

func (c *Class) settings(o StartOptions, ex Executor) workerrt.Settings {
	c.mu.Lock()
	logger := c.opts.logger
	c.mu.Unlock()
	if logger == nil {
		logger = hclog.NewNullLogger()
	}
	s := workerrt.Settings{
		Scheduler: o.Scheduler, Name: o.Name, NThreads: o.NThreads, MemoryLimit: o.MemoryLimit,
		Resources: resources(o, ex), LocalDirectory: o.LocalDirectory, ListenAddress: o.ListenAddress,
		ContactAddress: o.ContactAddress, DashboardAddr: o.DashboardAddr, DeathTimeout: o.DeathTimeout,
		Preload: o.Preload, Blocked: o.Blocked, Nanny: o.Nanny, Registry: c.opts.registry, Runtimes: c.opts.runtimes, Logger: logger,
		OwnProcess: os.Getenv(pluginEnv) == Kind, Process: c.process, Tuning: o.Tuning.own(),
	}
	if o.Memory != nil {
		memory := workerrt.Memory(*o.Memory)
		s.Memory = &memory
	}
	if ex != nil {
		s.Run = func(ctx context.Context, j *workerrt.Job) (any, error) {
			r, err := ex.Execute(ctx, Task{j})
			return r.Value, err
		}
	}
	return s
}

// inherit takes the options that the environment of a worker's own process has.
func (o *StartOptions) inherit() error {
	text := os.Getenv(OptionsEnv)
	if text == "" || os.Getenv(pluginEnv) != Kind {
		return nil
	}
	if err := json.Unmarshal([]byte(text), &o.Extra); err != nil {
		return fmt.Errorf("variable %s: %w", OptionsEnv, err)
	}
	return nil
}

func resources(o StartOptions, ex Executor) map[string]float64 {
	r, ok := ex.(Resources)
	if !ok {
		return o.Resources
	}
	all := maps.Clone(r.Resources())
	if all == nil {
		all = make(map[string]float64)
	}
	maps.Copy(all, o.Resources)
	return all
}

// supervise tells the executor of pauses and of the end.
func (r *Running) supervise() {
	defer close(r.done)
	p, _ := r.ex.(Pause)
	paused := false
	for {
		status, changed := r.w.Changed()
		if now := status == "paused"; p != nil && now != paused {
			paused = now
			r.tell(p, now)
		}
		select {
		case <-changed:
		case <-r.w.Done():
			r.err = errors.Join(r.w.Err(), r.teardown())
			return
		}
	}
}

// tell calls the author's code, whose panic must not end the process.
func (r *Running) tell(p Pause, paused bool) {
	defer func() {
		if v := recover(); v != nil {
			r.log.Error("the executor's Pause panicked", "worker", r.Name(), "paused", paused, "error", task.NewPanicError(v))
		}
	}()
	p.Pause(paused)
}

func (r *Running) teardown() (err error) {
	t, ok := r.ex.(Teardown)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), teardownPatience)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = task.NewPanicError(p)
		}
	}()
	if err := t.Teardown(ctx); err != nil {
		return fmt.Errorf("worker: teardown: %w", err)
	}
	return nil
}

// Name is the worker's name.
func (r *Running) Name() string { return r.w.Name() }

// Address is the worker's contact address.
func (r *Running) Address() string { return r.w.Address() }

// Pid is this process.
func (r *Running) Pid() int { return os.Getpid() }

// Status is what the worker does: running, paused, closing_gracefully, closing
// or closed.
func (r *Running) Status() string { return r.w.Status() }

// Watch yields the status and then every change of it until the worker has
// ended or ctx ends. A slow caller misses statuses in between, never the last.
func (r *Running) Watch(ctx context.Context) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			status, changed := r.w.Changed()
			if !yield(status) || status == "closed" {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// Drain hands the worker's tasks and data on, then ends it; ctx bounds both.
func (r *Running) Drain(ctx context.Context) error {
	return errors.Join(r.w.Drain(ctx), r.wait(ctx))
}

// Stop ends the worker within ctx's time, handing on what only it holds as far
// as that time allows; safe twice.
func (r *Running) Stop(ctx context.Context, reason string) error {
	return errors.Join(r.w.Stop(ctx, reason), r.wait(ctx))
}

func (r *Running) wait(ctx context.Context) error {
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
	}
	select { // the end counts even when ctx has ended as well
	case <-r.done:
		return nil
	default:
		return fmt.Errorf("worker %s: not ended: %w", r.Name(), context.Cause(ctx))
	}
}

// Done is closed when the worker has ended for good.
func (r *Running) Done() <-chan struct{} { return r.done }

// Err says why the worker ended; nil when it was asked to, or still runs.
func (r *Running) Err() error {
	select {
	case <-r.done:
		return r.err
	default:
		return nil
	}
}
