package scheduler

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

func withDashboard(set *Settings) { set.DashboardAddress = "127.0.0.1:0" }

// get reads one page of the scheduler's.
func get(t *testing.T, s *Scheduler, path string) (int, string) {
	t.Helper()
	base := strings.TrimSuffix(s.DashboardLink(), "/status")
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestPages(t *testing.T) {
	s := start(t, withDashboard)
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 2)
	c := newClient(t, s, "c")
	compute(w, c, "inc-1")
	for path, want := range map[string]string{
		"/health": "ok", "/": "<title>gdask status", "/status": "/json/status.json", "/json/index.html": "identity.json",
		"/info/main/workers.html": "tcp://127.0.0.1:1001", "/info": "<h1>Workers",
	} {
		if code, body := get(t, s, path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d without %q: %s", path, code, want, body)
		}
	}
	if code, _ := get(t, s, "/nowhere"); code != http.StatusNotFound {
		t.Errorf("an unknown page answers %d", code)
	}
}

func TestJSONPages(t *testing.T) {
	s := start(t, withDashboard)
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 2)
	c := newClient(t, s, "c")
	compute(w, c, "inc-1")
	var counts map[string]float64
	_, body := get(t, s, "/json/counts.json")
	if err := json.Unmarshal([]byte(body), &counts); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"workers": 1, "cores": 2, "memory": 1, "tasks": 1, "erred": 0, "bytes": 28, "clients": 1, "hosts": 1} {
		if got, ok := counts[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{"idle", "saturated", "processing", "released", "unrunnable", "waiting", "waiting_data", "desired_workers"} {
		if _, ok := counts[name]; !ok {
			t.Errorf("no count %s", name)
		}
	}
	var snap snapshot
	_, body = get(t, s, "/json/status.json")
	if err := json.Unmarshal([]byte(body), &snap); err != nil {
		t.Fatal(err)
	}
	if len(snap.Workers) != 1 || snap.Workers[0].InMemory != 1 || len(snap.Prefixes) != 1 || snap.Prefixes[0].States["memory"] != 1 || snap.Finished != 1 {
		t.Errorf("status %s", body)
	}
	_, body = get(t, s, "/json/identity.json")
	if !json.Valid([]byte(body)) || !strings.Contains(body, `"dashboard"`) {
		t.Errorf("identity %s", body)
	}
}

func TestMetricsHaveDasksNames(t *testing.T) {
	s := start(t, withDashboard)
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 2)
	c := newClient(t, s, "c")
	compute(w, c, "inc-1")
	_, body := get(t, s, "/metrics")
	for _, want := range []string{
		"dask_scheduler_clients 1", `dask_scheduler_workers{state="idle"} 1`, `dask_scheduler_tasks{state="memory"} 1`,
		`dask_scheduler_tasks_output_bytes{task_prefix_name="inc"} 28`, "dask_scheduler_workers_added_total 1",
		"dask_scheduler_loop_saturation_ratio", "dask_scheduler_tick_duration_maximum_seconds",
		"dask_scheduler_desired_workers", "dask_scheduler_tasks_forgotten_total", "dask_scheduler_task_groups",
		`dask_scheduler_tasks_compute_seconds_total{task_prefix_name="inc"}`, "go_goroutines",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
}

func TestDashboardAddress(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "none": "", ":8787": "127.0.0.1:8787", "8787": "127.0.0.1:8787", "0.0.0.0:1": "0.0.0.0:1", "[::1]:0": "[::1]:0",
	} {
		got, on, err := dashboardAddress(in)
		if err != nil || got != want || on != (want != "") {
			t.Errorf("%q: %q %v %v, want %q", in, got, on, err, want)
		}
	}
	if _, _, err := dashboardAddress("nonsense"); err == nil {
		t.Error("nonsense is accepted")
	}
}

