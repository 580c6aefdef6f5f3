package scheduler

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// A task that a busy worker gives up goes to an idle one, over the wire.
func TestWorkIsStolen(t *testing.T) {
	s := start(t, func(set *Settings) {
		withDashboard(set)
		set.State.WorkerSaturation = math.Inf(1)
		set.State.WorkStealingInterval = time.Millisecond
	})
	busy := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	c := newClient(t, s, "c")
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("a"), noop("b"), noop("x")}, Keys: keysOf("a", "b", "x")})
	for range 3 {
		next[*wire.ComputeTask](busy)
	}
	idle := newWorker(t, s, "tcp://127.0.0.1:1002", 1)
	r := next[*wire.StealRequest](busy)
	busy.send(&wire.StealResponse{Key: r.Key, State: "ready", StimulusID: r.StimulusID})
	m := next[*wire.ComputeTask](idle)
	if m.Key != r.Key {
		t.Fatalf("%v was given up, %v is to be run", r.Key, m.Key)
	}
	idle.send(finish(m))
	if got := next[*wire.KeyInMemory](c); got.Key != r.Key {
		t.Errorf("%v in memory", got.Key)
	}
	_, body := get(t, s, "/metrics")
	for _, want := range []string{
		`dask_stealing_request_count_total{cost_multiplier="1.0"}`, `dask_stealing_request_cost_total{cost_multiplier="1.03125"} 0`,
		`dask_stealing_request_count_total{cost_multiplier="257.0"} 0`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	if strings.Contains(body, `dask_stealing_request_count_total{cost_multiplier="1.0"} 0`) {
		t.Error("the request was not counted")
	}
}
