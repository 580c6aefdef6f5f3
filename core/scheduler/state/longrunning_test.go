package state

import (
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

func TestASecededTaskFreesItsSlot(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x y z", "x", "y", "z")
	s.skip()
	s.secede("w", "x")
	s.expect("w: compute y")
	i, _ := s.m.Worker("w")
	if i.Processing != 2 || i.Seceded != 1 || i.Occupancy != 0.5 {
		t.Errorf("w has %d tasks, %d seceded, occupancy %v", i.Processing, i.Seceded, i.Occupancy)
	}
	s.secede("w", "x") // told twice
	s.expect()
	s.do(Heartbeat{Address: "w", Executing: []KeyDuration{{Key: ks("x")[0], Seconds: 100}}})
	if i, _ := s.m.Worker("w"); i.Occupancy != 0.5 {
		t.Errorf("occupancy %v: a seceded task counts", i.Occupancy)
	}
	s.finish("w", "x")
	s.expect("c: x in memory") // its slot was given away before
	if i, _ := s.m.Worker("w"); i.Seceded != 0 || i.Occupancy != 0.5 {
		t.Errorf("%d seceded, occupancy %v", i.Seceded, i.Occupancy)
	}
}

func TestWhatRunsUntilItSecedesIsLearned(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x-1", "x-1")
	s.do(LongRunning{Worker: "w", LongRunning: &wire.LongRunning{Key: ks("x-1")[0], RunID: s.run("w", "x-1").RunID, ComputeDuration: 3}})
	if p := s.m.Prefixes()[0]; p.MeanDuration != 3*time.Second {
		t.Errorf("mean %v", p.MeanDuration)
	}
	s.join("v")
	s.submit("x-2", "x-2")
	for _, d := range []float64{inf, nan, -1, 0} {
		s.do(LongRunning{Worker: s.where("x-2"), LongRunning: &wire.LongRunning{Key: ks("x-2")[0], ComputeDuration: d}})
	}
	if p := s.m.Prefixes()[0]; p.MeanDuration != 3*time.Second {
		t.Errorf("mean %v", p.MeanDuration)
	}
}

func TestASecededTaskEndsLikeAnyOther(t *testing.T) {
	for name, end := range map[string]func(s *script){
		"failure":     func(s *script) { s.fail("w", "x"); s.states("x erred") },
		"release":     func(s *script) { s.release("x"); s.states("x forgotten") },
		"worker lost": func(s *script) { s.lose("w"); s.states("x no-worker") },
		"reschedule":  func(s *script) { s.reschedule("w", "x"); s.states("x processing") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.join("w")
			s.submit("x", "x")
			s.secede("w", "x")
			end(s)
			if i, ok := s.m.Task(ks("x")[0]); ok && i.LongRunning {
				t.Error("still long-running")
			}
			if i, ok := s.m.Worker("w"); ok && i.Seceded != 0 {
				t.Errorf("%d seceded tasks", i.Seceded)
			}
		})
	}
}
