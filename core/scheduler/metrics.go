package scheduler

import (
	"context"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metricsHandler serves the metrics under Dask's names, from a registry of this
// scheduler's own.
func (s *Scheduler) metricsHandler() http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(newCollector(s), &stealingCollector{s}, &semaphoreCollector{s}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg, Timeout: pageBound})
}

// collector makes all metrics of one scrape from one look at the state.
type collector struct {
	s     *Scheduler
	descs map[string]*prometheus.Desc
}

// metricNames are name, help, labels.
var metricNames = [...][]string{
	{"clients", "Number of clients connected."},
	{"desired_workers", "Number of workers the scheduler could use at this moment."},
	{"workers", "Number of workers by state.", "state"},
	{"tasks", "Number of tasks by state.", "state"},
	{"task_groups", "Number of task groups known at this moment."},
	{"tasks_output_bytes", "Bytes of results in memory by task prefix.", "task_prefix_name"},
	{"tick_duration_maximum_seconds", "Longest turn of the scheduler's loop within the last minute."},
	{"loop_saturation_ratio", "Share of the last quarter second that the scheduler's loop was busy."},
	{"loop_busy_seconds_total", "Time that the scheduler's loop was busy."},
	{"loop_events_total", "Events that the scheduler's loop handled."},
	{"tick_count_total", "Turns of the scheduler's loop."},
	{"last_time_total", "Seconds since the epoch at the time of the scrape."},
	{"client_connections_added_total", "Clients that connected."},
	{"client_connections_removed_total", "Clients that left."},
	{"workers_added_total", "Workers that joined."},
	{"workers_removed_total", "Workers that left."},
	{"tasks_forgotten_total", "Tasks that nobody wants any more and that were forgotten."},
	{"tasks_suspicious_total", "Times that a task's worker died while it ran, by task prefix.", "task_prefix_name"},
	{"tasks_compute_seconds_total", "Time that tasks ran, by task prefix.", "task_prefix_name"},
	{"tasks_transfer_seconds_total", "Time that tasks' inputs took to be fetched, by task prefix.", "task_prefix_name"},
	{"gc_collection_seconds_total", "Time that the scheduler stood still for the collection of garbage."},
	{"prefix_state_totals_total", "Times that tasks entered a state, by task prefix.", "task_prefix_name", "state"},
}

func newCollector(s *Scheduler) *collector {
	c := &collector{s: s, descs: map[string]*prometheus.Desc{}}
	for _, n := range metricNames {
		c.descs[n[0]] = prometheus.NewDesc("dask_scheduler_"+n[0], n[1], n[2:], nil)
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// figures is one look at the state.
type figures struct {
	state   stats
	totals  totals
	clients int
	desired int
	workers map[string]int
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(c.s.ctx, pageBound)
	defer cancel()
	var f figures
	if err := c.s.loop.do(ctx, func() { f = c.s.loop.figures() }); err != nil {
		ch <- prometheus.NewInvalidMetric(c.descs["tasks"], err)
		return
	}
	c.collectLoop(ch)
	c.gauge(ch, "clients", float64(f.clients))
	c.gauge(ch, "desired_workers", float64(f.desired))
	for _, st := range [...]string{"idle", "partially_saturated", "saturated", "paused", "retiring"} {
		c.gauge(ch, "workers", float64(f.workers[st]), st)
	}
	for _, st := range [...]string{"waiting", "queued", "no-worker", "processing", "memory", "released", "erred"} {
		c.gauge(ch, "tasks", float64(f.state.Tasks[st]), st)
	}
	c.gauge(ch, "task_groups", float64(f.state.Groups))
	c.counter(ch, "client_connections_added_total", float64(f.totals.clientsAdded))
	c.counter(ch, "client_connections_removed_total", float64(f.totals.clientsRemoved))
	c.counter(ch, "workers_added_total", float64(f.totals.workersAdded))
	c.counter(ch, "workers_removed_total", float64(f.totals.workersRemoved))
	c.counter(ch, "tasks_forgotten_total", float64(f.state.Forgotten))
	for i := range f.state.Prefixes {
		c.collectPrefix(ch, &f.state.Prefixes[i])
	}
}

func (c *collector) collectLoop(ch chan<- prometheus.Metric) {
	load := c.s.Load()
	c.gauge(ch, "tick_duration_maximum_seconds", load.LongestLately.Seconds())
	c.gauge(ch, "loop_saturation_ratio", load.Saturation)
	c.counter(ch, "loop_busy_seconds_total", load.Busy.Seconds())
	c.counter(ch, "loop_events_total", float64(load.Events))
	c.counter(ch, "tick_count_total", float64(load.Turns))
	c.counter(ch, "last_time_total", unixNow())
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	c.counter(ch, "gc_collection_seconds_total", gc.PauseTotal.Seconds())
}

func (c *collector) collectPrefix(ch chan<- prometheus.Metric, p *prefixStats) {
	c.gauge(ch, "tasks_output_bytes", float64(p.Bytes), p.Name)
	c.counter(ch, "tasks_suspicious_total", float64(p.Suspicious), p.Name)
	c.counter(ch, "tasks_compute_seconds_total", p.ComputeSeconds, p.Name)
	c.counter(ch, "tasks_transfer_seconds_total", p.TransferSeconds, p.Name)
	for _, st := range slices.Sorted(maps.Keys(p.Entered)) {
		c.counter(ch, "prefix_state_totals_total", float64(p.Entered[st]), p.Name, st)
	}
}

func (c *collector) gauge(ch chan<- prometheus.Metric, name string, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(c.descs[name], prometheus.GaugeValue, v, labels...)
}

func (c *collector) counter(ch chan<- prometheus.Metric, name string, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(c.descs[name], prometheus.CounterValue, v, labels...)
}

// figures looks at the state. On the loop.
func (l *loop) figures() figures {
	f := figures{state: l.stats(), totals: l.totals, clients: len(l.clients), workers: map[string]int{}}
	f.desired = l.m.AdaptiveTarget(0)
	l.countWorkers(f.workers)
	return f
}

// countWorkers counts workers by state, in the words of the metrics.
func (l *loop) countWorkers(by map[string]int) {
	for _, w := range l.workers {
		switch w.status {
		case "running":
			by["partially_saturated"]++
		case "paused":
			by["paused"]++
		default:
			by["retiring"]++
		}
	}
	idle, saturated := l.m.Idle(), l.m.Saturated()
	for _, a := range idle { // one that is both, by its little work, is idle
		saturated = slices.DeleteFunc(saturated, func(b string) bool { return a == b })
	}
	by["idle"], by["saturated"] = len(idle), len(saturated)
	by["partially_saturated"] -= len(idle) + len(saturated)
}
