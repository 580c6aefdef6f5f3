package scheduler

import (
	"context"
	"strings"

	"github.com/gdask/gdask/core/scheduler/coord"
	"github.com/prometheus/client_golang/prometheus"
)

// semaphoreCollector has Dask's metrics of semaphores and locks.
type semaphoreCollector struct{ s *Scheduler }

func semaphoreDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("dask_semaphore_"+name, help, []string{"name"}, nil)
}

var (
	semaphoreMax      = semaphoreDesc("max_leases", "Maximum leases allowed per semaphore.")
	semaphoreActive   = semaphoreDesc("active_leases", "Leases that are held, per semaphore.")
	semaphorePending  = semaphoreDesc("pending_leases", "Callers that wait for a lease, per semaphore.")
	semaphoreAcquired = semaphoreDesc("acquire_total", "Total number of leases acquired per semaphore.")
	semaphoreReleased = semaphoreDesc("release_total", "Total number of leases released per semaphore.")
	semaphoreAverage  = semaphoreDesc("average_pending_lease_time_s", "Moving average of the time that callers waited on the scheduler, per semaphore.")
)

// Describe implements prometheus.Collector.
func (c *semaphoreCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{semaphoreMax, semaphoreActive, semaphorePending, semaphoreAcquired, semaphoreReleased, semaphoreAverage} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *semaphoreCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(c.s.ctx, pageBound)
	defer cancel()
	var all []coord.SemaphoreFigures
	if err := c.s.loop.do(ctx, func() { all = c.s.loop.coord.m.Semaphores() }); err != nil {
		ch <- prometheus.NewInvalidMetric(semaphoreMax, err)
		return
	}
	last := ""
	for _, f := range all {
		f.Name = strings.ToValidUTF8(f.Name, "?")
		if f.Name == last { // 1 and "1" look the same here
			continue
		}
		last = f.Name
		gauge := func(d *prometheus.Desc, v float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, f.Name)
		}
		gauge(semaphoreMax, float64(f.Max))
		gauge(semaphoreActive, float64(f.Active))
		gauge(semaphorePending, float64(f.Pending))
		gauge(semaphoreAverage, f.AveragePending.Seconds())
		ch <- prometheus.MustNewConstMetric(semaphoreAcquired, prometheus.CounterValue, float64(f.Acquired), f.Name)
		ch <- prometheus.MustNewConstMetric(semaphoreReleased, prometheus.CounterValue, float64(f.Released), f.Name)
	}
}
