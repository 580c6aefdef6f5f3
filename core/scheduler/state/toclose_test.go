package state

import (
	"slices"
	"testing"
)

// Workers a to f: a and b are idle with 100 and 10 bytes, c2 has a short task,
// d a long one, e a seceded one, f is retiring already.
func closable(t *testing.T) *script {
	s := newScript(t)
	for _, w := range []string{"a", "b", "c2", "d", "e", "f"} {
		s.do(AddWorker{Address: w, NThreads: 1, Status: "running", MemoryLimit: 1000})
	}
	s.data("big", "a", 100)
	s.data("small", "b", 10)
	s.submit("x y z", onWorker("x", "c2"), onWorker("y", "d"), onWorker("z", "e"))
	s.do(Heartbeat{Address: "d", Executing: []KeyDuration{{Key: ks("y")[0], Seconds: 100}}})
	s.secede("e", "z")
	s.status("f", "closing_gracefully")
	return s
}

func TestWorkersToClose(t *testing.T) {
	for name, c := range map[string]struct {
		want   ToClose
		before func(s *script)
		close  []string
	}{
		"none":                    {ToClose{}, nil, nil},
		"one":                     {ToClose{N: 1}, nil, []string{"b"}},
		"the idle ones":           {ToClose{N: -1}, nil, []string{"b", "a"}},
		"more than are idle":      {ToClose{N: 3}, nil, []string{"b", "a", "c2"}},
		"never long-running ones": {ToClose{N: 9}, nil, []string{"b", "a", "c2", "d"}},
		"down to a minimum":       {ToClose{N: 9, Minimum: 5}, nil, []string{"b"}},
		"a minimum above all":     {ToClose{N: -1, Minimum: 50}, nil, nil},
		"idle, with little room":  {ToClose{N: -1}, func(s *script) { s.data("huge", "a", 2300) }, []string{"b"}},
		"idle, without room":      {ToClose{N: -1}, func(s *script) { s.data("huge", "a", 2900) }, nil},
		"idle, with a ratio":      {ToClose{N: -1, MemoryRatio: 1}, func(s *script) { s.data("huge", "a", 2900) }, []string{"b", "a"}},
		"idle, without a limit": {ToClose{N: -1}, func(s *script) {
			s.data("huge", "a", 1e9)
			s.do(AddWorker{Address: "g", NThreads: 1, Status: "running"})
			s.data("more", "g", 2e9)
		}, []string{"b", "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := closable(t)
			if c.before != nil {
				c.before(s)
			}
			if got := s.m.WorkersToClose(c.want); !slices.Equal(got, c.close) {
				t.Errorf("%q, want %q", got, c.close)
			}
		})
	}
}

func TestTheLastWorkerStaysWhileItHoldsResults(t *testing.T) {
	s := newScript(t)
	s.join("w")
	if got := s.m.WorkersToClose(ToClose{N: -1}); !slices.Equal(got, []string{"w"}) {
		t.Errorf("%q: nothing needs it", got)
	}
	s.data("x", "w", 1)
	if got := s.m.WorkersToClose(ToClose{N: -1}); len(got) > 0 {
		t.Errorf("%q: it holds a result", got)
	}
	if got := s.m.WorkersToClose(ToClose{N: 1}); len(got) != 1 {
		t.Errorf("%q, though one was asked for", got)
	}
}

// A paused worker with a backlog is not idle, and one whose only task has
// seceded has a free thread.
func TestIdleIsAboutSlots(t *testing.T) {
	s := newScript(t)
	s.join("v", "w")
	s.submit("x y", onWorker("x", "v"), onWorker("y", "w"))
	s.secede("v", "x")
	if got := s.m.Idle(); !slices.Equal(got, []string{"v"}) {
		t.Errorf("idle: %q", got)
	}
	s.status("v", "paused")
	if got := s.m.Idle(); len(got) > 0 {
		t.Errorf("idle: %q", got)
	}
}
