package gdask

import (
	"context"
	"fmt"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/hook"
)

// WorkerPlugin is code that runs in every worker; see package hook for what else it
// may implement. A plugin is made where it runs, by a registered function:
//
//	var Marker = gdask.Func[gdask.WorkerPlugin]("marker", func(text string) gdask.WorkerPlugin { return &marker{text} })
//
//	err := c.RegisterWorkerPlugin(ctx, Marker, gdask.PluginOptions{}, "text")
type WorkerPlugin = hook.WorkerPlugin

// NannyPlugin is code that runs beside every worker process; see package hook for
// what else it may implement. It is made like a [WorkerPlugin].
type NannyPlugin = hook.NannyPlugin

// SchedulerPlugin is code that runs in the scheduler and hears of what package hook
// has interfaces for: tasks, workers, clients, events. It is made like a
// [WorkerPlugin].
type SchedulerPlugin = hook.SchedulerPlugin

// PluginOptions tune the registration of a plugin.
type PluginOptions struct {
	// Name by which it is replaced and taken away; "" is that of its function.
	Name string
	// Idempotent leaves a plugin of the name that is there already as it is.
	Idempotent bool
}

// RegisterWorkerPlugin sets a plugin up in all workers, also in those that join
// later. One of the same name is torn down first. The error joins what went wrong
// in each worker.
func (c *Client) RegisterWorkerPlugin(ctx context.Context, f *Function[WorkerPlugin], o PluginOptions, args ...any) error {
	return register(ctx, c, "worker", f, o, args)
}

// RegisterNannyPlugin is RegisterWorkerPlugin for what supervises the workers.
func (c *Client) RegisterNannyPlugin(ctx context.Context, f *Function[NannyPlugin], o PluginOptions, args ...any) error {
	return register(ctx, c, "nanny", f, o, args)
}

// RegisterSchedulerPlugin starts a plugin in the scheduler, whose process must be
// of the same program.
func (c *Client) RegisterSchedulerPlugin(ctx context.Context, f *Function[SchedulerPlugin], o PluginOptions, args ...any) error {
	return register(ctx, c, "scheduler", f, o, args)
}

func register[P any](ctx context.Context, c *Client, kind string, f *Function[P], o PluginOptions, args []any) error {
	packed, err := f.pack(args)
	if err != nil {
		return err
	}
	if o.Name == "" {
		o.Name = f.name
	}
	err = c.core.RegisterPlugin(ctx, client.Plugin{Kind: kind, Name: o.Name, Packed: packed, Idempotent: o.Idempotent})
	if err != nil {
		return fmt.Errorf("gdask: %s plugin %q: %w", kind, o.Name, err)
	}
	return nil
}

// UnregisterWorkerPlugin tears a plugin down in all workers. One that is not
// there is an error, here and below.
func (c *Client) UnregisterWorkerPlugin(ctx context.Context, name string) error {
	return c.core.UnregisterPlugin(ctx, "worker", name)
}

// UnregisterNannyPlugin tears a plugin down in all nannies.
func (c *Client) UnregisterNannyPlugin(ctx context.Context, name string) error {
	return c.core.UnregisterPlugin(ctx, "nanny", name)
}

// UnregisterSchedulerPlugin ends a plugin of the scheduler.
func (c *Client) UnregisterSchedulerPlugin(ctx context.Context, name string) error {
	return c.core.UnregisterPlugin(ctx, "scheduler", name)
}

// MetricFunc registers a function that tells a figure of its worker: what fn, a
// func([ctx]) value or with an error, returns is part of the worker's metrics with
// every heartbeat. It runs beside the worker's work and delays no heartbeat.
func MetricFunc(name string, fn any) { tell(hook.MetricPrefix, name, fn) }

// InfoFunc registers a function that tells of its worker once, when it joins:
// the value is shown with the worker in the scheduler's information.
func InfoFunc(name string, fn any) { tell(hook.StartupPrefix, name, fn) }

func tell(prefix, name string, fn any) {
	f, err := functions.Add(prefix+name, fn)
	if err == nil && (f.NumIn() > 0 || f.Result() == nil) {
		err = fmt.Errorf("gdask: %q is %s; a function that tells of its worker has no arguments but a context, and a result", prefix+name, f.Signature())
	}
	if err != nil {
		mistakes.add(err)
	}
}
