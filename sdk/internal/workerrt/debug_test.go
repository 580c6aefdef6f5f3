package workerrt

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// plain is an answer as maps, lists and scalars.
func plain(t *testing.T, o wire.Opaque) any {
	t.Helper()
	v, _, err := msgp.ReadIntfBytes(o.Raw)
	if err != nil {
		t.Fatalf("%v in %q", err, o.Raw)
	}
	return v
}

func TestStoryOnRequest(t *testing.T) {
	w, ss := newScheduler(t, tcpSet(t)).start(Settings{Run: works{"a": value("x")}.run})
	c := compute("a")
	c.StimulusID = "graph-7"
	ss.send(c)
	finished(t, ss, "a")
	rows, _ := plain(t, ask(t, w, "get_story", map[string]any{"keys_or_stimuli": []any{"a"}})).([]any)
	if len(rows) != 4 {
		t.Fatalf("%v", rows)
	}
	first, last := rows[0].([]any), rows[3].([]any)
	if fmt.Sprint(first[:6]) != "[a released waiting waiting map[] graph-7]" || fmt.Sprint(last[:6]) != "[a executing memory memory map[] run-ended]" {
		t.Errorf("%v ... %v", first, last)
	}
	if at, ok := last[6].(float64); !ok || at < 1e9 || at < first[6].(float64) {
		t.Errorf("times %v, %v", first[6], last[6])
	}
	if rows := plain(t, ask(t, w, "get_story", map[string]any{"keys_or_stimuli": []any{}})); len(rows.([]any)) != 0 {
		t.Errorf("without keys: %v", rows)
	}
	if _, err := call(t, w, "get_story", map[string]any{"keys_or_stimuli": 7}); err == nil || !strings.Contains(err.Error(), "keys_or_stimuli") {
		t.Error(err)
	}
}

// waitsInside is what the stack must show.
func waitsInside(ctx context.Context) { <-ctx.Done() }

func TestCallStackShowsTheTaskAndWhatItStarted(t *testing.T) {
	up := make(chan struct{}, 3)
	blocks := func(ctx context.Context, _ *Job) (any, error) {
		done := make(chan struct{})
		go func() { defer close(done); up <- struct{}{}; waitsInside(ctx) }()
		up <- struct{}{}
		<-done
		return nil, ctx.Err()
	}
	other := func(ctx context.Context, _ *Job) (any, error) { up <- struct{}{}; <-ctx.Done(); return nil, nil }
	w, ss := newScheduler(t, tcpSet(t)).start(Settings{NThreads: 2, Run: works{"a": blocks, "b": other}.run})
	ss.send(compute("a"), compute("b"))
	for range 3 {
		<-up
	}
	all, _ := plain(t, ask(t, w, "call_stack", nil)).(map[string]any)
	if len(all) != 2 {
		t.Fatalf("stacks of %v", all)
	}
	some, _ := plain(t, ask(t, w, "call_stack", map[string]any{"keys": []any{"a", "nowhere"}})).(map[string]any)
	stacks, _ := some["a"].([]any)
	if len(some) != 1 || len(stacks) != 2 {
		t.Fatalf("%v", some)
	}
	if s := stacks[0].(string); !strings.Contains(s, "workerrt.(*executor).slot") || strings.Contains(s, "waitsInside") {
		t.Errorf("the task's own stack:\n%s", s)
	}
	if s := stacks[1].(string); !strings.Contains(s, "waitsInside") {
		t.Errorf("the stack of what it started:\n%s", s)
	}
	ss.send(&wire.FreeKeys{Keys: []wire.Key{wire.StrKey("a"), wire.StrKey("b")}})
}

func TestDumpState(t *testing.T) {
	fails := func(context.Context, *Job) (any, error) { return nil, fmt.Errorf("it broke") }
	w, ss := newScheduler(t, tcpSet(t)).start(Settings{
		Name: "bob", Run: works{"a": value("x"), "bad": fails}.run, Resources: map[string]float64{"GPU": 2},
	})
	ss.send(compute("a"), compute("bad"))
	finished(t, ss, "a")
	erred(t, ss, "bad")
	d, _ := plain(t, ask(t, w, "dump_state", map[string]any{"exclude": []any{"nbytes", "logs"}})).(map[string]any)
	tasks, _ := d["tasks"].(map[string]any)
	a, _ := tasks["a"].(map[string]any)
	bad, _ := tasks["bad"].(map[string]any)
	if a["state"] != "memory" || a["type"] != "string" || bad["state"] != "error" || bad["exception_text"] != "it broke" {
		t.Errorf("tasks %v", tasks)
	}
	if _, there := a["nbytes"]; there || d["logs"] != nil {
		t.Errorf("what was excluded is there: %v", d)
	}
	if log, _ := d["log"].([]any); len(log) != 8 {
		t.Errorf("log %v", d["log"])
	}
	if d["name"] != "bob" || d["type"] != "Worker" || fmt.Sprint(d["resources"]) != "map[GPU:2]" {
		t.Errorf("%v", d)
	}
}

func TestStacksOfPicksDescendants(t *testing.T) {
	dump := splitDump([]byte("goroutine 1 [running]:\nmain.main()\n\ngoroutine 7 [select]:\nslot()\ncreated by a.b in goroutine 1\n\t/x.go:1\n\n" +
		"goroutine 8 [chan receive]:\nchild()\ncreated by c.d in goroutine 7\n\t/x.go:2\n\n" +
		"goroutine 9 [chan receive]:\ngrandchild()\ncreated by c.d.func1 in goroutine 8\n\t/x.go:3\n\n" +
		"goroutine 10 [sleep]:\nother()\ncreated by a.b in goroutine 1\n\t/x.go:1\n"))
	got := stacksOf(dump, map[uint64]bool{7: true, 99: true})
	if len(got) != 1 || len(got[7]) != 3 || !slices.IsSorted([]string{got[7][0][:11], got[7][1][:11], got[7][2][:11]}) {
		t.Errorf("%v", got)
	}
}
