package gdask

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gdask/gdask/core/client"
)

// RetireOptions say which workers leave.
type RetireOptions struct {
	// Workers by address or name; nil lets the scheduler choose N whose end costs
	// least. Give one of the two.
	Workers []string
	N       int
	// Close ends the workers' processes too; otherwise the scheduler only lets
	// go of them.
	Close bool
	// Timeout is how long data may be moved and running tasks may go on; 0 means a minute.
	Timeout time.Duration
}

// RetireReport is what became of workers that were to retire.
type RetireReport struct {
	// Retired are the addresses of those that left.
	Retired []string
	// Kept says by address why workers stay: what only they hold has nowhere to go.
	Kept map[string]string
}

// RetireWorkers takes workers out of service: they get nothing more, what only
// they hold is copied to others, and what they run may end. Nothing is lost; a
// worker whose data has nowhere to go stays, which is no error: see
// RetireReport.Kept.
func (c *Client) RetireWorkers(ctx context.Context, o RetireOptions) (RetireReport, error) {
	if o.Workers == nil && o.N < 1 || o.Workers != nil && o.N != 0 {
		return RetireReport{}, fmt.Errorf("gdask: RetireWorkers got %d workers and N=%d; name workers, or say how many", len(o.Workers), o.N)
	}
	r, err := c.core.RetireWorkers(ctx, client.Retirement{Workers: o.Workers, N: o.N, Close: o.Close, Timeout: o.Timeout})
	slices.Sort(r.Gone)
	return RetireReport{Retired: r.Gone, Kept: r.Kept}, err
}
