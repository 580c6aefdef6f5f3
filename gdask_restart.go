package gdask

import (
	"context"
	"time"
)

// restartTimeout bounds restarts whose caller says nothing: four times the
// timeout of connections, as in Dask.
const restartTimeout = 2 * time.Minute

// RestartOptions tune restarts.
type RestartOptions struct {
	// Timeout is how long workers may take to end and come back; 0 means two minutes.
	Timeout time.Duration
	// NoWait does not wait for the new workers, only for the end of the old ones.
	NoWait bool
}

// Restart forgets all tasks, cancels the futures of all clients and has all
// workers started anew by their nannies. Workers without a nanny are closed. The error names
// the workers that did not come back in time.
func (c *Client) Restart(ctx context.Context, o RestartOptions) error {
	if o.Timeout <= 0 {
		o.Timeout = restartTimeout
	}
	return c.core.Restart(ctx, o.Timeout, !o.NoWait)
}

// What becomes of a worker that is to be restarted.
const (
	RestartOK       = "OK"
	RestartRemoved  = "removed"   // it has no nanny and was closed
	RestartTimedOut = "timed out" // it did not end or come back in time
)

// RestartWorkers has workers, named by address or name, started anew. Tasks
// that run there are run elsewhere. The outcomes are by the names as they were
// given; with raise any other than OK is an error.
func (c *Client) RestartWorkers(ctx context.Context, workers []string, timeout time.Duration, raise bool) (map[string]string, error) {
	if timeout <= 0 {
		timeout = restartTimeout
	}
	return c.core.RestartWorkers(ctx, workers, timeout, raise)
}
