package gdask

import (
	"errors"
	"slices"
	"sync"
)

// defaults are the clients that are open, oldest first.
var defaults clients

type clients struct {
	mu   sync.Mutex
	open []*Client
}

func (cs *clients) push(c *Client) {
	cs.mu.Lock()
	cs.open = append(cs.open, c)
	cs.mu.Unlock()
}

func (cs *clients) remove(c *Client) {
	cs.mu.Lock()
	cs.open = slices.DeleteFunc(cs.open, func(o *Client) bool { return o.core == c.core })
	cs.mu.Unlock()
}

// DefaultClient is the newest client that is still open and was not made with
// ClientOptions.NotDefault.
func DefaultClient() (*Client, error) {
	defaults.mu.Lock()
	defer defaults.mu.Unlock()
	if n := len(defaults.open); n > 0 {
		return defaults.open[n-1], nil
	}
	return nil, errors.New("gdask: no client is open; make one with NewClient")
}
