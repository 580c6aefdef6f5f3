package state

import (
	"fmt"
	"testing"
	"time"
)

func TestAdaptiveTarget(t *testing.T) {
	many := func(s *script, n int) {
		var defs []any
		wants := ""
		for i := range n {
			k := fmt.Sprintf("x-%d", i)
			defs = append(defs, k)
			wants += k + " "
		}
		s.submit(wants, defs...)
	}
	for name, c := range map[string]struct {
		workers, threads int
		before           func(s *script)
		duration         time.Duration
		want             int
	}{
		"nothing at all":                      {0, 0, func(*script) {}, 0, 0},
		"work, no workers":                    {0, 0, func(s *script) { many(s, 1) }, time.Minute, 1},
		"much work, no workers":               {0, 0, func(s *script) { many(s, 100) }, 5 * time.Second, 10},
		"as unknown tasks take half a second": {1, 1, func(s *script) { many(s, 100) }, 5 * time.Second, 10},
		"more than are looked at":             {1, 1, func(s *script) { many(s, 1000) }, 5 * time.Second, 100},
		"the default duration is 5 s":         {1, 1, func(s *script) { many(s, 100) }, 0, 10},
		"workers of two threads":              {1, 2, func(s *script) { many(s, 100) }, 5 * time.Second, 5},
		"no more than there are tasks":        {1, 1, func(s *script) { many(s, 3) }, time.Millisecond, 3},
		"long runs": {1, 1, func(s *script) {
			many(s, 3)
			s.do(Heartbeat{Address: "w0", Executing: []KeyDuration{{Key: ks("x-0")[0], Seconds: 50}}})
		}, 100 * time.Second, 3},
		"idle workers may go":         {4, 1, func(*script) {}, 5 * time.Second, 0},
		"but not with their data":     {2, 1, func(s *script) { s.data("a", "w0", 400); s.data("b", "w1", 200) }, 5 * time.Second, 2},
		"full memory wants double":    {2, 1, func(s *script) { s.data("a", "w0", 900); s.data("b", "w1", 400) }, 5 * time.Second, 4},
		"busy workers do not go":      {2, 1, func(s *script) { many(s, 2) }, time.Hour, 2},
		"what the configuration says": {0, 0, func(s *script) { s.submit("known-1", "known-1"); many(s, 1) }, 5 * time.Second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, func(c *Config) {
				c.DefaultTaskDurations = map[string]time.Duration{"known": 10 * time.Second}
			})
			for i := range c.workers {
				s.do(AddWorker{Address: fmt.Sprint("w", i), NThreads: c.threads, Status: "running", MemoryLimit: 1000})
			}
			c.before(s)
			if got := s.m.AdaptiveTarget(c.duration); got != c.want {
				t.Errorf("target %d, want %d", got, c.want)
			}
		})
	}
}

func TestWorkersThatCloseTogether(t *testing.T) {
	s := newScript(t)
	for i, host := range []string{"a", "a", "b", "b", "b"} {
		s.do(AddWorker{Address: fmt.Sprint("w", i), Host: host, NThreads: 1, Status: "running", MemoryLimit: 1000})
	}
	s.data("x", "w0", 100)
	byHost := func(w WorkerInfo) string { return w.Host }
	for _, c := range []struct {
		want ToClose
		n    int
	}{
		{ToClose{N: 3, Group: byHost}, 3}, {ToClose{N: 2, Group: byHost}, 0}, {ToClose{N: 5, Group: byHost}, 5},
		{ToClose{N: -1, Group: byHost}, 3}, {ToClose{N: 4, Minimum: 2, Group: byHost}, 3}, {ToClose{N: 4, Minimum: 3, Group: byHost}, 0},
	} {
		if got := s.m.WorkersToClose(c.want); len(got) != c.n {
			t.Errorf("%+v: %q, want %d", c.want, got, c.n)
		}
	}
}
