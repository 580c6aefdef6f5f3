package client

import (
	"context"
	"fmt"
	"strconv"

	"github.com/gdask/gdask/sdk/wire"
)

// forwardPlugin is the name of the plugin that has workers publish their log
// lines, as Python's client calls it.
const forwardPlugin = "forward-logging-<root>"

// ForwardLogs has all workers, present and future ones, Go and Python, publish
// their log lines, and subscribes to them. level is the least of Python workers'
// lines, as Python numbers them.
func (c *Client) ForwardLogs(ctx context.Context, level int) (*Subscription, error) {
	topic := "forwarded-log-record-" + forwardPlugin
	s, err := c.Subscribe(topic)
	if err != nil {
		return nil, err
	}
	// The pickle of Dask's plugin for that, in protocol 0.
	pickle := "cdistributed.diagnostics.plugin\nForwardLoggingPlugin\n(NI" + strconv.Itoa(level) + "\nV" + topic + "\ntR."
	_, err = c.call(ctx, "register_worker_plugin", "plugin", wire.BytesOpaque([]byte(pickle)), "name", forwardPlugin, "idempotent", false)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("client: forward logs: %w", err)
	}
	return s, nil
}

// UnforwardLogs ends that for all clients.
func (c *Client) UnforwardLogs(ctx context.Context) error {
	_, err := c.call(ctx, "unregister_worker_plugin", "name", forwardPlugin)
	return err
}
