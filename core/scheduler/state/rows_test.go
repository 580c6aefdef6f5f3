package state

import (
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// daskRows are the rows of Dask's table of transitions: what leads from one
// state to another, and what follows from it for other tasks and for peers.
var daskRows = []struct {
	name string
	run  func(s *script)
}{
	{"F4.1/released->waiting/wanted by a client", func(s *script) {
		s.submit("x", "a", "x<-a")
		s.passed("x", Released, Waiting)
		s.states("x waiting", "a no-worker")
	}},
	{"F4.1/released->waiting/wanted by a dependent", func(s *script) {
		s.join("w")
		s.submit("y", "x", "y<-x")
		s.passed("x", Released, Waiting)
		s.expect("w: compute x")
	}},
	{"F4.1/released->waiting/lost dependencies redirect to forgotten", func(s *script) {
		s.submit("x", "x<-nobody")
		s.states("x forgotten")
		s.contains(s.said("c: x cancelled"), "lost dependencies", "nobody")
	}},
	{"F4.1/released->waiting/nothing missing leads to processing", func(s *script) {
		s.join("w")
		s.submit("x", "x")
		s.passed("x", Waiting, Processing)
		s.expect("w: compute x")
	}},

	{"F4.1/waiting->processing/all inputs in memory", func(s *script) {
		s.join("w")
		s.submit("x", "a", "b", "x<-a,b")
		s.finish("w", "a")
		s.states("x waiting")
		s.finish("w", "b")
		s.states("x processing")
		if c := s.run("w", "x"); len(c.WhoHas) != 2 || c.WhoHas[0].Addresses[0] != "w" {
			s.t.Errorf("told of the inputs %v", c.WhoHas)
		}
	}},
	{"F4.1/waiting->processing/inputs beyond the memory limit", func(s *script) {
		s.do(AddWorker{Address: "w", NThreads: 1, Status: "running", MemoryLimit: 100})
		s.submit("y", "a", "x<-a", "y<-x")
		s.finish("w", "a", 101)
		s.states("x erred", "y erred")
		s.contains(s.said("c: y erred"), "MemoryError", "101 bytes", "100 bytes")
	}},

	{"F4.1/waiting->queued/all slots taken", func(s *script) {
		full(s)
		s.passed("x", Waiting, Queued)
	}},
	{"F4.1/waiting->no-worker/no running worker", func(s *script) {
		s.do(AddWorker{Address: "w", NThreads: 1, Status: "paused"})
		s.submit("x", "x")
		s.states("x no-worker")
		s.expect()
	}},
	{"F4.1/waiting->no-worker/no worker satisfies the restrictions", func(s *script) {
		s.join("w")
		s.submit("x", onWorker("x", "v"))
		s.states("x no-worker")
		s.expect()
	}},
	{"F4.1/waiting->no-worker/the time is noted", func(s *script) {
		s.wait(2 * timeout)
		s.submit("x", "x")
		s.wait(timeout / 2)
		s.states("x no-worker")
		s.wait(timeout)
		s.states("x erred")
	}},
	{"F4.1/waiting->released/wish dropped", func(s *script) {
		s.join("w")
		s.submit("x", "a", "x<-a")
		s.skip()
		s.release("x")
		s.expect("w: free a")
		s.states("a forgotten", "x forgotten")
	}},
	{"F4.1/waiting->released/dependency lost", func(s *script) {
		s.join("w", "v")
		s.scatter("c", "w", "data")
		s.submit("x", onWorker("a", "v"), "x<-a,data")
		s.skip()
		s.lose("w")
		s.passed("x", Waiting, Released)
		s.states("x forgotten", "a forgotten")
		s.said("v: free a")
	}},
	{"F4.1/waiting->memory/the result is there already", func(s *script) {
		s.join("w")
		s.submit("y", "a", "x<-a", "y<-x")
		s.skip()
		s.do(AddWorker{Address: "v", Status: "running", NThreads: 1, Held: held("x")})
		s.states("x memory", "a released", "y processing")
		s.said("w: free a")
	}},

	{"F4.1/queued->processing/highest priority first", func(s *script) {
		low, high := taskDef("low"), taskDef("high")
		high.Priority = 5
		s.join("w")
		s.submit("a low high", "a", low, high)
		s.states("low queued", "a queued", "high processing")
		s.finish("w", "high")
		s.states("low queued", "a processing")
		s.finish("w", "a")
		s.states("low processing")
	}},
	{"F4.1/queued->released/cancelled", func(s *script) {
		full(s)
		s.skip()
		s.do(CancelKeys{Client: "c", Keys: ks("x")})
		s.passed("x", Queued, Released)
		s.states("x forgotten")
		s.contains(s.said("c: "), "x cancelled")
	}},
	{"F4.1/queued->erred/no-workers-timeout", func(s *script) {
		full(s)
		s.leave("w")
		s.wait(2 * timeout)
		s.states("x erred")
		s.contains(s.said("c: x erred"), "no worker")
	}},

	{"F4.1/no-worker->processing/a worker joined", func(s *script) {
		s.submit("x", "x")
		s.join("w")
		s.expect("w: compute x")
	}},
	{"F4.1/no-worker->processing/a worker resumed", func(s *script) {
		s.do(AddWorker{Address: "w", NThreads: 1, Status: "paused"})
		s.submit("x", "x")
		s.status("w", "running")
		s.expect("w: compute x")
	}},
	{"F4.1/no-worker->processing/a worker changed", func(s *script) {
		d := taskDef("x")
		d.Resources = wire.Resources{"GPU": 1}
		s.join("w")
		s.submit("x", d)
		s.states("x no-worker")
		s.do(SetResources{Worker: "w", Resources: map[string]float64{"GPU": 1}})
		s.expect("w: compute x")
	}},
	{"F4.1/no-worker->processing/in the order of priority", func(s *script) {
		first := taskDef("first")
		first.Priority = 1
		s.submit("x first", "x", first)
		s.join("w")
		s.expect("w: compute first")
		s.states("x queued")
	}},
	{"F4.1/no-worker->released/cancelled", func(s *script) {
		s.submit("x", "x")
		s.do(CancelKeys{Client: "c", Keys: ks("x")})
		s.passed("x", NoWorker, Released)
		s.states("x forgotten")
	}},
	{"F4.1/no-worker->erred/timeout", func(s *script) {
		s.submit("x", "x")
		s.wait(2 * timeout)
		s.states("x erred")
		s.contains(s.said("c: x erred"), "no worker is connected")
	}},
}

// passed says that a task has gone from one state to another.
func (s *script) passed(key string, from, to State) {
	s.t.Helper()
	for _, l := range s.m.Story(wire.StrKey(key)) {
		if l.Key == wire.StrKey(key) && l.From == from && l.To == to {
			return
		}
	}
	s.t.Fatalf("%s never went from %v to %v: %v", key, from, to, s.m.Story(wire.StrKey(key)))
}

func TestRowsOfDasksTransitions(t *testing.T) {
	for _, c := range append(daskRows, daskRowsOfResults...) {
		t.Run(c.name, func(t *testing.T) {
			c.run(newScript(t, func(c *Config) {
				c.NoWorkersTimeout, c.WorkerTTL, c.FailFast = timeout, 0, false
				c.WorkStealingInterval = time.Second
			}))
		})
	}
}
