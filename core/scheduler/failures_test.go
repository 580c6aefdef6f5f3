package scheduler

import (
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

func TestFailedTasksAreShownAndExplained(t *testing.T) {
	s := start(t, impatient)
	address, _ := freeze(t, s) // it is asked for its state in vain
	w := newWorker(t, s, address, 1)
	c := newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("x"), noop("y", "x")}, Keys: keysOf("y")})
	run := next[*wire.ComputeTask](w)
	w.send(&wire.TaskErred{Key: run.Key, RunID: run.RunID, Status: "error", Exception: wire.StringOpaque("boom"), ExceptionText: "boom"})
	if e := next[*wire.TaskErred](c); e.Key != keysOf("y")[0] {
		t.Fatalf("%v erred", e.Key)
	}
	rows, _ := at(t, mustAsk(t, s, "get_cluster_state", field{"exclude", []string{"tasks"}}), "scheduler", "erred_tasks").([]any)
	if len(rows) != 1 {
		t.Fatalf("%v", rows)
	}
	if row, _ := rows[0].(map[string]any); row["key"] != "x" || row["exception_text"] != "boom" {
		t.Errorf("%v", row)
	}
	if k := mustAsk(t, s, "get_error_cause", field{"keys", keysOf("nobody", "y")}); k != "x" {
		t.Errorf("blames %v", k)
	}
	if k := mustAsk(t, s, "get_error_cause", field{"keys", keysOf("nobody")}); k != nil {
		t.Errorf("blames %v", k)
	}
	if spec := mustAsk(t, s, "get_runspec", field{"key", keysOf("x")[0]}); spec == nil {
		t.Error("no run spec")
	}
	if _, err := askFor(t, s, "get_runspec", field{"key", keysOf("nobody")[0]}); err == nil || !strings.Contains(err.Error(), "no task nobody") {
		t.Errorf("run spec of nobody: %v", err)
	}
}
