package scheduler

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

func info(of, name string) string { return "/info/" + of + "/" + url.PathEscape(name) + ".html" }

func TestInfoPages(t *testing.T) {
	s, address, w, c := underway(t, withDashboard)
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("bad")}, Keys: keysOf("bad")})
	eventually(t, s, "bad is known", func() bool { _, known := s.loop.m.State(wire.StrKey("bad")); return known })
	tuple := wire.TupleKey(wire.StrKey("t"), wire.IntKey(1))
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{{Key: tuple, RunSpec: wire.StringOpaque("s"), Runtime: "go"}}, Keys: []wire.Key{tuple}})
	w.send(finish(&wire.ComputeTask{Key: wire.StrKey("x"), RunID: 1}))
	for range 3 {
		m := next[*wire.ComputeTask](w)
		if m.Key == wire.StrKey("bad") {
			w.send(&wire.TaskErred{Key: m.Key, RunID: m.RunID, ExceptionText: "boom & bust", TracebackText: "line 7"})
			next[*wire.TaskErred](c)
		}
	}
	for path, wants := range map[string][]string{
		"/info/main/workers.html":    {address, info("worker", address)},
		"/info/main/exceptions.html": {"boom &amp; bust", "line 7", info("task", "bad"), address},
		"/info/main/logs.html":       {"scheduler started", "INFO"},
		info("worker", address):      {"Processing (", info("task", "x"), info("logs", address), info("call-stacks", address), "In memory (1)"},
		info("task", "x"):            {"x is done", "processing", "memory", "Dependents (1)", info("task", "y"), info("worker", address), info("call-stack", "x")},
		info("task", "bad"):          {"boom &amp; bust", "erred"},
		info("task", "('t', 1)"):     {"Task (&#39;t&#39;, 1)"},
		info("logs", address):        {"<td>INFO</td><td>started</td>"},
		info("call-stacks", address): {"goroutine 7 [running]:\nmain.&lt;work&gt;()", info("task", "x")},
		info("call-stack", "y"):      {"goroutine 7"},
		info("call-stack", "bad"):    {"Not running at this moment"},
	} {
		code, body := get(t, s, path)
		if code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, body)
		}
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no %q in\n%s", path, want, body)
			}
		}
	}
	for _, path := range []string{
		info("worker", "tcp://1.2.3.4:5"), info("task", "nowhere"), info("logs", "nowhere"), info("call-stacks", "nowhere"),
		info("call-stack", "nowhere"), "/info/task/x", "/info/main/nothing.html", "/info/nothing.html",
	} {
		if code, body := get(t, s, path); code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}

// TestKeysAreEscaped: keys, names and texts are users' input.
func TestKeysAreEscaped(t *testing.T) {
	s := start(t, withDashboard)
	evil := `<script>alert("1")</script>'"><img src=x onerror=alert(2)>`
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	c := newClient(t, s, evil)
	d := noop(evil)
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{d}, Keys: keysOf(evil)})
	m := next[*wire.ComputeTask](w)
	w.send(&wire.TaskErred{Key: m.Key, RunID: m.RunID, ExceptionText: evil, TracebackText: evil})
	next[*wire.TaskErred](c)
	for _, path := range []string{"/info/main/exceptions.html", "/info/main/logs.html", info("task", evil), info("call-stack", evil)} {
		code, body := get(t, s, path)
		if code != http.StatusOK || strings.Contains(body, "<script") || strings.Contains(body, "<img") {
			t.Errorf("%s: %d\n%s", path, code, body)
		}
	}
	if _, body := get(t, s, info("task", evil)); !strings.Contains(body, "&lt;script&gt;") {
		t.Errorf("the key is not shown:\n%s", body)
	}
	if code, body := get(t, s, info("task", "<b>")); code != http.StatusNotFound || strings.Contains(body, "task <b>") ||
		!strings.Contains(body, "no task &lt;b&gt;") || !strings.Contains(body, `href="/status"`) {
		t.Errorf("%d %s", code, body)
	}
}

func TestDiscovery(t *testing.T) {
	s := start(t, withDashboard)
	_, body := get(t, s, "/sitemap.json")
	var site struct{ Paths []string }
	if err := json.Unmarshal([]byte(body), &site); err != nil || len(site.Paths) < 10 {
		t.Fatalf("%s, %v", body, err)
	}
	for _, p := range site.Paths {
		if code, _ := get(t, s, p); code != http.StatusOK {
			t.Errorf("%s of the sitemap answers %d", p, code)
		}
	}
	if code, body := get(t, s, "/individual-plots.json"); code != http.StatusOK || body != "{}" {
		t.Errorf("%d %s", code, body)
	}
	if slices.Contains(site.Paths, "/api/v1") {
		t.Error("the sitemap lists what is off")
	}
	if code, _ := get(t, s, "/api/v1/get_workers"); code != http.StatusNotFound {
		t.Errorf("the API is there without being asked for: %d", code)
	}
}

// post sends a JSON body to a page, with a header "Origin" when there is one.
func post(t *testing.T, s *Scheduler, path, body, origin string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, strings.TrimSuffix(s.DashboardLink(), "/status")+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if origin != "" {
		req.Header.Set("Origin", origin)
		req.Header.Set("Sec-Fetch-Site", "cross-site")
	}
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestHTTPAPI(t *testing.T) {
	s := start(t, func(set *Settings) { withDashboard(set); set.HTTPAPI = true })
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	newWorker(t, s, "tcp://127.0.0.1:1002", 1)
	for path, want := range map[string]string{
		"/api/v1": "API V1", "/api/v1/get_workers": `"num_workers":2`, "/api/v1/adaptive_target": `{"workers":0}`, "/api/v1/check_idle": `"idle_since":`,
	} {
		if code, body := get(t, s, path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if code, body := post(t, s, "/api/v1/retire_workers", `{"n":1}`, "http://evil.example"); code != http.StatusForbidden {
		t.Errorf("from another origin: %d %s", code, body)
	}
	for _, bad := range []string{"", "{}", `{"n":-1}`, "[]"} {
		if code, body := post(t, s, "/api/v1/retire_workers", bad, ""); code != http.StatusBadRequest || !strings.Contains(body, "Error") {
			t.Errorf("%q: %d %s", bad, code, body)
		}
	}
	code, body := post(t, s, "/api/v1/retire_workers", `{"workers":["tcp://127.0.0.1:1001"]}`, "")
	if code != http.StatusOK || !strings.Contains(body, `"tcp://127.0.0.1:1001":{`) {
		t.Errorf("%d %s", code, body)
	}
	w.waitEnd()
}
