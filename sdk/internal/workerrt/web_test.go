package workerrt

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr, Timeout: patience}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return string(b)
}

func TestHealthAndMetrics(t *testing.T) {
	w, ss := newScheduler(t, tcpSet(t)).start(Settings{DashboardAddr: "127.0.0.1:0", NThreads: 3, Run: works{"bad": value(badSize{})}.run})
	ss.send(compute("a"), compute("bad"))
	outcomes := 0
	ss.next("two outcomes", func(m wire.Msg) bool {
		switch m.(type) {
		case *wire.TaskFinished, *wire.TaskErred:
			outcomes++
		}
		return outcomes == 2
	})
	for range 2 { // the figures follow the messages: let the owner of the machine finish
		w.inbox.do(func() {})
	}
	base := fmt.Sprint("http://127.0.0.1:", w.web.port)
	if got := get(t, base+"/health"); got != "ok" {
		t.Errorf("health %q", got)
	}
	text := get(t, base+"/metrics")
	for _, line := range []string{
		"dask_worker_threads 3", "dask_worker_tasks_executed_total 2", "dask_worker_tasks_failed_total 1",
		`dask_worker_tasks{state="memory"} 1`, `dask_worker_memory_bytes{type="managed"}`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("%q is missing in\n%s", line, text)
		}
	}
}

// TestPausesWhileMemoryIsShort: what the process occupies decides, and a pause
// ends when it has shrunk.
func TestPausesWhileMemoryIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 1 << 40
		var process atomic.Int64
		w, ss := newScheduler(t, memSet(t)).start(Settings{Run: works{}.run, MemoryLimit: limit, Process: fakeProcess(&process)})
		occupies := process.Store
		ss.status("running")
		occupies(limit * 81 / 100)
		ss.status("paused")
		ss.send(compute("a"))
		synctest.Wait()
		if st := w.stats.Load(); st.Ready != 1 || st.Executing != 0 {
			t.Errorf("a paused worker: %+v", st)
		}
		occupies(limit * 79 / 100)    // not yet: the status must not flap
		<-time.After(5 * time.Second) // many heartbeats of the bubble
		if w.Status() != "paused" {
			t.Errorf("%s a little below the threshold", w.Status())
		}
		occupies(limit * 77 / 100)
		ss.status("running")
		finished(t, ss, "a")
	})
}
