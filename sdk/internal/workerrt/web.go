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
	s := &webServer{srv: &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 60 * time.Second,
		MaxHeaderBytes: 64 << 10,
	}, done: make(chan struct{})}
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
