package scheduler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

func TestMistakesInRequestsAboutCopies(t *testing.T) {
	s := start(t, nil)
	w, c := newWorker(t, s, "tcp://127.0.0.1:1001", 1), newClient(t, s, "c")
	compute(w, c, "a")
	for _, q := range []struct {
		op     string
		fields []field
		want   string
	}{
		{"replicate", []field{{"keys", keysOf("a")}, {"n", 0}}, "n is 0; it cannot delete data"},
		{"replicate", []field{{"keys", keysOf("a")}, {"branching_factor", 0}}, "branching_factor is 0"},
		{"replicate", []field{{"keys", keysOf("a")}, {"workers", []string{"nobody"}}}, `called ["nobody"]`},
		{"rebalance", []field{{"workers", []string{"nobody"}}}, `no worker "nobody"`},
		{"amm_handler", []field{{"method", "dance"}}, `no method "dance"; ask for start, stop, run_once or running`},
		{"retire_workers", []field{{"names", []string{"a"}}, {"workers", []string{"b"}}}, "workers and names are both given"},
		{"workers_to_close", []field{{"attribute", "colour"}}, `attribute is "colour"`},
		{"workers_to_close", []field{{"key", "colour"}}, "key is no attribute of workers"},
	} {
		if _, err := askFor(t, s, q.op, q.fields...); err == nil || !strings.Contains(err.Error(), q.want) {
			t.Errorf("%s %v: %v, want %q", q.op, q.fields, err, q.want)
		}
	}
}

func TestAnswersAboutCopies(t *testing.T) {
	s := start(t, nil)
	w, c := newWorker(t, s, "tcp://127.0.0.1:1001", 1), newClient(t, s, "c")
	compute(w, c, "a")
	for _, q := range []struct {
		op     string
		fields []field
		want   string
	}{
		{"replicate", []field{{"keys", keysOf("a")}}, "<nil>"},
		{"replicate", []field{{"keys", keysOf("a", "z")}}, "map[keys:[z] status:partial-fail]"},
		{"rebalance", nil, "map[status:OK]"},
		{"rebalance", []field{{"keys", keysOf("a")}}, "map[status:OK]"},
		{"rebalance", []field{{"keys", keysOf("z")}}, "map[keys:[z] status:partial-fail]"},
		{"amm_handler", []field{{"method", "running"}}, "true"},
		{"amm_handler", []field{{"method", "stop"}}, "<nil>"},
		{"amm_handler", []field{{"method", "running"}}, "false"},
		{"adaptive_target", []field{{"target_duration", "10 s"}}, "1"},
		{"workers_to_close", []field{{"n", 1}, {"key", "host"}, {"attribute", "host"}}, "[127.0.0.1]"},
		{"workers_to_close", []field{{"n", 1}, {"minimum", 1}}, "[]"},
	} {
		if got := fmt.Sprint(mustAsk(t, s, q.op, q.fields...)); got != q.want {
			t.Errorf("%s %v: %s, want %s", q.op, q.fields, got, q.want)
		}
	}
}

// Whoever waits for a retirement may give up: then the worker goes on.
func TestARetirementThatIsGivenUp(t *testing.T) {
	s := start(t, nil)
	w, c := newWorker(t, s, "tcp://127.0.0.1:1001", 1), newClient(t, s, "c")
	compute(w, c, "a")
	newWorker(t, s, "tcp://127.0.0.1:1002", 1) // never fetches anything
	ctx, cancel := context.WithCancelCause(t.Context())
	over := make(chan error, 1)
	go func() {
		_, err := s.RetireWorkers(ctx, []string{"tcp://127.0.0.1:1001"}, time.Hour)
		over <- err
	}()
	if m := next[*wire.WorkerStatusChange](w); m.Status != "closing_gracefully" {
		t.Errorf("status %s", m.Status)
	}
	why := errors.New("enough")
	cancel(why)
	if err := <-over; !errors.Is(err, why) {
		t.Errorf("error %v", err)
	}
	if m := next[*wire.WorkerStatusChange](w); m.Status != "running" {
		t.Errorf("status %s", m.Status)
	}
	eventually(t, s, "nobody waits", func() bool { return len(s.loop.errands.waiting) == 0 })
}

func TestAllOfDasksSchedulerMetrics(t *testing.T) {
	s := start(t, withDashboard)
	w, c := newWorker(t, s, "tcp://127.0.0.1:1001", 1), newClient(t, s, "c")
	newWorker(t, s, "tcp://127.0.0.1:1002", 1)
	compute(w, c, "inc-1")
	w.send(&wire.WorkerStatusChange{Status: "paused"})
	eventually(t, s, "it is paused", func() bool { return s.loop.workers["tcp://127.0.0.1:1001"].status == "paused" })
	_, body := get(t, s, "/metrics")
	for _, want := range []string{
		"clients ", "desired_workers ", `workers{state="idle"} 1`, `workers{state="partially_saturated"} 0`,
		`workers{state="saturated"} 0`, `workers{state="paused"} 1`, `workers{state="retiring"} 0`,
		`tasks{state="memory"} 1`, "task_groups 1", `tasks_output_bytes{task_prefix_name="inc"}`,
		"tick_duration_maximum_seconds ", "client_connections_added_total 1", "client_connections_removed_total 0",
		"workers_added_total 2", "workers_removed_total 0", `tasks_suspicious_total{task_prefix_name="inc"} 0`,
		"tasks_forgotten_total ", `tasks_compute_seconds_total{task_prefix_name="inc"}`,
		`tasks_transfer_seconds_total{task_prefix_name="inc"}`, `prefix_state_totals_total{state="memory",task_prefix_name="inc"} 1`,
		`prefix_state_totals_total{state="processing",task_prefix_name="inc"} 1`, "gc_collection_seconds_total ", "last_time_total ", "tick_count_total ",
	} {
		if !strings.Contains(body, "\ndask_scheduler_"+want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
}

// Reading the longest turn resets nothing, so that several may read it; it is
// forgotten after half a minute to a minute.
func TestTheLongestTurnIsRememberedForAWhile(t *testing.T) {
	s := &Scheduler{loop: &loop{}}
	l := &s.loop.load
	now := time.Unix(1e9, 0)
	l.sample(now)
	l.turn(time.Second, 1)
	for i, want := range []time.Duration{time.Second, time.Second, time.Second, time.Second, 0} {
		for range 2 {
			if got := s.Load().LongestLately; got != want {
				t.Errorf("after %d quarters of a minute: %v, want %v", i, got, want)
			}
		}
		now = now.Add(15 * time.Second)
		l.sample(now)
	}
	if got := s.Load().Longest; got != time.Second {
		t.Errorf("longest of all: %v", got)
	}
}
