package state

import (
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

func TestDependentsBlameTheTaskThatFailed(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	s.submit("x y z a", "x", "y<-x", "z<-y,a", "a")
	s.skip()
	s.fail("w", "x")
	s.expect("c: x erred: boom x", "c: y erred: boom x", "c: z erred: boom x")
	s.states("x erred", "y erred", "z erred", "a processing")
	for _, k := range ks("x", "y", "z") {
		if i, _ := s.m.Task(k); i.Blame != ks("x")[0] || i.ExceptionText != "boom x" {
			t.Errorf("%v blames %v: %s", k, i.Blame, i.ExceptionText)
		}
	}
	if i, _ := s.m.Task(ks("x")[0]); len(i.ErredOn) != 1 || i.ErredOn[0] != "w" {
		t.Errorf("x erred on %v", i.ErredOn)
	}
	s.finish("v", "a")
	s.expect("c: a in memory")
}

func TestAFailureReleasesTheInputs(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("y", "x", "y<-x")
	s.finish("w", "x")
	s.skip()
	s.fail("w", "y")
	s.expect("c: y erred: boom y", "w: free x")
	s.states("x released", "y erred")
	s.release("y")
	s.expect("w: free y") // what the worker keeps of the failure
	s.states("x forgotten", "y forgotten")
}

func TestALaterDependentOfAFailureFails(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	s.fail("w", "x")
	s.skip()
	s.submit("z", "y<-x", "z<-y")
	s.expect("c: z erred: boom x")
}

func TestRetriesRunTheTaskAgain(t *testing.T) {
	s := newScript(t)
	s.join("w")
	d := taskDef("x")
	d.Retries = 2
	s.submit("x", d)
	for left := 2; left > 0; left-- {
		if i, _ := s.m.Task(d.Key); i.Retries != left {
			t.Fatalf("%d retries left, want %d", i.Retries, left)
		}
		run := s.run("w", "x").RunID
		s.skip()
		s.fail("w", "x")
		s.expect("w: free x", "w: compute x")
		if s.run("w", "x").RunID == run {
			t.Fatal("the run has the number of the one before")
		}
	}
	s.fail("w", "x")
	s.expect("c: x erred: boom x")
}

// A retry starts at the tasks that failed, not at those that they failed.
func TestRetryBeginsAtTheRoots(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x y z", "x", "y<-x", "z<-y")
	s.fail("w", "x")
	s.skip()
	s.do(RetryKeys{Client: "c", Keys: ks("z", "y", "nobody")})
	s.expect("w: free x", "w: compute x", "c: x retried", "c: y retried", "c: z retried")
	s.states("x processing", "y waiting", "z waiting")
	if i, _ := s.m.Task(ks("z")[0]); i.ExceptionText != "" || i.Blame != "" {
		t.Errorf("z still blames %v", i.Blame)
	}
	s.do(RetryKeys{Client: "c", Keys: ks("z")}) // of what is under way
	s.expect()
}

func TestEveryClientIsToldOfFailureAndRetry(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	s.desire("d", "x")
	s.skip()
	s.fail("w", "x")
	s.expect("c: x erred: boom x", "d: x erred: boom x")
	s.do(RetryKeys{Client: "d", Keys: ks("x")})
	s.expect("w: free x", "w: compute x", "c: x retried", "d: x retried")
}

func TestRetryOfOneOfTwoFailures(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	s.submit("x y z", "x", "y", "z<-x,y")
	s.fail("w", "x")
	s.fail("v", "y")
	s.do(RetryKeys{Client: "c", Keys: ks("x")})
	s.states("x processing", "y erred", "z erred")
	if i, _ := s.m.Task(ks("z")[0]); i.Blame != ks("y")[0] {
		t.Errorf("z blames %v, want y", i.Blame)
	}
}

func TestRetryOfAnUnwantedRoot(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("z", "x", "y<-x", "z<-y")
	s.fail("w", "x")
	s.states("x erred", "y erred")
	s.do(RetryKeys{Client: "c", Keys: ks("z")})
	s.states("x processing", "y waiting", "z waiting")
}

func TestInputsBeyondTheMemoryLimitAreRefused(t *testing.T) {
	s := newScript(t)
	s.do(AddWorker{Address: "w", Status: "running", MemoryLimit: 1000})
	s.submit("z x y", "x", "y", "z<-x,y")
	s.finish("w", "x", 600)
	s.skip()
	s.finish("w", "y", 500)
	s.contains(s.said("c: z erred"), "MemoryError", "z needs 1100 bytes", "limit of w is 1000", "raise memory_limit")
	s.states("z erred", "x memory", "y memory")
}

// The message of Python's pickle in the exception is for Python clients.
func TestOwnFailuresArePickledForPython(t *testing.T) {
	c := builtinCause("RuntimeError", "k", "a\\b\nc é → 😀")
	if got, want := c.exception.Text(), "cbuiltins\nRuntimeError\n(Va\\u005cb\\u000ac \xe9 \\u2192 \\U0001f600\ntR."; got != want {
		t.Errorf("pickled %q, want %q", got, want)
	}
}

func TestARunThatIsRescheduledGoesElsewhere(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	s.skip()
	s.reschedule("w", "x")
	s.expect("w: free x", "w: compute x")
	s.reschedule("w", "nobody")
	s.do(Reschedule{Worker: "nobody", Reschedule: &wire.Reschedule{Key: ks("x")[0]}})
	s.expect()
}
