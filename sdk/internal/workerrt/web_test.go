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

// families are Dask's metrics of workers; those about values on disk are there when
// memory is limited.
var families = []string{
	"dask_worker_tasks", "dask_worker_gc_collection_seconds_total", "dask_worker_threads", "dask_worker_latency_seconds",
	"dask_worker_memory_bytes", "dask_worker_transfer_incoming_bytes", "dask_worker_transfer_incoming_count",
	"dask_worker_transfer_incoming_count_total", "dask_worker_transfer_outgoing_bytes", "dask_worker_transfer_outgoing_count",
	"dask_worker_transfer_outgoing_bytes_total", "dask_worker_transfer_outgoing_count_total", "dask_worker_spill_bytes_total",
	"dask_worker_spill_count_total", "dask_worker_spill_time_seconds_total", "dask_worker_tick_duration_maximum_seconds",
	"dask_worker_tick_count_total",
}

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
	w, ss := newScheduler(t, tcpSet(t)).start(Settings{
		DashboardAddr: "127.0.0.1:0", NThreads: 3, Run: works{"bad": value(badSize{}), "big": value(make([]byte, 1000))}.run,
		MemoryLimit: 1000, Memory: &Memory{Target: 0.6}, Process: fakeProcess(new(atomic.Int64)),
	})
	ss.send(compute("big"))
	finished(t, ss, "big")
	if r := askData(t, w, "big"); len(r.Data) != 1 {
		t.Fatalf("%+v", r)
	}
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
		"dask_worker_threads 3", "dask_worker_tasks_executed_total 3", "dask_worker_tasks_failed_total 1",
		`dask_worker_tasks{state="memory"} 1`, `dask_worker_tasks{state="disk"} 1`, `dask_worker_tasks{state="error"} 1`,
		`dask_worker_memory_bytes{type="managed"}`, `dask_worker_memory_bytes{type="unmanaged"}`,
		`dask_worker_spill_count_total{activity="disk-write"} 1`, `dask_worker_spill_count_total{activity="disk-read"} 1`,
		`dask_worker_spill_count_total{activity="memory-read"} 0`, `dask_worker_spill_count_total{activity="serialize"} 1`,
		"dask_worker_transfer_outgoing_count_total 1", "dask_worker_transfer_outgoing_bytes_total 1024",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("%q is missing in\n%s", line, text)
		}
	}
	for _, f := range families {
		if !strings.Contains(text, "\n# TYPE "+f+" ") {
			t.Errorf("no metric %s in\n%s", f, text)
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
