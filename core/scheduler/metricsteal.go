package scheduler

import (
	"context"
	"strconv"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/prometheus/client_golang/prometheus"
)

// stealingCollector has Dask's metrics of work stealing.
type stealingCollector struct{ s *Scheduler }

var (
	stealCountDesc = prometheus.NewDesc("dask_stealing_request_count_total",
		"Total number of stealing requests per cost multiplier.", []string{"cost_multiplier"}, nil)
	stealCostDesc = prometheus.NewDesc("dask_stealing_request_cost_total",
		"Total cost of stealing requests per cost multiplier.", []string{"cost_multiplier"}, nil)
)

// Describe implements prometheus.Collector.
func (c *stealingCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- stealCountDesc
	ch <- stealCostDesc
}

// Collect implements prometheus.Collector.
func (c *stealingCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(c.s.ctx, pageBound)
	defer cancel()
	var f state.Stealing
	if err := c.s.loop.do(ctx, func() { f = c.s.loop.m.Stealing() }); err != nil {
		ch <- prometheus.NewInvalidMetric(stealCountDesc, err)
		return
	}
	for level := range f.Requests {
		label := multiplierText(state.StealMultiplier(level))
		ch <- prometheus.MustNewConstMetric(stealCountDesc, prometheus.CounterValue, float64(f.Requests[level]), label)
		ch <- prometheus.MustNewConstMetric(stealCostDesc, prometheus.CounterValue, f.Cost[level], label)
	}
}

// multiplierText writes a number as Python does: 1.0, not 1.
func multiplierText(f float64) string {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if f == float64(int64(f)) {
		s += ".0"
	}
	return s
}
