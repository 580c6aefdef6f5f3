package client

import "context"

// Shutdown ends the scheduler and with it all workers and the sessions of all
// clients, as Dask's Client.shutdown does. The client itself is left to Close.
func (c *Client) Shutdown(ctx context.Context) error {
	_, err := c.call(ctx, "terminate", "reply", true)
	return err
}
