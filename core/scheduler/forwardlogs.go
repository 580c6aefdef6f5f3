package scheduler

import (
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// forwardLogging begins the names of the plugins that have workers publish their
// log lines.
const forwardLogging = "forward-logging-"

// forwardLogs tells gdask's workers, present and future ones, of such a plugin of
// Python's: its name says all that they need.
func (c *call) forwardLogs(name string, on bool) error {
	if !strings.HasPrefix(name, forwardLogging) {
		return nil
	}
	nothing := wire.Opaque{Raw: msgp.AppendBytes(nil, nil)}
	op := workerPeers.remove
	if on {
		op = workerPeers.add
		c.s.workerPlugins.golang.set(name, nothing.Raw, false)
	} else {
		c.s.workerPlugins.golang.drop(name)
	}
	_, err := c.tellPeers(workerPeers, true, op, field{"name", name}, field{hook.PluginField, &nothing})
	return err
}
