package state

import (
	"strings"
	"testing"
	"time"
)

func TestRetiringMovesDataAndTasksAway(t *testing.T) {
	s := newScript(t, func(c *Config) { c.WorkerSaturation = inf })
	s.join("u")
	s.submit("a b", "a", "b")
	s.join("v")
	s.scatter("c", "u", "x", "y")
	s.replica("v", "y")
	s.skip()
	s.do(Retire{ID: 1, Address: "u", Timeout: time.Minute})
	s.expect("u: status closing_gracefully", "u: give up a", "u: give up b", "u: drop y", "v: fetch x=[u]")
	s.yields("u", "a", "executing")
	s.yields("u", "b", "ready")
	s.expect("u: free b", "v: compute b")
	s.replica("v", "x")
	s.expect("u: drop x")
	if got := s.done(); got != "" {
		t.Fatalf("ends while a runs: %s", got)
	}
	s.finish("u", "a")
	s.expect("c: a in memory", "v: fetch a=[u]")
	s.replica("v", "a")
	s.expect("u: drop a")
	if got := s.done(); got != "1 OK" {
		t.Errorf("ends: %s", got)
	}
	s.leave("u")
	s.states("x memory", "y memory", "a memory", "b processing")
}

func TestAWorkerWhoseDataHasNowhereToGoStays(t *testing.T) {
	s := newScript(t)
	s.join("u", "v")
	s.scatter("c", "u", "x")
	s.status("v", "paused")
	s.skip()
	s.do(Retire{ID: 1, Address: "u", Timeout: time.Minute})
	s.expect("u: status closing_gracefully", "u: status running")
	if got := s.done(); got != "1 no-recipients x" {
		t.Errorf("ends: %s", got)
	}
	s.contains(s.reason, "u stays", "only it holds 1 results", "x", "no running worker")
	if w, _ := s.m.Worker("u"); w.Status != "running" {
		t.Errorf("u is %s", w.Status)
	}
}

func TestRetiringIsAbortedWhenTheRecipientsDie(t *testing.T) {
	s := newScript(t)
	s.join("u", "v", "w")
	s.scatter("c", "u", "x")
	s.use("v", 1)
	s.use("w", 2)
	s.do(Retire{ID: 1, Address: "u", Timeout: time.Minute})
	s.skip()
	s.lose("v")
	s.expect("u: gone v", "w: gone v", "w: fetch x=[u]") // another one is asked
	s.lose("w")
	s.expect("u: gone w", "u: status running")
	if got := s.done(); got != "1 no-recipients x" {
		t.Errorf("ends: %s", got)
	}
	s.states("x memory")
}

func TestTwoRetireAtOnce(t *testing.T) {
	s := newScript(t)
	s.join("u", "v", "w")
	s.scatter("c", "u", "x", "y")
	s.replica("v", "x")
	s.skip()
	s.do(Retire{ID: 1, Address: "u", Timeout: time.Minute})
	s.do(Retire{ID: 2, Address: "v", Timeout: time.Minute})
	s.replica("w", "x", "y")
	if got := s.done(); got != "1 OK; 2 OK" {
		t.Errorf("ends: %s", got)
	}
	s.leave("u")
	s.leave("v")
	s.states("x memory", "y memory")
}

func TestTwoThatHoldAllBetweenThemStay(t *testing.T) {
	s := newScript(t)
	s.join("u", "v")
	s.scatter("c", "u", "x")
	s.scatter("c", "v", "y")
	s.do(Retire{ID: 1, Address: "u", Timeout: time.Minute})
	s.do(Retire{ID: 2, Address: "v", Timeout: time.Minute})
	if got := s.done(); got != "2 no-recipients y; 1 no-recipients x" && got != "2 no-recipients x y; 1 no-recipients x" {
		s.replica("v", "x") // v had been asked before it was to retire itself
		got += s.done()
		t.Logf("ends: %s", got)
	}
	s.wait(time.Second)
	s.states("x memory", "y memory")
}

// A frozen worker answers nothing: its retirement ends all the same, and it
// stays with what only it holds.
func TestRetiringAFrozenWorkerIsBounded(t *testing.T) {
	s := newScript(t)
	s.join("u", "v")
	s.scatter("c", "u", "x")
	s.do(Retire{ID: 1, Address: "u", Timeout: 30 * time.Second})
	for range 40 {
		s.use("v", 1)
		s.wait(time.Second)
	}
	if got := s.done(); got != "1 timeout x" {
		t.Errorf("ends: %s", got)
	}
	s.contains(s.reason, "within 30s")
	s.join("w")
	s.submit("a", onWorker("a", "w"))
	s.do(Retire{ID: 2, Address: "w", Timeout: 30 * time.Second})
	s.wait(31 * time.Second)
	if got := s.done(); got != "2 OK" { // its task starts again elsewhere: nothing is lost
		t.Errorf("ends: %s", got)
	}
}

func TestTheSameWorkerRetiresTwice(t *testing.T) {
	s := newScript(t)
	s.join("u", "v")
	s.scatter("c", "u", "x")
	s.do(Retire{ID: 1, Address: "u", Timeout: time.Minute})
	s.do(Retire{ID: 2, Address: "u", Timeout: time.Minute})
	s.do(AbandonErrand{ID: 2})
	if w, _ := s.m.Worker("u"); w.Status != "closing_gracefully" {
		t.Errorf("u is %s while it still retires", w.Status)
	}
	s.lose("v")
	if w, _ := s.m.Worker("u"); w.Status != "running" {
		t.Errorf("u is %s", w.Status)
	}
	s.do(Retire{ID: 3, Address: "nobody", Timeout: time.Minute})
	if got := s.done(); !strings.HasSuffix(got, "3 gone") {
		t.Errorf("ends: %s", got)
	}
}

// Pinned copies are made again on workers that stay.
func TestRetiringKeepsTheNumberOfPinnedCopies(t *testing.T) {
	s := newScript(t)
	s.join("u", "v", "w")
	s.scatter("c", "u", "x")
	s.do(Replicate{ID: 1, Keys: ks("x"), N: 2, Workers: []string{"u", "v"}, Timeout: time.Minute})
	s.replica("v", "x")
	s.do(Retire{ID: 2, Address: "u", Timeout: time.Minute})
	s.replica("w", "x")
	if got := s.holding("x"); got != "v w" || s.done() != "1 OK; 2 OK" {
		t.Errorf("x is on %s", got)
	}
}

// Of a worker that ends in any case as much is saved as can be.
func TestAWorkerThatLeavesHandsOnWhatItCan(t *testing.T) {
	s := newScript(t)
	s.join("u")
	s.submit("a", actorDef("a"))
	s.finish("u", "a")
	s.scatter("c", "u", "x")
	s.join("v")
	s.skip()
	s.do(Retire{ID: 1, Address: "u", Timeout: time.Minute})
	s.expect("u: status closing_gracefully", "u: status running")
	if got := s.done(); got != "1 no-recipients" {
		t.Errorf("ends: %s", got)
	}
	s.contains(s.reason, "1 actors", "release their futures")
	s.do(Retire{ID: 2, Address: "u", Leaves: true, Timeout: time.Minute})
	s.expect("u: status closing_gracefully", "v: fetch x=[u]")
	s.replica("v", "x")
	if got := s.done(); got != "2 OK" {
		t.Errorf("ends: %s", got)
	}
}
