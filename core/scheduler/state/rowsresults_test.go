package state

import (
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// daskRowsOfResults are the rows of tasks that run or have run.
var daskRowsOfResults = []struct {
	name string
	run  func(s *script)
}{
	{"F4.1/processing->memory/wakes dependents and releases inputs", func(s *script) {
		s.join("w")
		s.submit("y", "a", "x<-a", "y<-x")
		s.finish("w", "a")
		s.skip()
		s.finish("w", "x")
		s.states("a released", "x memory", "y processing")
		s.expect("w: free a", "w: compute y")
	}},
	{"F4.1/processing->memory/updates durations, sizes and replicas", func(s *script) {
		s.join("w")
		s.submit("x-1", "x-1")
		s.timed("w", "x-1", 3*time.Second)
		if p := s.m.Prefixes()[0]; p.Name != "x" || p.MeanDuration != 3*time.Second {
			s.t.Errorf("learned %+v", p)
		}
		i, _ := s.m.Task(ks("x-1")[0])
		if i.Nbytes != 8 || len(i.WhoHas) != 1 || i.WhoHas[0] != "w" {
			s.t.Errorf("the task is %+v", i)
		}
		s.said("c: x-1 in memory")
	}},
	{"F4.1/processing->memory/not from another run or worker", func(s *script) {
		s.join("w", "v")
		s.submit("x", onWorker("x", "w"))
		run := s.run("w", "x").RunID
		for _, e := range []Event{
			TaskFinished{Worker: "w", TaskFinished: &wire.TaskFinished{Key: ks("x")[0], RunID: run + 1, Nbytes: 1}},
			TaskFinished{Worker: "v", TaskFinished: &wire.TaskFinished{Key: ks("x")[0], RunID: run, Nbytes: 1}},
		} {
			s.do(e)
			s.states("x processing")
		}
		s.said("v: free x")
	}},

	{"F4.1/processing->released/worker lost", func(s *script) {
		runs(s)
		s.skip()
		s.lose("w")
		s.passed("x", Processing, Released)
		s.states("x no-worker")
		if i, _ := s.m.Task(ks("x")[0]); i.Suspicious != 1 {
			s.t.Errorf("suspected %d times", i.Suspicious)
		}
	}},
	{"F4.1/processing->released/worker left", func(s *script) {
		runs(s)
		s.leave("w")
		if i, _ := s.m.Task(ks("x")[0]); i.Suspicious != 0 || i.State != NoWorker {
			s.t.Errorf("suspected %d times, %v", i.Suspicious, i.State)
		}
	}},
	{"F4.1/processing->released/stolen back", func(s *script) {
		s.join("w", "v")
		s.submit("x", loosely(onWorker("x", "w")))
		s.status("w", "paused")
		s.wait(time.Second)
		s.yields("w", "x", "") // the worker has never heard of it
		s.passed("x", Processing, Released)
		s.states("x processing")
		s.run("v", "x")
	}},
	{"F4.1/processing->released/rescheduled", func(s *script) {
		runs(s)
		s.skip()
		s.reschedule("w", "x")
		s.passed("x", Processing, Released)
		s.states("x processing") // again: it is wanted
		s.expect("w: free x", "w: compute x")
	}},
	{"F4.1/processing->released/cancelled", func(s *script) {
		runs(s)
		s.skip()
		s.do(CancelKeys{Client: "c", Keys: ks("x")})
		s.states("x forgotten")
		s.said("w: free x")
	}},

	{"F4.1/processing->erred/blame reaches all dependents", func(s *script) {
		s.join("w")
		s.submit("y z", "x", "y<-x", "z<-y")
		s.skip()
		s.fail("w", "x")
		s.states("x erred", "y erred", "z erred")
		s.expect("c: y erred: boom x", "c: z erred: boom x")
		if i, _ := s.m.Task(ks("z")[0]); i.Blame != ks("x")[0] {
			s.t.Errorf("z blames %v", i.Blame)
		}
	}},
	{"F4.1/processing->erred/not with retries left", func(s *script) {
		d := taskDef("x")
		d.Retries = 1
		s.join("w")
		s.submit("x", d)
		s.fail("w", "x")
		s.states("x processing")
		s.fail("w", "x")
		s.states("x erred")
	}},
	{"F4.1/processing->erred/too many workers died", func(s *script) {
		s.submit("x", "x")
		for _, w := range []string{"a", "b", "c", "d"} {
			s.states("x no-worker")
			s.join(w)
			s.lose(w)
		}
		s.states("x erred")
		s.contains(s.said("c: x erred"), "KilledWorker", "4 workers", "d")
	}},

	{"F4.1/memory->released/last replica lost", func(s *script) {
		s.join("w", "v")
		s.submit("x", "x")
		s.finish(s.on("x"), "x")
		home := s.m.WhoHas(ks("x"))[0].Addresses[0]
		s.skip()
		s.lose(home)
		s.passed("x", Memory, Released)
		s.states("x processing")
		s.said("c: x lost")
	}},
	{"F4.1/memory->released/not when a replica is left", func(s *script) {
		s.join("w", "v")
		s.submit("x", onWorker("x", "w"))
		s.finish("w", "x")
		s.replica("v", "x")
		s.lose("w")
		s.states("x memory")
	}},
	{"F4.1/memory->released/not wanted", func(s *script) {
		s.join("w")
		s.submit("x y", "x", "y<-x")
		s.finish("w", "x")
		s.finish("w", "y")
		s.skip()
		s.release("x")
		s.states("x released", "y memory")
		s.expect("w: free x")
	}},
	{"F4.1/memory->erred/actor whose worker died", func(s *script) {
		s.join("w")
		s.submit("x", actorDef("x"))
		s.finish("w", "x")
		s.lose("w")
		s.states("x erred")
		s.contains(s.said("c: x erred"), "state of x ended with its worker")
	}},
	{"F4.1/memory->forgotten/nobody wants it", func(s *script) {
		ends(s)
		s.skip()
		s.release("x")
		s.states("x forgotten")
		s.expect("w: free x")
	}},
	{"F4.1/memory->forgotten/pure data lost", func(s *script) {
		s.join("w")
		s.scatter("c", "w", "data")
		s.submit("y", "y<-data")
		s.lose("w")
		s.states("data forgotten", "y forgotten")
	}},
	{"F4.1/released->forgotten/inputs forgotten", func(s *script) {
		s.join("w")
		s.scatter("c", "w", "data")
		s.submit("z", "x<-data", "y<-x", "z<-y")
		s.finish("w", "x")
		s.finish("w", "y")
		s.finish("w", "z")
		s.states("x released", "y released", "z memory")
		s.do(MissingData{Worker: "w", Keys: ks("data")})
		s.states("data forgotten", "x forgotten", "y forgotten", "z memory")
	}},
	{"F4.1/released->erred/dependency is erred", func(s *script) {
		s.join("w")
		s.submit("a", "a")
		s.fail("w", "a")
		s.skip()
		s.submit("x", "x<-a")
		s.passed("x", Released, Erred)
		s.expect("c: x erred: boom a")
	}},
	{"F4.1/erred->released/retry", func(s *script) {
		s.join("w")
		s.submit("x y", "x", "y<-x")
		s.fail("w", "x")
		s.skip()
		s.do(RetryKeys{Client: "c", Keys: ks("y")})
		s.states("x processing", "y waiting")
		s.expect("c: x retried", "c: y retried", "w: free x", "w: compute x")
		if i, _ := s.m.Task(ks("x")[0]); i.ExceptionText != "" || len(i.ErredOn) != 0 {
			s.t.Errorf("still says %q, on %v", i.ExceptionText, i.ErredOn)
		}
	}},
	{"F4.1/undeclared pair/by way of released", func(s *script) {
		s.join("w", "v")
		s.submit("x", onWorker("a", "w"), onWorker("x<-a", "v"))
		s.finish("w", "a")
		s.states("x processing")
		s.skip()
		s.do(MissingData{Worker: "w", Keys: ks("a")})
		s.passed("x", Processing, Released)
		s.states("x waiting", "a processing")
		s.expect("v: free x", "w: free a", "w: compute a")
	}},
}

// A pair that is declared nowhere and has no way by released is a defect, and
// changes nothing.
func TestAnImpossibleTransitionIsADefect(t *testing.T) {
	m := New(DefaultConfig())
	m.Apply(time.Unix(1, 0), graph("x", "x"))
	m.Take()
	x := m.tasks.Get(ks("x")[0])
	m.transition(x, Memory)
	out := m.Take()
	if len(out.Errors) != 1 || x.state == Memory {
		t.Fatalf("errors %q, state %v", out.Errors, x.state)
	}
	if d := out.Errors[0]; !d.IsTransition() || d.From != x.state || d.To != Memory || d.Key != x.key || len(d.Story) == 0 {
		t.Errorf("told %+v", d)
	}
	for range 3 * defectStory {
		m.enterState(x, Processing)
		m.enterState(x, NoWorker)
	}
	m.fault("wrong", x.key)
	if d := m.Take().Errors[0]; d.IsTransition() || len(d.Story) != defectStory {
		t.Errorf("told %v with %d transitions", d, len(d.Story))
	}
}
