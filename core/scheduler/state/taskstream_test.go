package state

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

func recorded(s *script, first int64) (keys []string) {
	for _, r := range s.m.TaskStream(first) {
		keys = append(keys, r.Key.String())
	}
	return keys
}

func TestTaskStreamRecordsRunsFromTheFirstQuestionOn(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("a", "a")
	s.finish("w", "a")
	if s.m.TasksRecorded() != 0 || s.m.TaskStream(0) != nil {
		t.Error("a machine that nobody asked records")
	}
	s.m.RecordTasks(3)
	d := taskDef("bad")
	d.Retries = 1
	s.submit("b bad", "b", d)
	s.timed("w", "b", time.Second)
	s.fail("w", "bad") // tried again: no end of the task
	s.fail("w", "bad")
	if got := recorded(s, 0); !slices.Equal(got, []string{"b", "bad"}) {
		t.Fatal(got)
	}
	runs := s.m.TaskStream(0)
	if r := runs[0]; r.Worker != "w" || r.Erred || r.Nbytes != 8 || len(r.StartStops) != 1 || r.StartStops[0].Action != "compute" || r.At != s.now.Add(-2*time.Millisecond) {
		t.Errorf("%+v", r)
	}
	if !runs[1].Erred {
		t.Errorf("%+v", runs[1])
	}
	s.do(TaskFinished{Worker: "w", TaskFinished: &wire.TaskFinished{Key: wire.StrKey("b"), RunID: 1}}) // of an old run
	if s.m.TasksRecorded() != 2 {
		t.Error("a run that was given up is recorded")
	}
}

func TestTaskStreamIsBounded(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.m.RecordTasks(3)
	s.m.RecordTasks(100) // the first call counts
	for i := range 5 {
		k := "t" + strconv.Itoa(i)
		s.submit(k, k)
		s.finish("w", k)
	}
	for first, want := range map[int64][]string{0: {"t2", "t3", "t4"}, 3: {"t3", "t4"}, 5: {}, 99: {}, -1: {"t2", "t3", "t4"}} {
		if got := recorded(s, first); !slices.Equal(got, want) {
			t.Errorf("from %d on: %v", first, got)
		}
	}
	if s.m.TasksRecorded() != 5 {
		t.Error(s.m.TasksRecorded())
	}
}

func TestUnderway(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	s.submit("y z", "a", "b", "x<-a,b", "y<-x", "z")
	on, unknown := s.m.Underway(ks("y", "nowhere"))
	if len(on) != 2 || len(on["w"])+len(on["v"]) != 2 || !slices.Equal(unknown, ks("nowhere")) {
		t.Errorf("%v, unknown %v", on, unknown)
	}
	if on, unknown := s.m.Underway(ks("z")); len(on)+len(unknown) != 0 { // queued
		t.Errorf("%v, %v", on, unknown)
	}
}

func TestErredNamesTheRoots(t *testing.T) {
	s := newScript(t)
	s.join("w")
	if got := s.m.Erred(0); len(got) != 0 {
		t.Error(got)
	}
	s.submit("y", "x", "y<-x")
	s.fail("w", "x")
	s.states("y erred")
	if got := s.m.Erred(0); !slices.Equal(got, ks("x")) {
		t.Error(got)
	}
}
