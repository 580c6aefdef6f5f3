package workerrt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gdask/gdask/sdk/wire"
)

// webServer is the worker's HTTP server; nil when there is none.
type webServer struct {
	srv  *http.Server
	port int
	done chan struct{}
}

// serveWeb starts /health and /metrics when an address was given.
func (w *Worker) serveWeb(ctx context.Context) (*webServer, error) {
	if w.set.DashboardAddr == "" {
		return nil, nil
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", w.set.DashboardAddr)
	if err != nil {
		return nil, fmt.Errorf("worker: dashboard on %s: %w", w.set.DashboardAddr, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "ok") })
	reg := prometheus.NewRegistry()
	if err := reg.Register(&collector{w: w}); err != nil {
		return nil, errors.Join(fmt.Errorf("worker: metrics: %w", err), ln.Close())
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	s := &webServer{srv: &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}, done: make(chan struct{})}
	if a, ok := ln.Addr().(*net.TCPAddr); ok {
		s.port = a.Port
	}
	go func() {
		defer close(s.done)
		if err := s.srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			w.logs.Error("the dashboard ended", "error", err)
		}
	}()
	return s, nil
}

// services is the field of the registration.
func (s *webServer) services() wire.Opaque {
	if s == nil {
		return mapOpaque(nil)
	}
	return mapOpaque(map[string]any{"dashboard": s.port})
}

func (s *webServer) close() {
	if s == nil {
		return
	}
	_ = s.srv.Close() // open requests are of no more use
	<-s.done
}

// collector has the metrics under Dask's names.
type collector struct{ w *Worker }

// Describe implements prometheus.Collector: the set of metrics is fixed, but
// left to Collect.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	w, s := c.w, c.w.stats.Load()
	states := map[string]int{
		"executing": s.Executing, "long-running": s.LongRunning, "ready": s.Ready, "memory": s.InMemory,
		"fetch": s.Fetching, "flight": s.InFlight, "missing": s.Missing,
	}
	for state, n := range states {
		out <- metric("dask_worker_tasks", "Number of tasks at worker.", prometheus.GaugeValue, float64(n), "state", state)
	}
	u := w.usage.read()
	memory := map[string]int64{"managed": s.Managed, "unmanaged": max(u.rss-s.Managed, 0)}
	for typ, n := range memory {
		out <- metric("dask_worker_memory_bytes", "Memory breakdown.", prometheus.GaugeValue, float64(n), "type", typ)
	}
	gauge := func(name, help string, v float64) { out <- metric(name, help, prometheus.GaugeValue, v) }
	count := func(name, help string, v int64) { out <- metric(name, help, prometheus.CounterValue, float64(v)) }
	gauge("dask_worker_threads", "Number of worker threads.", float64(w.set.NThreads))
	gauge("dask_worker_concurrent_fetch_requests", "Number of open fetch requests to other workers.", float64(s.InFlight))
	gauge("dask_worker_transfer_outgoing_count", "Number of transfers to peers in progress.", float64(w.serving.Load()))
	count("dask_worker_transfer_outgoing_count_total", "Number of values sent since the start.", w.totals.served.Load())
	count("dask_worker_transfer_incoming_count_total", "Number of values fetched since the start.", w.totals.fetched.Load())
	count("dask_worker_tasks_executed_total", "Number of runs that ended since the start.", w.totals.tasks.Load())
	count("dask_worker_tasks_failed_total", "Number of runs that failed since the start.", w.totals.failed.Load())
}

func metric(name, help string, typ prometheus.ValueType, v float64, label ...string) prometheus.Metric {
	var names, values []string
	if len(label) == 2 {
		names, values = label[:1], label[1:]
	}
	return prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), typ, v, values...)
}
