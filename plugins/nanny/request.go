package nanny

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// Dask's defaults of the field timeout.
const (
	killTimeout    = 5 * time.Second
	restartTimeout = 30 * time.Second
	pluginTimeout  = 30 * time.Second
)

// request does what an operation asks for.
func (n *Nanny) request(op string, m wire.Opaque) (any, error) {
	switch op {
	case "identity":
		return n.identity(), nil
	case "ping", "echo":
		return "pong", nil
	case "get_logs":
		return n.log.answer(m), nil
	case "run":
		return hook.Run(n.ctx, n, n.set.Registry, m, n.wg.Go), nil
	case "plugin_add":
		return n.addPlugin(m)
	case "plugin_remove":
		ctx, cancel := context.WithTimeout(n.ctx, pluginTimeout)
		defer cancel()
		return hook.RemovePlugin(ctx, n.plugins, m), nil
	case "kill", "restart", "instantiate", "close_gracefully", "terminate":
		return n.steer(op, m)
	}
	return nil, fmt.Errorf("nanny: unknown operation %q; a nanny answers kill, restart, instantiate, close_gracefully, "+
		"terminate, run, get_logs, plugin_add, plugin_remove and identity", op)
}

func (n *Nanny) identity() map[string]any {
	return map[string]any{
		"type": "Nanny", "id": n.Address(), "name": n.set.Name, "address": n.Address(), "scheduler": n.set.Scheduler,
		"worker": n.Worker(), "pid": n.Pid(),
	}
}

// steer hands operations on to who keeps the process.
func (n *Nanny) steer(op string, m wire.Opaque) (any, error) {
	c, err := n.controlled()
	if err != nil {
		return nil, err
	}
	reason := "nanny-" + op
	if o, ok := m.Field("reason"); ok && o.Text() != "" {
		reason = o.Text()
	}
	limit := killTimeout
	if op == "restart" || op == "instantiate" {
		limit = restartTimeout
	}
	ctx, cancel := context.WithTimeout(n.ctx, timeout(m, limit))
	defer cancel()
	n.log.Info("asked to "+op, "reason", reason, "worker", c.Worker(), "pid", c.Pid())
	switch op {
	case "kill":
		return nil, c.Kill(ctx, reason)
	case "restart":
		return outcome(ctx, c.Restart(ctx, reason))
	case "instantiate":
		return "running", c.AwaitReady(ctx)
	case "close_gracefully":
		c.Gracefully()
		return nil, nil
	}
	n.wg.Go(func() { // the end of the worker may be the end of this server
		ctx, cancel := context.WithTimeout(context.Background(), timeout(m, killTimeout))
		defer cancel()
		if err := c.Stop(ctx, reason); err != nil {
			n.log.Warn("the worker did not end well", "error", err)
		}
	})
	return "OK", nil
}

// outcome is the nanny's answer to restart: that it took too long is no failure.
func outcome(ctx context.Context, err error) (any, error) {
	switch {
	case err == nil:
		return "OK", nil
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
		return "timed out", nil //nolint:nilerr // Dask's answer
	}
	return nil, err
}

func timeout(m wire.Opaque, absent time.Duration) time.Duration {
	o, ok := m.Field("timeout")
	if !ok || o.IsNil() {
		return absent
	}
	var d wire.Duration
	if _, err := d.UnmarshalMsg(o.Raw); err != nil || d <= 0 || d > 1e6 {
		return absent
	}
	return time.Duration(float64(d) * float64(time.Second))
}

// addPlugin installs a plugin, and starts the worker anew when the plugin wants that.
func (n *Nanny) addPlugin(m wire.Opaque) (any, error) {
	ctx, cancel := context.WithTimeout(n.ctx, pluginTimeout)
	defer cancel()
	p, reply := hook.AddPlugin(ctx, n.plugins, m)
	r, ok := p.(hook.NannyRestart)
	if !ok || !r.Restart() {
		return reply, nil
	}
	c, err := n.controlled()
	if err != nil {
		return reply, nil // the process that is being started has what the plugin did
	}
	if err := c.Restart(ctx, "nanny-plugin-restart"); err != nil {
		return nil, fmt.Errorf("nanny: the plugin is installed, but the worker did not start again: %w", err)
	}
	return reply, nil
}