func TestATakenDashboardPortIsReplaced(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	s := start(t, func(set *Settings) { set.DashboardAddress = l.Addr().String() })
	if link := s.DashboardLink(); link == "" || strings.Contains(link, l.Addr().String()) {
		t.Fatalf("link %q", link)
	}
	if code, _ := get(t, s, "/health"); code != http.StatusOK {
		t.Errorf("health %d", code)
	}
	found := false
	for _, line := range s.log.last(0) {
		found = found || line.level == "WARNING" && strings.Contains(line.text, "dashboard address is taken")
	}
	if !found {
		t.Error("no warning")
	}
}

func TestNoDashboardUnlessAsked(t *testing.T) {
	s := start(t, func(set *Settings) { set.DashboardAddress = "none" })
	if s.DashboardLink() != "" {
		t.Errorf("link %q", s.DashboardLink())
	}
	if id := mustAsk(t, s, "identity").(map[string]any); len(id["services"].(map[string]any)) != 0 {
		t.Errorf("services %v", id["services"])
	}
}

func TestByteText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 1 << 30: "1.0 GiB"} {
		if got := byteText(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestOddKeysAndNamesAreShown(t *testing.T) {
	o := wire.Opaque{Raw: []byte("\x82\x92\xa1x\x01\x02\xa1k\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00")}
	body, err := json.Marshal(jsonValue(&o))
	if err != nil || string(body) != `{"('x', 1)":2,"k":"+Inf"}` {
		t.Errorf("%s %v", body, err)
	}
}

// Pages of a loop that has ended say so instead of hanging or crashing.
func TestPagesOfAClosedScheduler(t *testing.T) {
	s := start(t, nil)
	routes := s.routes()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"/health": http.StatusOK, "/json/counts.json": http.StatusServiceUnavailable, "/json/status.json": http.StatusServiceUnavailable,
		"/json/identity.json": http.StatusServiceUnavailable, "/info/main/workers.html": http.StatusServiceUnavailable,
	} {
		w := httptest.NewRecorder()
		routes.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s: %d %s, want %d", path, w.Code, w.Body, want)
		}
	}
}

func TestPagesAreReadOnlyAndNotFramed(t *testing.T) {
	s := start(t, withDashboard)
	w := httptest.NewRecorder()
	s.routes().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/json/counts.json", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
	if w.Header().Get("X-Frame-Options") != "SAMEORIGIN" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", w.Header())
	}
}

// Names of tasks and workers are the users': none may become part of a page.
func TestPagesEscapeNames(t *testing.T) {
	s := start(t, withDashboard)
	register(t, s, &wire.RegisterWorker{Address: "tcp://127.0.0.1:1001", Name: wire.StringOpaque("<script>alert(1)</script>"), Status: "running", NThreads: 1})
	if _, body := get(t, s, "/info/main/workers.html"); strings.Contains(body, "<script>alert") || !strings.Contains(body, "&lt;script&gt;") {
		t.Errorf("page %s", body)
	}
}

func TestMetricsCountFailuresAndDeaths(t *testing.T) {
	s := start(t, withDashboard)
	w, c := newWorker(t, s, "tcp://127.0.0.1:1001", 1), newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("bad-1"), noop("lost-1")}, Keys: keysOf("bad-1", "lost-1")})
	m := next[*wire.ComputeTask](w)
	w.send(&wire.TaskErred{Key: m.Key, RunID: m.RunID, Status: "error", ExceptionText: "no"})
	next[*wire.TaskErred](c)
	next[*wire.ComputeTask](w)
	_ = w.conn.Close()
	eventually(t, s, "the worker is gone", func() bool { return len(s.loop.workers) == 0 })
	_, body := get(t, s, "/metrics")
	for _, want := range []string{
		`dask_scheduler_tasks{state="erred"} 1`, "dask_scheduler_workers_removed_total 1",
		`dask_scheduler_tasks_suspicious_total{task_prefix_name="lost"} 1`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	var counts map[string]float64
	if _, body = get(t, s, "/json/counts.json"); json.Unmarshal([]byte(body), &counts) != nil || counts["erred"] != 1 || counts["unrunnable"] != 1 {
		t.Errorf("counts %s", body)
	}
}
