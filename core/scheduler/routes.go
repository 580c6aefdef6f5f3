package scheduler

import (
	"context"
	_ "embed" // the pages
	"encoding/json"
	"net/http"
	"time"
)

//go:embed web/status.html
var statusPage []byte

// pageBound is how long a page waits for the loop.
const pageBound = 5 * time.Second

// routes are the pages of the scheduler.
func (s *Scheduler) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", http.RedirectHandler("/status", http.StatusFound))
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { writePage(w, "text/html; charset=utf-8", statusPage) })
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { writePage(w, "text/plain; charset=utf-8", []byte("ok")) })
	mux.Handle("GET /metrics", s.metricsHandler())
	mux.HandleFunc("GET /json/{$}", jsonIndex)
	mux.HandleFunc("GET /json/index.html", jsonIndex)
	mux.HandleFunc("GET /json/counts.json", s.page(func() any { return s.loop.counts() }))
	mux.HandleFunc("GET /json/identity.json", s.page(func() any { return s.loop.identity(-1) }))
	mux.HandleFunc("GET /json/status.json", s.page(func() any { return s.loop.snapshot() }))
	s.infoRoutes(mux)
	s.discoveryRoutes(mux)
	if s.set.HTTPAPI {
		s.apiRoutes(mux)
	}
	return secured(mux)
}

// secured sets the headers that keep pages from being framed or sniffed.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "SAMEORIGIN")
		h.Set("Content-Security-Policy", "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func writePage(w http.ResponseWriter, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(body) // a reader that left is no concern of ours
}

// page answers with the JSON of what make returns on the loop.
func (s *Scheduler) page(fill func() any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var v any
		ctx, cancel := context.WithTimeout(r.Context(), pageBound)
		defer cancel()
		if err := s.loop.do(ctx, func() { v = fill() }); err != nil {
			http.Error(w, "the scheduler is busy or closing: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		body, err := json.Marshal(v)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		writePage(w, "application/json", body)
	}
}

func jsonIndex(w http.ResponseWriter, _ *http.Request) {
	writePage(w, "text/html; charset=utf-8", []byte(`<!doctype html><title>JSON</title><p><a href="/status">Status</a></p><ul>`+
		`<li><a href="/json/counts.json">counts</a><li><a href="/json/identity.json">identity</a>`+
		`<li><a href="/json/status.json">status</a></ul>`))
}
