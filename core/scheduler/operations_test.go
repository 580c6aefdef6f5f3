package scheduler

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gdask/gdask/core/dump"
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
)

// at is a value inside of nested maps.
func at(t *testing.T, v any, path ...string) any {
	t.Helper()
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok || m[name] == nil {
			t.Fatalf("nothing at %q of %v", path, v)
		}
		v = m[name]
	}
	return v
}

// underway is a scheduler with a worker that answers requests and processes x, on
// which y waits.
func underway(t *testing.T, change func(*Settings)) (s *Scheduler, address string, w, c *peer) {
	t.Helper()
	s = start(t, change)
	d, w := serveData(t, s, nil)
	c = newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("x"), noop("y", "x")}, Keys: keysOf("y")})
	next[*wire.ComputeTask](w)
	return s, d.l.ContactAddress(), w, c
}

func TestCallStackAsksWhereTasksRun(t *testing.T) {
	s, address, _, _ := underway(t, impatient)
	idle, _ := freeze(t, s)
	newWorker(t, s, idle, 1) // it is not asked: nothing runs there
	for name, fields := range map[string][]field{"x": {{"keys", keysOf("x")}}, "what y waits for": {{"keys", keysOf("y")}}} {
		got := mustAsk(t, s, "call_stack", fields...)
		if fmt.Sprint(at(t, got, address, "x")) != "[goroutine 7 [running]:\nmain.<work>()]" || len(got.(map[string]any)) != 1 {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := mustAsk(t, s, "call_stack"); len(got.(map[string]any)) != 1 {
		t.Errorf("all: %v", got)
	}
	if _, err := askFor(t, s, "call_stack", field{"keys", keysOf("nowhere")}); err == nil || !strings.Contains(err.Error(), "no task nowhere") {
		t.Error(err)
	}
}

func TestCallStackOfAFrozenWorkerSaysSo(t *testing.T) {
	s := start(t, impatient)
	address, _ := freeze(t, s)
	w := newWorker(t, s, address, 1)
	c := newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("x")}, Keys: keysOf("x")})
	next[*wire.ComputeTask](w)
	got := mustAsk(t, s, "call_stack", field{"keys", keysOf("x")})
	if text := fmt.Sprint(at(t, got, address, "x")); !strings.Contains(text, "did not answer") {
		t.Error(text)
	}
}

func TestClusterStateHasDasksShape(t *testing.T) {
	s, address, _, _ := underway(t, impatient)
	silent, _ := freeze(t, s)
	newWorker(t, s, silent, 1)
	digests, err := appendTree(nil, object{{"digests", keyed{{wire.TupleKey(wire.StrKey("execute"), wire.StrKey("x")), 1.5}}}})
	if err != nil {
		t.Fatal(err)
	}
	s.loop.post(func() { s.loop.workers[address].metrics.Raw = digests })
	got := mustAsk(t, s, "get_cluster_state", field{"exclude", []string{"run_spec", "nbytes"}})
	if v := at(t, got, "scheduler", "tasks", "x", "state"); v != "processing" {
		t.Errorf("x is %v", v)
	}
	if v := at(t, got, "scheduler", "tasks", "y").(map[string]any); v["nbytes"] != nil || fmt.Sprint(v["waiting_on"]) != "[x]" {
		t.Errorf("y is %v", v)
	}
	raw, err := appendTree(nil, forPeople(digests))
	if _, _, strict := msgp.ReadMapStrIntfBytes(raw, nil); err != nil || strict != nil {
		t.Errorf("keys that are no texts: %q, %v, %v", raw, err, strict)
	}
	if v := at(t, got, "scheduler", "workers", address, "metrics", "digests"); fmt.Sprint(v) != "map[('execute', 'x'):1.5]" {
		t.Errorf("metrics %v", v)
	}
	if log := at(t, got, "scheduler", "transition_log").([]any); len(log) != 3 || len(log[0].([]any)) != 6 {
		t.Errorf("log %v", log)
	}
	if v := at(t, got, "scheduler", "workers", address, "processing"); fmt.Sprint(v) != "[x]" {
		t.Errorf("processing %v", v)
	}
	if v := at(t, got, "workers", address, "config"); fmt.Sprint(v) != "map[plain:5 tls-token:<redacted>]" {
		t.Errorf("config %v", v)
	}
	if v, ok := at(t, got, "workers", silent).(string); !ok || !strings.Contains(v, "no answer to dump_state") {
		t.Errorf("the silent worker: %v", v)
	}
	for _, path := range []string{"clients", "task_groups", "events", "logs", "transition_counter", "address", "id", "type"} {
		at(t, got, "scheduler", path)
	}
	at(t, got, "versions", "scheduler", "packages", "gdask")
	if v := at(t, got, "versions", "workers"); len(v.(map[string]any)) != 1 {
		t.Errorf("versions %v", v)
	}
	less := mustAsk(t, s, "get_cluster_state", field{"exclude", []string{"tasks", "events"}})
	if own := at(t, less, "scheduler").(map[string]any); own["tasks"] != nil || own["events"] != nil {
		t.Errorf("what was excluded is there: %v", own)
	}
}

