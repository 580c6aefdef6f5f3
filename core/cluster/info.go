package cluster

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/gdask/gdask/sdk/worker"
)

// Name is the cluster's name.
func (c *Local) Name() string { return c.set.Name }

// Status is where the cluster is in its life.
func (c *Local) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// SchedulerAddress is the address that clients dial; "" unless running.
func (c *Local) SchedulerAddress() string {
	if s := c.Status(); s != Running && s != Starting {
		return ""
	}
	return c.set.Scheduler.Address()
}

// DashboardLink is the address of the scheduler's pages; "" when there are none.
func (c *Local) DashboardLink() string { return c.set.Scheduler.DashboardLink() }

// Workers are the handles of the workers, in order of their names.
func (c *Local) Workers() []worker.Handle {
	c.mu.Lock()
	defer c.mu.Unlock()
	hs := make([]worker.Handle, len(c.workers))
	for i, m := range c.workers {
		hs[i] = m.handle
	}
	return hs
}

// String is for example
//
//	LocalCluster(5f1a0c3e, 'tcp://127.0.0.1:41229', workers=4, threads=4, memory=7.76 GiB)
//
// without memory when it is not limited.
func (c *Local) String() string {
	address := "<Not Connected>"
	status := c.Status()
	if status != Created && status != Failed {
		address = c.set.Scheduler.Address()
	}
	n := len(c.Workers())
	text := fmt.Sprintf("%s(%s, '%s', workers=%d, threads=%d", c.set.Label, c.set.Name, address, n, n*c.set.Worker.NThreads)
	if limit := c.set.Worker.MemoryLimit; limit > 0 {
		text += ", memory=" + FormatBytes(int64(n)*limit)
	}
	return text + ")"
}

// workerLogsBound is how long Logs waits for workers' lines.
const workerLogsBound = 5 * time.Second

// Logs are the last lines of log, newest first: "Cluster" for the cluster's own,
// "Scheduler", and one entry for each worker that answers, by address.
func (c *Local) Logs() map[string][]string {
	logs := map[string][]string{"Cluster": c.ring.Lines()}
	if c.set.SchedulerLog != nil {
		logs["Scheduler"] = c.set.SchedulerLog.Lines()
	}
	if s, ok := c.set.Scheduler.(interface {
		WorkerLogs(ctx context.Context) map[string][]string
	}); ok {
		ctx, cancel := context.WithTimeout(c.ctx, workerLogsBound)
		defer cancel()
		maps.Copy(logs, s.WorkerLogs(ctx))
	}
	return logs
}
