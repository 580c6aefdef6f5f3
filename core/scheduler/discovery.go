package scheduler

import (
	"encoding/json"
	"net/http"
	"slices"
)

// sitemap are the pages that need no name.
var sitemap = []string{
	"/", "/status", "/health", "/metrics", "/info", "/info/main/workers.html", "/info/main/exceptions.html", "/info/main/logs.html",
	"/json/index.html", "/json/counts.json", "/json/identity.json", "/json/status.json", "/sitemap.json", "/individual-plots.json",
}

// discoveryRoutes tell tools which pages there are. There are no individual plots,
// and the list says so.
func (s *Scheduler) discoveryRoutes(mux *http.ServeMux) {
	paths := sitemap
	if s.set.HTTPAPI {
		paths = append(slices.Clip(paths), "/api/v1", "/api/v1/get_workers", "/api/v1/adaptive_target", "/api/v1/check_idle")
	}
	mux.HandleFunc("GET /sitemap.json", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"paths": paths})
	})
	mux.HandleFunc("GET /individual-plots.json", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{})
	})
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(body) // a reader that left is no concern of ours
}
