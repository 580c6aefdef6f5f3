package scheduler

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

func TestIdentityHasDasksFields(t *testing.T) {
	s := start(t, nil)
	newWorker(t, s, "tcp://127.0.0.1:1001", 3)
	id, _ := mustAsk(t, s, "identity").(map[string]any)
	for _, f := range []string{"type", "id", "address", "services", "started", "n_workers", "total_threads", "total_memory", "workers"} {
		if _, ok := id[f]; !ok {
			t.Errorf("no field %s", f)
		}
	}
	if id["type"] != "Scheduler" || id["address"] != s.Address() || id["total_threads"] != int64(3) {
		t.Errorf("identity %v", id)
	}
	w, _ := id["workers"].(map[string]any)["tcp://127.0.0.1:1001"].(map[string]any)
	for _, f := range []string{"type", "id", "host", "resources", "local_directory", "name", "nthreads", "memory_limit",
		"last_seen", "services", "metrics", "status", "nanny"} {
		if _, ok := w[f]; !ok {
			t.Errorf("no field %s of a worker", f)
		}
	}
	if w["host"] != "127.0.0.1" || w["status"] != "running" || w["memory_limit"] != int64(1<<30) {
		t.Errorf("worker %v", w)
	}
	few, _ := mustAsk(t, s, "identity", field{"n_workers", 0}).(map[string]any)
	if few["n_workers"] != int64(1) || len(few["workers"].(map[string]any)) != 0 {
		t.Errorf("identity of no workers %v", few)
	}
	text, err := s.Identity(t.Context())
	if err != nil || !json.Valid(text) || !strings.Contains(string(text), s.Address()) {
		t.Errorf("scheduler file %s: %v", text, err)
	}
}

func TestUnknownOperationsNameTheNearest(t *testing.T) {
	s := start(t, nil)
	_, err := askFor(t, s, "whohas")
	var remote *wire.RemoteError
	if !errors.As(err, &remote) || !strings.Contains(remote.ExceptionText, `"who_has"`) || !strings.Contains(remote.ExceptionText, `"whohas"`) {
		t.Fatalf("error %v", err)
	}
}

func TestLookups(t *testing.T) {
	s := start(t, nil)
	const address = "tcp://127.0.0.1:1001"
	w := newWorker(t, s, address, 2)
	c := newClient(t, s, "c")
	compute(w, c, "x-1")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("y-1")}, Keys: keysOf("y-1")})
	next[*wire.ComputeTask](w)
	for _, q := range []struct {
		op     string
		fields []field
		want   string
	}{
		{"who_has", nil, `{"x-1":["` + address + `"],"y-1":[]}`},
		{"who_has", []field{{"keys", keysOf("x-1", "z")}}, `{"x-1":["` + address + `"],"z":[]}`},
		{"has_what", nil, `{"` + address + `":["x-1"]}`},
		{"has_what", []field{{"workers", []string{}}}, `{}`},
		{"processing", nil, `{"` + address + `":["y-1"]}`},
		{"ncores", nil, `{"` + address + `":2}`},
		{"ncores_running", []field{{"workers", []string{"name of " + address}}}, `{"` + address + `":2}`},
		{"nbytes", nil, `{"x":28}`},
		{"nbytes", []field{{"summary", false}, {"keys", keysOf("x-1")}}, `{"x-1":28}`},
	} {
		got, err := json.Marshal(mustAsk(t, s, q.op, q.fields...))
		if err != nil || string(got) != q.want {
			t.Errorf("%s %v: %s, want %s", q.op, q.fields, got, q.want)
		}
	}
}

func TestMetadata(t *testing.T) {
	s := start(t, nil)
	path := func(names ...string) field { return field{"keys", keysOf(names...)} }
	if got := mustAsk(t, s, "get_metadata", path("cluster-manager-info"), field{"default", object{}}); len(got.(map[string]any)) != 0 {
		t.Errorf("default %v", got)
	}
	mustAsk(t, s, "set_metadata", path("a", "b"), field{"value", 1})
	mustAsk(t, s, "set_metadata", path("a", "c"), field{"value", object{{"d", "deep"}}})
	if got := mustAsk(t, s, "get_metadata", path("a", "c", "d")); got != "deep" {
		t.Errorf("got %v", got)
	}
	got, err := json.Marshal(mustAsk(t, s, "get_metadata", path("a")))
	if err != nil || string(got) != `{"b":1,"c":{"d":"deep"}}` {
		t.Errorf("got %s", got)
	}
	noDefault := field{"default", object{{"__Enum__", true}, {"name", "no_default"}}}
	if _, err := askFor(t, s, "get_metadata", path("a", "z"), noDefault); err == nil || !strings.Contains(err.Error(), "a/z") {
		t.Errorf("error %v", err)
	}
	if _, err := askFor(t, s, "set_metadata", path()); err == nil {
		t.Error("an empty path is accepted")
	}
}

func TestPublishedDataStaysWithoutItsClient(t *testing.T) {
	s := start(t, nil)
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	c := newClient(t, s, "c")
	compute(w, c, "a")
	flush, err := newAsk("publish_flush_batched_send", field{"uid", "u1"})
	if err != nil {
		t.Fatal(err)
	}
	c.send(flush)
	put := []field{{"names", keysOf("set")}, {"keys", []any{keysOf("a")}}, {"data", []any{"the data"}}, {"override", false}, {"client", "c"}}
	mustAsk(t, s, "publish_put", append(put, field{"uid", "u1"})...)
	if _, err := askFor(t, s, "publish_put", put...); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("error %v", err)
	}
	c.send(&wire.ClientReleasesKeys{Client: "c", Keys: keysOf("a")})
	got, err := json.Marshal(mustAsk(t, s, "publish_get", field{"names", keysOf("set", "other")}))
	if err != nil || string(got) != `[{"data":"the data","keys":["a"]},null]` {
		t.Errorf("got %s", got)
	}
	if got := mustAsk(t, s, "publish_list").([]any); !slices.Equal(got, []any{"set"}) {
		t.Errorf("list %v", got)
	}
	mustAsk(t, s, "publish_delete", field{"names", keysOf("set")})
	next[*wire.FreeKeys](w)
}