func TestDumpIsWrittenOnlyWhereAllowed(t *testing.T) {
	dir := t.TempDir()
	s, _, _, _ := underway(t, func(set *Settings) { set.DumpDirectory = dir })
	for url, want := range map[string]string{
		"../out": "write below", "s3://bucket/x": "only files below", "/etc/x": "write below",
	} {
		if _, err := askFor(t, s, "dump_cluster_state_to_url", field{"url", url}, field{"format", "msgpack"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
	}
	mustAsk(t, s, "dump_cluster_state_to_url", field{"url", "file://" + filepath.Join(dir, "one")}, field{"format", "msgpack"}, field{"exclude", []string{}})
	f, err := os.Open(filepath.Join(dir, "one.msgpack.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	v, err := dump.Decode(raw)
	if err != nil || at(t, v, "scheduler", "tasks", "x", "state") != "processing" {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := askFor(t, s, "dump_cluster_state_to_url", field{"url", "a"}, field{"format", "xml"}); err == nil || !strings.Contains(err.Error(), `"xml"`) {
		t.Error(err)
	}
	closed := start(t, nil)
	if _, err := askFor(t, closed, "dump_cluster_state_to_url", field{"url", filepath.Join(dir, "two")}); err == nil || !strings.Contains(err.Error(), "scheduler.dump-directory") {
		t.Error(err)
	}
}

// ran answers compute-task with times.
func ran(m *wire.ComputeTask, begin, end float64) *wire.TaskFinished {
	f := finish(m)
	f.StartStops = []wire.StartStop{
		{Action: "transfer", Start: begin - 1, Stop: begin, Source: "tcp://1.2.3.4:5"}, {Action: "compute", Start: begin, Stop: end},
	}
	return f
}

func TestTaskStream(t *testing.T) {
	s := start(t, nil)
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	c := newClient(t, s, "c")
	if v := mustAsk(t, s, "get_task_stream", field{"start", 0}, field{"stop", 0}); len(v.([]any)) != 0 {
		t.Errorf("primed: %v", v)
	}
	for i := range 4 {
		k := fmt.Sprint("k-", i)
		c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop(k)}, Keys: keysOf(k)})
		w.send(ran(next[*wire.ComputeTask](w), float64(1000+10*i), float64(1005+10*i)))
		next[*wire.KeyInMemory](c)
	}
	for name, q := range map[string]struct {
		fields []field
		want   string
	}{
		"all":             {nil, "k-0 k-1 k-2 k-3"},
		"from":            {[]field{{"start", 1015}}, "k-1 k-2 k-3"},
		"until":           {[]field{{"stop", 1025}}, "k-0 k-1"},
		"between":         {[]field{{"start", 1010}, {"stop", 1035}}, "k-1 k-2"},
		"the last ones":   {[]field{{"count", 2}}, "k-2 k-3"},
		"the first after": {[]field{{"start", 1010}, {"count", 2}}, "k-1 k-2"},
		"before":          {[]field{{"stop", 1035}, {"count", 1}}, "k-2"},
		"by number":       {[]field{{"start_index", 3}}, "k-3"},
		"long ago":        {[]field{{"start", "5 s"}}, ""},
	} {
		var keys []string
		for _, r := range mustAsk(t, s, "get_task_stream", q.fields...).([]any) {
			keys = append(keys, r.(map[string]any)["key"].(string))
		}
		if got := strings.Join(keys, " "); got != q.want {
			t.Errorf("%s: %s, want %s", name, got, q.want)
		}
	}
	first := mustAsk(t, s, "get_task_stream", field{"start", nil}).([]any)[0].(map[string]any)
	if first["worker"] != "tcp://127.0.0.1:1001" || first["status"] != "OK" || first["thread"] != int64(1) ||
		fmt.Sprint(first["startstops"]) != "[map[action:transfer source:tcp://1.2.3.4:5 start:999 stop:1000] map[action:compute start:1000 stop:1005]]" {
		t.Errorf("%v", first)
	}
	if n := mustAsk(t, s, "get_task_stream_index"); n != int64(4) {
		t.Errorf("index %v", n)
	}
	if _, err := askFor(t, s, "get_task_stream", field{"start", "yesterday"}); err == nil || !strings.Contains(err.Error(), "start") {
		t.Error(err)
	}
}

func TestPerformanceReportStandsAlone(t *testing.T) {
	s := start(t, nil)
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 2)
	c := newClient(t, s, "c")
	mustAsk(t, s, "get_task_stream", field{"start", 0}, field{"stop", 0})
	began := unixNow()
	for i, k := range []string{"inc-1", "<b>bold</b>-2", "dec-3"} {
		c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop(k)}, Keys: keysOf(k)})
		m := next[*wire.ComputeTask](w)
		if k == "dec-3" {
			w.send(&wire.TaskErred{Key: m.Key, RunID: m.RunID, ExceptionText: "boom", StartStops: []wire.StartStop{{Action: "compute", Start: began, Stop: began + 3}}})
			next[*wire.TaskErred](c)
			continue
		}
		w.send(ran(m, began+float64(i), began+float64(i)+2))
		next[*wire.KeyInMemory](c)
	}
	html, _ := mustAsk(t, s, "performance_report", field{"start", began - 60}, field{"last_count", 0}, field{"code", "x = <script>"}, field{"mode", nil}).(string)
	for _, want := range []string{
		"<td>3, <span class=\"bad\">1 failed</span>", "compute time</th><td>7s in 3", "transfer time</th><td>2s in 2", "<rect x=", "inc-1: compute, 2s",
		"x = &lt;script&gt;", "&lt;b&gt;bold&lt;/b&gt;", "scheduler started", "tcp://127.0.0.1:1001", "all workers",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("no %q in\n%s", want, html)
		}
	}
	for _, not := range []string{"<script", "<b>bold", "src=", "href=", "@import", "url("} {
		if strings.Contains(html, not) {
			t.Errorf("%q in the report", not)
		}
	}
}

