package plugins

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/gdask/gdask/plugins/catalog"
	facade "github.com/gdask/gdask/plugins/facade/worker"
	"github.com/gdask/gdask/plugins/launch"
	"github.com/gdask/gdask/plugins/supervise"
	"github.com/gdask/gdask/sdk/handshake"
	"github.com/gdask/gdask/sdk/worker"
)

// joinTimeout bounds one start of a worker process, with its joining.
const joinTimeout = time.Minute

// startProcess starts a worker in a supervised process.
func (h *Host) startProcess(ctx context.Context, e catalog.Entry, o worker.StartOptions) (worker.Handle, error) {
	spec, err := h.spec(e)
	if err != nil {
		return nil, err
	}
	if options := o.Environment(); options != "" {
		spec.Env = launch.Overlay(spec.Env, map[string]string{worker.OptionsEnv: options})
	}
	c := h.set.Workers[e.Name]
	n, err := h.nanny(ctx, &o)
	if err != nil {
		return nil, err
	}
	s, err := supervise.Start(ctx, supervise.Settings{
		Plugin: e.Name, Policy: c.Restart, MemoryLimit: o.MemoryLimit, Logger: n.logger(h.set.Logger),
		HealthEvery: h.health, HealthDeadline: h.health,
		Launch: func(ctx context.Context) (supervise.Instance, error) {
			ctx, cancel := context.WithTimeout(ctx, joinTimeout)
			defer cancel()
			v, err := facade.LaunchV1(ctx, n.prepare(ctx, spec), c.Config, h.set.Logger.GetLevel().String(), o)
			if err != nil {
				return nil, err // not v: a nil *V1 is no nil Instance
			}
			return v, nil
		},
		Memory:   h.memory(e.Name, o),
		OnOver:   func(e *supervise.ExitError) { h.exited(e, true) },
		OnWanted: func(e *supervise.ExitError) { h.exited(e, true) },
		OnExit:   func(e *supervise.ExitError) { h.exited(e, false) },
	})
	if err != nil {
		n.close(h.set.Logger)
		return nil, err
	}
	w := &supervised{s: s, name: o.Name}
	if n != nil {
		n.Supervise(control{w})
		h.nannies.Go(func() { // ends with the worker
			<-s.Done()
			n.close(h.set.Logger)
		})
	}
	return w, nil
}

// spec is how the process of a class is started: a builtin's is this executable
// again, told by its environment what to be.
func (h *Host) spec(e catalog.Entry) (launch.Spec, error) {
	c := h.set.Workers[e.Name]
	dir, err := h.runDir()
	if err != nil {
		return launch.Spec{}, err
	}
	spec := launch.Spec{
		Kind: handshake.KindWorker, Name: e.Name, Path: e.Path, Args: c.Args, Checksum: c.Checksum,
		MTLS: c.MTLS == "on" || c.MTLS != "off" && !e.Builtin, StartTimeout: c.StartTimeout, Dir: dir,
		Logger: h.set.Logger.Named(e.Name),
	}
	if !e.Builtin {
		if h.set.Strict && c.Checksum == "" {
			return spec, fmt.Errorf("worker plugin %q: plugins.strict is set and %s has no checksum; pin it with: gdask plugin verify %s",
				e.Name, e.Path, e.Name)
		}
		own := maps.Clone(h.set.Nanny.Env)
		if own == nil {
			own = map[string]string{}
		}
		maps.Copy(own, c.Env)
		spec.Env = launch.Beneath(launch.Environment(h.environ, c.EnvPassthrough, own), h.set.Nanny.PreSpawn, h.set.Nanny.Environ)
		return spec, nil
	}
	own := map[string]string{}
	maps.Copy(own, c.Env)
	maps.Copy(own, h.set.Nanny.Env)
	own[handshake.NameEnv] = childClass(e.Name)
	spec.Env = launch.FullEnvironment(launch.Beneath(h.environ, h.set.Nanny.PreSpawn, h.set.Nanny.Environ), own)
	return spec, nil
}

// childClass is the class that the child serves: subprocess is threadpool in a
// process of its own.
func childClass(name string) string {
	if name == Subprocess {
		return Threadpool
	}
	return name
}

// memory is the watch over one worker's processes; nil when there is nothing to
// watch.
func (h *Host) memory(class string, o worker.StartOptions) func(ctx context.Context, pid int, terminate func(kill bool)) {
	if h.set.Memory == nil || o.MemoryLimit <= 0 {
		return nil
	}
	name := cmp.Or(o.Name, class)
	return func(ctx context.Context, pid int, terminate func(kill bool)) {
		h.set.Memory(ctx, WatchedProcess{Worker: name, Pid: pid, Limit: o.MemoryLimit}, terminate)
	}
}

func (h *Host) exited(e *supervise.ExitError, ending bool) {
	if h.set.OnExit != nil {
		h.set.OnExit(worker.ExitReport{
			Class: e.Plugin, Address: e.Worker, Pid: e.Pid, Code: e.Code, Signal: e.Signal, OOM: e.OOM, LastLog: e.Stderr,
			Ending: ending, Wanted: e.Wanted,
		})
	}
}

// supervised is a worker process as a handle.
type supervised struct {
	s    *supervise.Supervisor
	name string
}

var _ worker.Handle = (*supervised)(nil)

// Name is the worker's name, its address when it has none.
func (w *supervised) Name() string {
	if w.name == "" {
		return w.Address()
	}
	return w.name
}

// Address is that of the present incarnation.
func (w *supervised) Address() string { return w.s.Snapshot().Worker }

// Pid is that of the present incarnation.
func (w *supervised) Pid() int { return w.s.Snapshot().Pid }

// Stop ends the worker within ctx's time, killing it at the end.
func (w *supervised) Stop(ctx context.Context, reason string) error { return w.s.Stop(ctx, reason) }

// Done is closed when the worker has ended for good.
func (w *supervised) Done() <-chan struct{} { return w.s.Done() }

// Err says why.
func (w *supervised) Err() error {
	select {
	case <-w.s.Done():
		return w.s.Err()
	default:
		return nil
	}
}