func TestEventsReachSubscribers(t *testing.T) {
	s := start(t, nil)
	c := newClient(t, s, "c")
	c.send(&wire.SubscribeTopic{Topic: "x", Client: "c"})
	eventually(t, s, "subscribed", func() bool { return len(s.loop.topics.subscribers["x"]) == 1 })
	mustAsk(t, s, "log_event", field{"topic", []string{"x", "y"}}, field{"msg", object{{"n", 5}}})
	e := next[*wire.Event](c)
	pair, _ := decoded(t, e.Event).([]any)
	if e.Topic != "x" || len(pair) != 2 || pair[1].(map[string]any)["n"] != int64(5) {
		t.Fatalf("event %v %v", e.Topic, pair)
	}
	if got := mustAsk(t, s, "events", field{"topic", "y"}).([]any); len(got) != 1 {
		t.Errorf("events %v", got)
	}
	all := mustAsk(t, s, "events").(map[string]any)
	if all["all"] == nil || all["x"] == nil {
		t.Errorf("events %v", all)
	}
	c.send(&wire.UnsubscribeTopic{Topic: "x", Client: "c"})
	eventually(t, s, "unsubscribed", func() bool { return len(s.loop.topics.subscribers) == 0 })
}

func TestStatusWatchersHearOfWorkers(t *testing.T) {
	s := start(t, nil)
	conn := dial(t, s)
	m, err := newAsk("subscribe_worker_status")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Send(m); err != nil {
		t.Fatal(err)
	}
	in, err := conn.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if id := decoded(t, in.Raw).(map[string]any); id["n_workers"] != int64(0) {
		t.Fatalf("identity %v", id)
	}
	const address = "tcp://127.0.0.1:1001"
	w := newWorker(t, s, address, 1)
	if in, err = conn.Recv(); err != nil {
		t.Fatal(err)
	}
	added := decoded(t, in.Raw).([]any)[0].([]any)
	ident := added[1].(map[string]any)["workers"].(map[string]any)[address].(map[string]any)
	if added[0] != "add" || ident["metrics"] != nil || ident["nthreads"] != int64(1) {
		t.Fatalf("told %v", added)
	}
	_ = w.conn.Close()
	if in, err = conn.Recv(); err != nil {
		t.Fatal(err)
	}
	if removed := decoded(t, in.Raw).([]any)[0].([]any); removed[0] != "remove" || removed[1] != address {
		t.Fatalf("told %v", removed)
	}
	_ = conn.Close()
	eventually(t, s, "the watcher is forgotten", func() bool { return len(s.loop.watch) == 0 })
}

func TestUnregisterRetryAndRestart(t *testing.T) {
	s := start(t, nil)
	const address = "tcp://127.0.0.1:1001"
	w := newWorker(t, s, address, 1)
	c := newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("a")}, Keys: keysOf("a")})
	m := next[*wire.ComputeTask](w)
	w.send(&wire.TaskErred{Key: m.Key, RunID: m.RunID, Status: "error", ExceptionText: "once"})
	next[*wire.TaskErred](c)
	mustAsk(t, s, "retry", field{"keys", keysOf("a")}, field{"client", "c"})
	w.send(finish(next[*wire.ComputeTask](w)))
	next[*wire.KeyInMemory](c)
	mustAsk(t, s, "restart", field{"wait_for_workers", false})
	next[*wire.Restart](c)
	next[*wire.CloseWorker](w) // there is no nanny to start another
	newWorker(t, s, address, 1)
	if got := mustAsk(t, s, "unregister", field{"address", address}); got != "OK" {
		t.Errorf("unregister: %v", got)
	}
	if got := mustAsk(t, s, "unregister", field{"address", address}); got != "already-removed" {
		t.Errorf("unregister again: %v", got)
	}
}

func TestSmallAnswers(t *testing.T) {
	s := start(t, nil)
	if v := mustAsk(t, s, "versions").(map[string]any); v["host"] == nil || v["packages"] == nil {
		t.Errorf("versions %v", v)
	}
	if v := mustAsk(t, s, "register_nanny", field{"address", "x"}).(map[string]any); v["status"] != "OK" {
		t.Errorf("register_nanny %v", v)
	}
	lines, _ := mustAsk(t, s, "get_logs").([]any)
	if len(lines) == 0 || !strings.Contains(lines[0].([]any)[1].(string), "scheduler started") {
		t.Errorf("logs %v", lines)
	}
}

func TestTerminateCloses(t *testing.T) {
	s := start(t, nil)
	_, _ = askFor(t, s, "terminate") // the answer may be overtaken by the end
	<-s.Done()
}

// TestNewsOfNoData: a client may scatter nothing, and say so or leave it out.
func TestNewsOfNoData(t *testing.T) {
	s := start(t, nil)
	mustAsk(t, s, "update_data", field{"who_has", object{}}, field{"nbytes", object{}}, field{"client", "c"})
	mustAsk(t, s, "update_data")
	if _, err := askFor(t, s, "update_data", field{"who_has", 3}); err == nil {
		t.Error("a number is no map")
	}
}
