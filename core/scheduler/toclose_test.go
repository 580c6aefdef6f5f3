package scheduler

import (
	"fmt"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

func TestTheSchedulerChoosesWhomToRetire(t *testing.T) {
	s := start(t, nil)
	const one, two = "tcp://127.0.0.1:1001", "tcp://127.0.0.1:1002"
	busy := newWorker(t, s, one, 1)
	newWorker(t, s, two, 1)
	c := newClient(t, s, "c")
	x := noop("x")
	x.Workers = []string{one}
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{x}, Keys: keysOf("x")})
	next[*wire.ComputeTask](busy)
	for name, q := range map[string]struct {
		fields []field
		want   []any
	}{
		"idle ones":        {nil, []any{two}},
		"by name":          {[]field{{"attribute", "name"}}, []any{"name of " + two}},
		"one":              {[]field{{"n", 1}}, []any{two}},
		"down to a target": {[]field{{"target", 1}}, []any{two}},
		"below none":       {[]field{{"target", 5}}, []any{}},
		"all but":          {[]field{{"n", 2}, {"minimum", 2}}, []any{}},
		"all":              {[]field{{"n", 2}}, []any{two, one}},
	} {
		if got := mustAsk(t, s, "workers_to_close", q.fields...); len(got.([]any)) != len(q.want) || name != "all" && fmt.Sprint(got) != fmt.Sprint(q.want) {
			t.Errorf("%s: %v, want %v", name, got, q.want)
		}
	}
	for _, bad := range []field{{"attribute", "colour"}, {"key", "f"}} {
		if _, err := askFor(t, s, "workers_to_close", bad); err == nil {
			t.Errorf("%s is accepted", bad.name)
		}
	}
	gone, _ := mustAsk(t, s, "retire_workers").(map[string]any)
	if gone[two] == nil || len(gone) != 1 {
		t.Errorf("retired %v, want %s", gone, two)
	}
}
