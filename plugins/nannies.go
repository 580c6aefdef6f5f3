package plugins

import (
	"context"
	"fmt"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/plugins/launch"
	"github.com/gdask/gdask/plugins/nanny"
	"github.com/gdask/gdask/plugins/supervise"
	"github.com/gdask/gdask/sdk/worker"
)

// ownNanny is the nanny of one worker; nil when the host has no transports.
type ownNanny struct{ *nanny.Nanny }

// nanny starts a worker's nanny and tells the worker of it.
func (h *Host) nanny(ctx context.Context, o *worker.StartOptions) (*ownNanny, error) {
	if h.set.Transports == nil || o.Nanny != "" {
		return nil, nil
	}
	n, err := nanny.Start(ctx, nanny.Settings{
		Scheduler: o.Scheduler, Name: o.Name, Address: o.NannyListen, Transports: h.set.Transports, Registry: h.set.Functions,
		Blocked: h.set.Nanny.Blocked, Preload: h.set.Nanny.Preload, Logger: h.set.Logger.Named("nanny"),
	})
	if err != nil {
		return nil, fmt.Errorf("worker %s: %w", o.Name, err)
	}
	o.Nanny = n.Address()
	return &ownNanny{n}, nil
}

// prepare makes ready for a process of the spec: the plugins that the scheduler has for
// nannies are installed, and the environment has what they set.
func (n *ownNanny) prepare(ctx context.Context, spec launch.Spec) launch.Spec {
	if n == nil {
		return spec
	}
	if err := n.Join(ctx); err != nil {
		n.Logger().Warn("the worker starts without the scheduler's nanny plugins", "error", err)
	}
	spec.Env = launch.Overlay(spec.Env, n.Environ())
	return spec
}

// logger is the supervisor's, whose lines the nanny keeps.
func (n *ownNanny) logger(otherwise hclog.Logger) hclog.Logger {
	if n == nil {
		return otherwise
	}
	return n.Logger()
}

func (n *ownNanny) close(l hclog.Logger) {
	if n == nil {
		return
	}
	if err := n.Close(); err != nil {
		l.Warn("a nanny did not end well", "worker", n.Name(), "error", err)
	}
}

// awaitNannies waits for the nannies of workers that have ended.
func (h *Host) awaitNannies(ctx context.Context) error {
	ended := make(chan struct{})
	go func() { h.nannies.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("plugins: functions that ignore their context still run in nannies: %w", context.Cause(ctx))
	}
}

// control has the supervisor do what a nanny is asked for.
type control struct{ *supervised }

var (
	_ nanny.Control   = control{}
	_ worker.Handle   = (*supervised)(nil)
	_ worker.Restarts = (*supervised)(nil)
)

// Worker is the address of the present worker.
func (c control) Worker() string { return c.Address() }

// Kill ends the process; the next follows by itself.
func (w *supervised) Kill(ctx context.Context, reason string) error { return w.s.Kill(ctx, reason) }

// Restart ends the process and waits for the next.
func (w *supervised) Restart(ctx context.Context, reason string) error {
	return w.s.Restart(ctx, reason)
}

// AwaitReady waits for a worker that does its work.
func (w *supervised) AwaitReady(ctx context.Context) error { return w.s.AwaitReady(ctx) }

// Gracefully says that the next end is wanted.
func (w *supervised) Gracefully() { w.s.Gracefully() }

// State is what the supervisor is doing.
func (w *supervised) State() supervise.State { return w.s.Snapshot().State }
