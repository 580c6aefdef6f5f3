package client

import (
	"errors"

	"github.com/gdask/gdask/sdk/actor"
)

// Actors makes calls of actors as this client.
func (c *Client) Actors() *actor.Caller { return c.actors }

// Go runs f in a goroutine that Close waits for; false when the client is closed.
func (c *Client) Go(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(c.err, ErrClosed) {
		return false
	}
	c.wg.Go(f)
	return true
}
