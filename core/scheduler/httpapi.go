package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// maxAPIBody bounds what is read of a request.
const maxAPIBody = 1 << 20

// apiRoutes are the pages that act. They are off unless the operator asked for
// them: whoever reaches the HTTP server may use them. Requests that a browser
// sends for a page of another origin are refused.
func (s *Scheduler) apiRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1", func(w http.ResponseWriter, _ *http.Request) {
		writePage(w, "text/plain; charset=utf-8", []byte("API V1"))
	})
	mux.HandleFunc("GET /api/v1/get_workers", s.page(func() any { return s.loop.apiWorkers() }))
	mux.HandleFunc("GET /api/v1/adaptive_target", s.page(func() any {
		return object{{"workers", s.loop.m.AdaptiveTarget(0)}}
	}))
	mux.HandleFunc("GET /api/v1/check_idle", s.page(func() any { return object{{"idle_since", s.loop.idleSince()}} }))
	mux.Handle("POST /api/v1/retire_workers", http.NewCrossOriginProtection().Handler(http.HandlerFunc(s.apiRetire)))
}

func (l *loop) apiWorkers() object {
	workers := []any{}
	for _, w := range l.sortedWorkers() {
		workers = append(workers, object{{"name", w.name}, {"address", w.address}})
	}
	return object{{"num_workers", len(workers)}, {"workers", workers}}
}

// idleSince is since when nothing is to do, in Unix seconds, or nil.
func (l *loop) idleSince() any {
	n := l.m.Counts()
	if n[state.Processing]+n[state.Queued]+n[state.NoWorker] > 0 || l.idle.since.IsZero() {
		return nil
	}
	return unixSeconds(l.idle.since)
}

// apiRetire retires workers: {"n": 2}, or {"workers": [address, ...]}.
func (s *Scheduler) apiRetire(w http.ResponseWriter, r *http.Request) {
	var body struct {
		N       int      `json:"n"`
		Workers []string `json:"workers"`
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAPIBody)).Decode(&body)
	if err == nil && (body.N < 0 || body.N == 0 && body.Workers == nil) {
		err = errors.New(`give {"n": how many} or {"workers": [address, ...]}`)
	}
	if err != nil {
		writeJSON(w, http.StatusBadRequest, object{{"Error", err.Error()}})
		return
	}
	// The server's limit for pages is shorter than a retirement may take.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(retireBound + pageBound)) // as good as it can be had
	fields := []field{{"workers", body.Workers}}
	if body.N > 0 {
		fields = []field{{"n", body.N}}
	}
	answer, err := s.ownRequest(r.Context(), (*call).retireWorkers, "retire_workers", fields...)
	if err != nil {
		writeJSON(w, http.StatusInternalServerError, object{{"Error", err.Error()}})
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

// ownRequest runs a handler for the scheduler itself; the answer is for JSON.
func (s *Scheduler) ownRequest(ctx context.Context, h handler, op string, fields ...field) (any, error) {
	m, err := newAsk(op, fields...)
	if err != nil {
		return nil, err
	}
	r, err := newRequest(m)
	if err != nil {
		return nil, err
	}
	v, err := h(&call{s: s, ctx: ctx, msg: m, request: r})
	if err != nil {
		return nil, err
	}
	if t, ok := v.(*tree); ok {
		raw, err := appendTree(nil, t.v)
		return jsonValue(&wire.Opaque{Raw: raw}), err
	}
	return jsonValue(v), nil
}
