package workerrt

import (
	"runtime/metrics"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
)

// collector has the metrics under Dask's names.
type collector struct{ w *Worker }

// Describe implements prometheus.Collector: the set of metrics is fixed, but
// left to Collect.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	out := sink(ch)
	c.tasks(out)
	c.memory(out)
	c.transfers(out)
	c.spills(out)
	c.ticks(out)
	w := c.w
	out.gauge("dask_worker_threads", "Number of worker threads", float64(w.set.NThreads))
	out.gauge("dask_worker_latency_seconds", "Latency of worker connection", w.latency.get().Seconds())
	out.count("dask_worker_gc_collection_seconds_total", "Total time spent on garbage collection", collectionSeconds())
	out.count("dask_worker_tasks_executed_total", "Number of runs that ended since the start.", float64(w.totals.tasks.Load()))
	out.count("dask_worker_tasks_failed_total", "Number of runs that failed since the start.", float64(w.totals.failed.Load()))
}

// tasks counts by state; values on disk are apart from those in memory.
func (c *collector) tasks(out sink) {
	counts := make(map[string]int)
	c.w.inbox.do(func() { c.w.m.Each(func(t *state.Task) { counts[t.State.String()]++ }) })
	if disk := c.w.stats.Load().OnDisk; disk > 0 {
		counts["disk"] = disk
		counts["memory"] = max(counts["memory"]-disk, 0)
	}
	for name, n := range counts {
		out.gauge("dask_worker_tasks", "Number of tasks at worker.", float64(n), "state", name)
	}
}

func (c *collector) memory(out sink) {
	process, s := c.w.set.Process.memoryOf(c.w), c.w.stats.Load()
	managed := min(process, s.Managed-s.SpilledMemory)
	for typ, n := range map[string]int64{"managed": managed, "unmanaged": process - managed, "spilled": s.SpilledDisk} {
		out.gauge("dask_worker_memory_bytes", "Memory breakdown", float64(n), "type", typ)
	}
}

func (c *collector) transfers(out sink) {
	s, t := c.w.stats.Load(), &c.w.totals
	out.gauge("dask_worker_transfer_incoming_bytes", "Total size of open data transfers from other workers", float64(s.FlightBytes))
	out.gauge("dask_worker_transfer_incoming_count", "Number of open data transfers from other workers", float64(s.InFlight))
	out.count("dask_worker_transfer_incoming_count_total", "Total number of data transfers from other workers since the worker was started",
		float64(t.transfersIn.Load()))
	out.gauge("dask_worker_transfer_outgoing_bytes", "Total size of open data transfers to other workers", float64(c.w.sending.Load()))
	out.gauge("dask_worker_transfer_outgoing_count", "Number of open data transfers to other workers", float64(c.w.serving.Load()))
	out.count("dask_worker_transfer_outgoing_bytes_total", "Total size of data transfers to other workers since the worker was started "+
		"(including in-progress and failed transfers)", float64(t.bytesOut.Load()))
	out.count("dask_worker_transfer_outgoing_count_total", "Total number of data transfers to other workers since the worker was started",
		float64(t.transfersOut.Load()))
}

// spills are about values that may go to disk, when they may.
func (c *collector) spills(out sink) {
	l := c.w.memoryLimits()
	if l.Target <= 0 && l.Spill <= 0 {
		return
	}
	const about = " memory and disk accesses caused by managed data since the latest worker restart"
	s := c.w.stats.Load()
	report := func(activity string, bytes, count int64) {
		out.count("dask_worker_spill_bytes_total", "Total size of"+about, float64(bytes), "activity", activity)
		out.count("dask_worker_spill_count_total", "Total number of"+about, float64(count), "activity", activity)
	}
	report("memory-read", s.ReadBytes, s.Reads)
	for _, sum := range c.w.spiller.store.Meter().Sums() {
		report(sum.Activity.String(), sum.Bytes, sum.Count)
		out.count("dask_worker_spill_time_seconds_total", "Total time spent spilling/unspilling since the latest worker restart",
			sum.Took.Seconds(), "activity", sum.Activity.String())
	}
}

func (c *collector) ticks(out sink) {
	n, _ := c.w.ticks.observed()
	out.gauge("dask_worker_tick_duration_maximum_seconds", "Maximum tick duration observed since Prometheus last scraped metrics",
		c.w.ticks.worst(time.Now()).Seconds())
	out.count("dask_worker_tick_count_total", "Total number of ticks observed since the server started", float64(n))
}

// collectionSeconds is the processor time that collections of garbage took.
func collectionSeconds() float64 {
	s := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindFloat64 {
		return 0 // a Go version without it
	}
	return s[0].Value.Float64()
}

// sink takes metrics.
type sink chan<- prometheus.Metric

func (s sink) gauge(name, help string, v float64, label ...string) {
	s.put(name, help, prometheus.GaugeValue, v, label)
}

func (s sink) count(name, help string, v float64, label ...string) {
	s.put(name, help, prometheus.CounterValue, v, label)
}

// put takes a metric with at most one label, a name and a value.
func (s sink) put(name, help string, typ prometheus.ValueType, v float64, label []string) {
	var names, values []string
	if len(label) == 2 {
		names, values = label[:1], label[1:]
	}
	s <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), typ, v, values...)
}
