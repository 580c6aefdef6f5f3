package gdask

import (
	"context"
	"maps"
	"slices"

	"github.com/gdask/gdask/sdk/hook"
)

// Plugins that every gdask program has.
var (
	environPlugin = Func[NannyPlugin]("gdask.environ", func(env map[string]string) NannyPlugin { return &environ{env} })
	outputPlugin  = Func[WorkerPlugin]("gdask.forward-output", func() WorkerPlugin { return &forwarder{} })
)

// Names of the plugins that [Client.SetEnviron] and [Client.ForwardOutput] register,
// by which they can be unregistered.
const (
	EnvironPlugin       = "environ"
	ForwardOutputPlugin = "forward-output"
)

// SetEnviron sets variables in the environment of all worker processes, also of
// those to come. Workers are started again for that and hand their data on first. A later call
// replaces the variables of an earlier one.
func (c *Client) SetEnviron(ctx context.Context, env map[string]string) error {
	return c.RegisterNannyPlugin(ctx, environPlugin, PluginOptions{Name: EnvironPlugin}, env)
}

// ForwardOutput has what functions print in worker processes, to os.Stdout and
// os.Stderr, printed by all clients as well, line by line. Workers must have processes of their own.
func (c *Client) ForwardOutput(ctx context.Context) error {
	return c.RegisterWorkerPlugin(ctx, outputPlugin, PluginOptions{Name: ForwardOutputPlugin, Idempotent: true})
}

// environ is the plugin of SetEnviron.
type environ struct{ env map[string]string }

var _ hook.NannyRestart = (*environ)(nil)

func (e *environ) Setup(_ context.Context, n hook.Nanny) error {
	for name, value := range e.env {
		n.Setenv(name, value)
	}
	n.Logger().Info("environment of the worker changed", "variables", slices.Sorted(maps.Keys(e.env)))
	return nil
}

func (e *environ) Teardown(_ context.Context, n hook.Nanny) error {
	for name := range e.env {
		n.Unsetenv(name)
	}
	return nil
}

// Restart says that only a new process has the variables.
func (e *environ) Restart() bool { return true }
