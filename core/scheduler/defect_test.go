package scheduler

import (
	"strings"
	"testing"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// TestDefectsAreLoggedAndEvents: with the story, under Dask's names, and the
// scheduler goes on.
func TestDefectsAreLoggedAndEvents(t *testing.T) {
	s := start(t, nil)
	w, c := newWorker(t, s, "tcp://127.0.0.1:1001", 1), newClient(t, s, "c")
	c.send(&wire.SubscribeTopic{Topic: transitionsTopic, Client: "c"})
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("x")}, Keys: keysOf("x")})
	m := next[*wire.ComputeTask](w)
	eventually(t, s, "the client listens", func() bool { return len(s.loop.topics.subscribers[transitionsTopic]) == 1 })
	defects := []state.Defect{
		{What: "impossible transition", Key: wire.StrKey("x"), From: state.Processing, To: state.Queued, Stimulus: "why"},
		{What: "wrong sums"},
	}
	if err := s.loop.do(t.Context(), func() {
		defects[0].Story = s.loop.m.Story(wire.StrKey("x"))
		s.loop.deliver(&state.Output{Errors: defects})
	}); err != nil {
		t.Fatal(err)
	}
	first := eventBody(t, next[*wire.Event](c))
	for name, want := range map[string]any{
		"action": "scheduler-transition-failed", "key": "x", "start": "processing", "finish": "queued", "stimulus_id": "why",
	} {
		if first[name] != want {
			t.Errorf("%s is %v, want %v", name, first[name], want)
		}
	}
	if rows, _ := first["transition_log"].([]any); len(rows) < 2 {
		t.Errorf("the story is %v", first["transition_log"])
	}
	if second := eventBody(t, next[*wire.Event](c)); second["action"] != "scheduler-invariant-failed" || second["problem"] != "wrong sums" {
		t.Errorf("the second event is %v", second)
	}
	if kept := mustAsk(t, s, "events", field{"topic", transitionsTopic}).([]any); len(kept) != 2 {
		t.Errorf("%d events are kept", len(kept))
	}
	expectDefects(t, s, "impossible transition: x", "wrong sums")
	w.send(finish(m))
	if k := next[*wire.KeyInMemory](c); k.Key != wire.StrKey("x") {
		t.Errorf("%v is in memory", k.Key)
	}
}

// eventBody is what an event says.
func eventBody(t *testing.T, e *wire.Event) map[string]any {
	t.Helper()
	pair, _ := decoded(t, e.Event).([]any)
	if len(pair) != 2 {
		t.Fatalf("the event is %v", pair)
	}
	body, _ := pair[1].(map[string]any)
	return body
}

// expectDefects wants these lines, and takes them out of the log: others would
// fail the test at its end.
func expectDefects(t *testing.T, s *Scheduler, want ...string) {
	t.Helper()
	lines := s.log.last(0)
	for i, text := range want {
		line := lines[len(want)-1-i]
		if line.level != "ERROR" || !strings.HasPrefix(line.text, machineDefect) || !strings.Contains(line.text, text) {
			t.Errorf("logged %v, want %q", line, text)
		}
	}
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.ring, s.log.next = nil, 0
}