func TestBarsThatOverlapHaveLanes(t *testing.T) {
	run := func(key string, begin, end float64) state.Ran {
		return state.Ran{Key: wire.StrKey(key), Worker: "w", StartStops: []wire.StartStop{{Action: "compute", Start: begin, Stop: end}}}
	}
	runs := []state.Ran{run("a", 1, 3), run("b", 2, 4), run("c", 3, 5)}
	p := picture(runs, namesOf(runs))
	if len(p.Bars) != 3 || p.Bars[0].Y != p.Bars[2].Y || p.Bars[0].Y == p.Bars[1].Y || len(p.Lanes) != 1 || p.Height != 2*laneHeight+axisHeight {
		t.Errorf("%+v", p)
	}
}

func TestLogsAreNewestFirst(t *testing.T) {
	s := start(t, func(set *Settings) { set.LogLength = 3 })
	for i := range 5 {
		s.log.info("line", "n", i)
	}
	rows := mustAsk(t, s, "get_logs", field{"n", 2}).([]any)
	if len(rows) != 2 || !strings.HasSuffix(fmt.Sprint(rows[0]), " - gdask.scheduler - INFO - line n=4]") {
		t.Errorf("%v", rows)
	}
	all := mustAsk(t, s, "logs", field{"n", nil}, field{"timestamps", true}).([]any)
	if len(all) != 3 || !strings.Contains(fmt.Sprint(all[2]), "n=2") {
		t.Errorf("%v", all)
	}
	if at, ok := all[0].([]any)[0].(float64); !ok || at < 1e9 {
		t.Errorf("%v", all[0])
	}
	if later := mustAsk(t, s, "get_logs", field{"start", unixNow() + 100}).([]any); len(later) != 0 {
		t.Errorf("%v", later)
	}
}

func TestAlarmsAreLoggedAndTold(t *testing.T) {
	s := start(t, func(set *Settings) { set.State.Watchdog = 10 * time.Millisecond })
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	c := newClient(t, s, "c")
	c.send(&wire.SubscribeTopic{Topic: watchdogTopic, Client: "c"}, &wire.UpdateGraph{Tasks: []wire.TaskDef{noop("x")}, Keys: keysOf("x")})
	next[*wire.ComputeTask](w) // and then nothing, not even a heartbeat
	e := next[*wire.Event](c)
	pair, _ := decoded(t, e.Event).([]any)
	if msg := pair[1].(map[string]any); msg["action"] != "stuck-task" || msg["key"] != "x" || msg["worker"] != "tcp://127.0.0.1:1001" ||
		!strings.Contains(msg["reason"].(string), "no heartbeat") || !strings.Contains(msg["story"].(string), "waiting>processing") {
		t.Errorf("%v", msg)
	}
	found := false
	for _, line := range s.log.last(0) {
		found = found || line.level == "WARNING" && strings.Contains(line.text, "a task makes no progress key=x")
	}
	if !found {
		t.Error("nothing in the log")
	}
}
