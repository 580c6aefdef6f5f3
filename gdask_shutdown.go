package gdask

import (
	"context"
	"errors"
)

// Shutdown ends the cluster for everybody: scheduler and workers close, the
// futures of all clients fail. Then it closes this client. ctx bounds the
// request; see Close for the rest.
func (c *Client) Shutdown(ctx context.Context) error {
	if c.own != nil {
		return c.Close()
	}
	return errors.Join(c.core.Shutdown(ctx), c.Close())
}
