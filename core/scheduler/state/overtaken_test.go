package state

import (
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// A worker whose task is done elsewhere, or can never be done, is told to drop
// it: it may wait for inputs that never come.

func TestAResultThatAWorkerBringsBackEndsTheRunElsewhere(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	s.skip()
	s.do(AddWorker{Address: "v", NThreads: 1, Status: "running", Held: held("x")})
	s.expect("c: x in memory", "w: free x")
	s.release("x")
	s.expect("v: free x")
}

func TestScatteredValuesEndRuns(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	s.submit("x", "x")
	on := s.on("x")
	other := map[string]string{"w": "v", "v": "w"}[on]
	s.skip()
	s.scatter("c", other, "x")
	s.expect(on+": free x", "c: x in memory")
}

func TestAFailureAboveEndsTheRunOfATaskThatWaitsOnItsWorker(t *testing.T) {
	s := newScript(t, func(c *Config) { c.AllowedFailures = 0 })
	s.do(AddWorker{Address: "v", NThreads: 2, Status: "running"})
	s.submit("x", "p", "a<-p", onWorker("x<-a", "w"))
	s.finish("v", "p")
	s.finish("v", "a")
	s.do(AddWorker{Address: "w", NThreads: 1, Status: "running"})
	s.do(ClientDesiresKeys{Client: "c", Keys: ks("p")})
	s.states("a memory", "x processing", "p processing")
	s.release("p")
	s.do(ClientDesiresKeys{Client: "c", Keys: ks("p")})
	s.skip()
	s.lose("v") // with the only copy of a, and with p, which fails for good
	s.states("p erred", "a erred", "x erred")
	s.said("w: free x")
}

// on is the worker that has the task.
func (s *script) on(key string) string {
	i, _ := s.m.Task(wire.StrKey(key))
	return i.ProcessingOn
}

func TestRestartTellsClientsInTheSameOrderAlways(t *testing.T) {
	for range 20 {
		s := newScript(t)
		for _, id := range []string{"e", "d", "a", "b"} {
			s.do(AddClient{ID: id})
		}
		s.skip()
		s.do(Restart{})
		want := []string{"a: restart", "b: restart", "c: restart", "d: restart", "e: restart"}
		for i, l := range s.lines {
			if l != want[i] {
				t.Fatalf("the machine said %q", s.lines)
			}
		}
	}
}
