package scheduler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// sentences asks why keys do not run.
func sentences(t *testing.T, s *Scheduler, keys ...string) map[string][]any {
	t.Helper()
	out := map[string][]any{}
	for k, v := range mustAsk(t, s, "explain", field{"keys", keysOf(keys...)}).(map[string]any) {
		out[k], _ = v.([]any)
	}
	return out
}

func TestExplainOverTheWire(t *testing.T) {
	s := start(t, nil)
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	c := newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("x"), noop("y", "x")}, Keys: keysOf("y")})
	next[*wire.ComputeTask](w)
	got := sentences(t, s, "x", "y", "z", "x")
	for k, want := range map[string][]string{
		"x": {"x is processing on tcp://127.0.0.1:1001 since "},
		"y": {"y waits since ", "x is processing on tcp://127.0.0.1:1001 since "},
		"z": {"z is unknown"},
	} {
		if len(got[k]) != len(want) {
			t.Errorf("%s: %q", k, got[k])
			continue
		}
		for i := range want {
			if !strings.HasPrefix(fmt.Sprint(got[k][i]), want[i]) {
				t.Errorf("%s: %q, want %q", k, got[k][i], want[i])
			}
		}
	}
	if len(got) != 3 {
		t.Errorf("answers for %d keys", len(got))
	}
	if n := len(sentences(t, s)); n != 0 {
		t.Errorf("%d answers for no keys", n)
	}
	many := make([]string, maxExplained+1)
	for i := range many {
		many[i] = fmt.Sprint("k-", i)
	}
	if _, err := askFor(t, s, "explain", field{"keys", keysOf(many...)}); err == nil || !strings.Contains(err.Error(), "at most 100") {
		t.Errorf("error %v", err)
	}
}

func TestRestrictionsChangeOverTheWire(t *testing.T) {
	s := start(t, func(set *Settings) { set.State.FailFast = false })
	one, two := "tcp://127.0.0.1:1001", "tcp://127.0.0.1:1002"
	w1, w2 := newWorker(t, s, one, 1), newWorker(t, s, two, 1)
	c := newClient(t, s, "c")
	x, y, z := noop("x"), noop("y"), noop("z")
	x.Workers, y.Workers, z.Resources = []string{"nobody"}, []string{"nobody"}, wire.Resources{"GPU": 1}
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{x, y, z}, Keys: keysOf("x", "y", "z")})
	eventually(t, s, "tasks known", func() bool { return len(s.loop.m.Keys()) == 3 })
	mustAsk(t, s, "set_restrictions", field{"worker", object{{"x", []string{two}}}})
	m := next[*wire.ComputeTask](w2)
	if m.Key != wire.StrKey("x") {
		t.Errorf("%v is to be run", m.Key)
	}
	mustAsk(t, s, "set_restrictions", field{"worker", object{{"y", one}}})
	if m := next[*wire.ComputeTask](w1); m.Key != wire.StrKey("y") {
		t.Errorf("%v is to be run", m.Key)
	}
	w2.send(finish(m))
	if got := mustAsk(t, s, "set_resources", field{"worker", two}, field{"resources", object{{"GPU", 1}}}); got != "OK" {
		t.Errorf("answer %v", got)
	}
	if m := next[*wire.ComputeTask](w2); m.Key != wire.StrKey("z") {
		t.Errorf("%v is to be run", m.Key)
	}
	id := mustAsk(t, s, "identity").(map[string]any)["workers"].(map[string]any)[two].(map[string]any)
	if r, _ := id["resources"].(map[string]any); fmt.Sprint(r["GPU"]) != "1" {
		t.Errorf("resources shown: %v", id["resources"])
	}
	for want, bad := range map[string]struct {
		op     string
		fields []field
	}{
		"know the key unknown": {"set_restrictions", []field{{"worker", object{{"unknown", nil}}}}},
		"field worker":         {"set_restrictions", []field{{"worker", 3}}},
		`no worker "nobody"`:   {"set_resources", []field{{"worker", "nobody"}, {"resources", object{}}}},
		"field resources":      {"set_resources", []field{{"worker", two}, {"resources", 3}}},
		"0 or more":            {"set_resources", []field{{"worker", two}, {"resources", object{{"GPU", -1}}}}},
	} {
		if _, err := askFor(t, s, bad.op, bad.fields...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
