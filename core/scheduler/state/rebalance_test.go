package state

import (
	"fmt"
	"testing"
	"time"
)

// unbalanced has ten results of 10 bytes on u of 110 bytes, v is empty.
func unbalanced(t *testing.T, change ...func(*Config)) *script {
	s := newScript(t, change...)
	for _, w := range []string{"u", "v"} {
		s.do(AddWorker{Address: w, NThreads: 1, Status: "running", MemoryLimit: 110})
	}
	for i := range 10 {
		s.data(fmt.Sprint("x", i), "u", 10)
	}
	s.skip()
	return s
}

func (s *script) held(worker string) int { return len(s.m.HasWhat(worker)) }

func TestRebalanceMovesToTheMean(t *testing.T) {
	s := unbalanced(t)
	s.do(Rebalance{ID: 1, Timeout: time.Minute})
	s.expect("v: fetch x0=[u] x1=[u] x2=[u] x3=[u] x4=[u]")
	s.replica("v", "x0", "x1", "x2", "x3")
	if s.done() != "" {
		t.Error("it ended before the last copy")
	}
	s.replica("v", "x4")
	if s.held("u") != 5 || s.held("v") != 5 || s.done() != "1 OK" {
		t.Errorf("u holds %d, v %d", s.held("u"), s.held("v"))
	}
	s.skip()
	s.do(Rebalance{ID: 2, Timeout: time.Minute})
	s.expect() // nothing bounces back
	if got := s.done(); got != "2 OK" {
		t.Errorf("ends: %s", got)
	}
}

func TestRebalanceLimits(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		event  Rebalance
		before func(*script)
		moved  int
	}{
		"below sender-min":       {func(c *Config) { c.Rebalance.SenderMin = 0.95 }, Rebalance{}, nil, 0},
		"above recipient-max":    {nil, Rebalance{}, func(s *script) { s.use("v", 75); s.use("u", 110) }, 0},
		"within the gap":         {func(c *Config) { c.Rebalance.SenderRecipientGap = 1 }, Rebalance{}, nil, 0},
		"half of the gap":        {func(c *Config) { c.Rebalance.SenderRecipientGap = 0.4 }, Rebalance{}, nil, 3},
		"only some keys":         {nil, Rebalance{Keys: ks("x7", "x8")}, nil, 2},
		"no keys":                {nil, Rebalance{Keys: ks()}, nil, 0},
		"only one of the two":    {nil, Rebalance{Workers: []string{"u"}}, nil, 0},
		"a worker is not there":  {nil, Rebalance{Workers: []string{"nobody"}}, nil, 0},
		"one is paused":          {nil, Rebalance{}, func(s *script) { s.status("v", "paused") }, 0},
		"managed memory only":    {func(c *Config) { c.Rebalance.Measure = "managed" }, Rebalance{}, func(s *script) { s.use("v", 100) }, 5},
		"it has them already":    {nil, Rebalance{}, func(s *script) { s.replica("v", "x0", "x1"); s.skip() }, 4},
		"no limits of memory":    {nil, Rebalance{}, func(s *script) { s.m.workers["u"].reg.MemoryLimit, s.m.workers["v"].reg.MemoryLimit = 0, 0 }, 5},
		"too large for the mean": {nil, Rebalance{Keys: ks("y")}, func(s *script) { s.data("y", "u", 1000) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := unbalanced(t, func(cfg *Config) {
				if c.change != nil {
					c.change(cfg)
				}
			})
			if c.before != nil {
				c.before(s)
			}
			c.event.ID, c.event.Timeout = 1, time.Minute
			s.do(c.event)
			n := 0
			for _, as := range s.m.copies {
				n += len(as)
			}
			if n != c.moved {
				t.Errorf("%d move, want %d", n, c.moved)
			}
		})
	}
}

func TestRebalanceNamesTheKeysItCouldNotMove(t *testing.T) {
	s := unbalanced(t)
	s.do(Rebalance{ID: 1, Keys: ks("x1", "nothing", "x2"), Timeout: time.Minute})
	if got := s.done(); got != "1 partial-fail nothing" {
		t.Errorf("ends: %s", got)
	}
	s.do(Rebalance{ID: 2, Keys: ks("x1", "x2"), Timeout: 5 * time.Second})
	s.replica("v", "x1")
	s.wait(6 * time.Second)
	if got := s.done(); got != "2 partial-fail x2" {
		t.Errorf("ends: %s", got)
	}
	s.do(Rebalance{ID: 3, Timeout: time.Minute})
	s.lose("v")
	if got := s.done(); len(got) < len("3 partial-fail x") {
		t.Errorf("ends: %s", got)
	}
}
