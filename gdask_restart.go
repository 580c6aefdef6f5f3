package gdask

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// restartTimeout bounds restarts whose caller says nothing: four times the
// timeout of connections, as in Dask.
const restartTimeout = 2 * time.Minute

// RestartOptions tune [Client.Restart].
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

// RestartOutcome is what became of a worker that was to be restarted.
type RestartOutcome string

// The outcomes, in Dask's words.
const (
	RestartOK       RestartOutcome = "OK"
	RestartRemoved  RestartOutcome = "removed"   // it has no nanny and was closed
	RestartTimedOut RestartOutcome = "timed out" // it did not end or come back in time
)

// RestartWorkers has workers, named by address or name, started anew by their
// nannies within timeout; 0 means two minutes. Tasks that run there are run
// elsewhere. The outcomes are by the names as they were given, also where an error
// says that some timed out.
func (c *Client) RestartWorkers(ctx context.Context, workers []string, timeout time.Duration) (map[string]RestartOutcome, error) {
	if timeout <= 0 {
		timeout = restartTimeout
	}
	got, err := c.core.RestartWorkers(ctx, workers, timeout)
	if err != nil {
		return nil, err
	}
	out := make(map[string]RestartOutcome, len(got))
	var late []string
	for name, text := range got {
		if out[name] = RestartOutcome(text); out[name] == RestartTimedOut {
			late = append(late, name)
		}
	}
	if len(late) > 0 {
		slices.Sort(late)
		err = fmt.Errorf("gdask: %d of %d workers were not started again within %v: %q; look at the logs of their nannies", len(late), len(got), timeout, late)
	}
	return out, err
}
