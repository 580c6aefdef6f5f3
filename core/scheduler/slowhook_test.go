package scheduler

import (
	"context"
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// stuck is a plugin that hangs in its first call until it is let go.
type stuck struct {
	entered, open chan struct{}
	heard         int
}

func (p *stuck) Start(context.Context, hook.Scheduler) error { return nil }
func (p *stuck) AddClient(string) {
	if p.heard++; p.heard == 1 {
		close(p.entered)
	}
	<-p.open
}

// TestAPluginThatHangsDelaysNobody: what it misses is bounded, and said once.
func TestAPluginThatHangsDelaysNobody(t *testing.T) {
	s := start(t, nil)
	p := &stuck{entered: make(chan struct{}), open: make(chan struct{})}
	if err := s.addHook(t.Context(), "stuck", p); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, s, "c")
	<-p.entered
	const missed = 100
	tell := func(n int) {
		if err := s.loop.do(t.Context(), func() {
			for range n {
				s.loop.hookClient("add_client", "again")
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	tell(hookQueue + missed)
	w := newWorker(t, s, "tcp://127.0.0.1:1001", 1)
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop("x")}, Keys: keysOf("x")})
	w.send(finish(next[*wire.ComputeTask](w)))
	next[*wire.KeyInMemory](c)
	tell(missed)
	lines := 0
	for _, l := range s.log.last(0) {
		if strings.Contains(l.text, "slower than the scheduler") {
			lines++
		}
	}
	if lines != 1 {
		t.Errorf("%d lines about a plugin that hangs", lines)
	}
	r := s.hooks.get("stuck")
	close(p.open)
	eventually(t, s, "it catches up", func() bool { return len(r.queue) == 0 })
	s.removeHook(t.Context(), r)
	if p.heard != hookQueue+1 {
		t.Errorf("it heard %d calls, want %d: those that waited, and the first", p.heard, hookQueue+1)
	}
}
