package state

import (
	"math"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

var nan, inf = math.NaN(), math.Inf(1)

// restricted is a task for the named workers only.
func restricted(text string, workers ...string) wire.TaskDef {
	d := taskDef(text)
	d.Workers = workers
	return d
}

// needing is a task that takes n of the resource GPU.
func needing(text string, n float64) wire.TaskDef {
	d := taskDef(text)
	d.Resources = wire.Resources{"GPU": n}
	return d
}

func TestWorkersAreNamedByAddressNameOrHost(t *testing.T) {
	for _, name := range []string{"tcp://10.0.0.2:1", "two", "10.0.0.2"} {
		s := newScript(t)
		s.do(AddWorker{Address: "tcp://10.0.0.1:1", Name: "one", Host: "10.0.0.1", Status: "running"})
		s.do(AddWorker{Address: "tcp://10.0.0.2:1", Name: "two", Host: "10.0.0.2", Status: "running"})
		s.submit("x", restricted("x", "nobody", name))
		if got := s.where("x"); got != "tcp://10.0.0.2:1" {
			t.Errorf("%s: x runs on %q", name, got)
		}
	}
}

func TestTheNamedWorkerIsWaitedFor(t *testing.T) {
	s := newScript(t)
	s.join("v", "w")
	s.submit("x y", restricted("x", "w"), restricted("y", "w"))
	s.states("x processing", "y queued")
	s.finish("w", "x")
	if got := s.where("y"); got != "w" {
		t.Errorf("y runs on %q", got)
	}
}

func TestAllowOtherWorkersIsAPreference(t *testing.T) {
	loose := func(k string) wire.TaskDef {
		d := restricted(k, "w")
		d.AllowOther = true
		return d
	}
	s := newScript(t)
	s.join("u", "v", "w")
	s.submit("x y", loose("x"), loose("y"))
	if s.where("x") != "w" {
		t.Errorf("x runs on %s, w is preferred", s.where("x"))
	}
	if s.where("y") == "" || s.where("y") == "w" {
		t.Errorf("y runs on %q: w is full, others are free", s.where("y"))
	}
	s = newScript(t)
	s.join("v")
	s.submit("x", loose("x"))
	if s.where("x") != "v" {
		t.Error("x waits for a worker that it only prefers")
	}
}

func TestResourcesAreWaitedFor(t *testing.T) {
	s := newScript(t)
	s.do(AddWorker{Address: "cpu", NThreads: 8, Status: "running"})
	s.do(AddWorker{Address: "gpu", NThreads: 8, Status: "running", Resources: map[string]float64{"GPU": 2}})
	s.submit("a b c d e", needing("a", 1), needing("b", 1), needing("c", 1), needing("d", 2), "e")
	s.states("a processing", "b processing", "c queued", "d queued")
	if s.where("a") != "gpu" || s.where("b") != "gpu" || s.where("e") != "cpu" {
		t.Errorf("a, b, e run on %s, %s, %s", s.where("a"), s.where("b"), s.where("e"))
	}
	if i, _ := s.m.Worker("gpu"); i.Used["GPU"] != 2 {
		t.Errorf("in use: %v", i.Used)
	}
	if r := s.run("gpu", "a").ResourceRestrictions; r["GPU"] != 1 {
		t.Errorf("the worker is told %v", r)
	}
	for _, k := range []string{"a", "b", "c", "d"} {
		s.finish("gpu", k)
	}
	if i, _ := s.m.Worker("gpu"); len(i.Used) != 0 {
		t.Errorf("in use after all: %v", i.Used)
	}
}

// Several queues share workers by the priority of their first tasks, and one
// that is stuck does not hold up the others.
func TestQueuesShareWorkersByPriority(t *testing.T) {
	s := newScript(t)
	s.do(AddWorker{Address: "w", Name: "w", NThreads: 1, Status: "running", Runtimes: []string{"python", "go"}, Resources: map[string]float64{"GPU": 1}})
	s.submit("a b c d e f", "a", goDef("b"), "c", goDef("d"), needing("e", 1), restricted("f", "w"))
	if got := s.order("w"); got != "abcdef" {
		t.Errorf("ran %s", got)
	}
	if n := len(s.m.queues); n > 1 {
		t.Errorf("%d queues are kept", n)
	}
}

func TestAStuckQueueDoesNotHoldUpOthers(t *testing.T) {
	s := newScript(t)
	s.do(AddWorker{Address: "w", NThreads: 2, Status: "running", Resources: map[string]float64{"GPU": 1}})
	s.submit("a b c d", needing("a", 1), "b", needing("c", 1), "d")
	s.states("a processing", "b processing", "c queued", "d queued")
	s.finish("w", "b")
	s.states("a processing", "c queued", "d processing")
	s.finish("w", "a")
	s.states("c processing")
}

func TestReleasedQueuesAreForgotten(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.do(AddWorker{Address: "g", Status: "running", Runtimes: []string{"go"}})
	s.submit("a b c", goDef("a"), goDef("b"), "c")
	s.release("a", "b")
	s.finish("w", "c")
	s.submit("d e f g", "d", "e", goDef("f"), goDef("g"))
	s.states("d processing", "e queued", "f processing", "g queued")
}

func TestUnsatisfiableTasksFailWithTheReason(t *testing.T) {
	for name, c := range map[string]struct {
		task wire.TaskDef
		want []string
	}{
		"runtime":   {goDef("x"), []string{"no worker can run task x, which asks for runtime go", "of 1 workers 0 serve the runtime go (they serve python)"}},
		"worker":    {restricted("x", "nobody"), []string{`one of the workers or hosts ["nobody"]`, "1 serve the runtime python", `0 are among ["nobody"]`}},
		"resources": {needing("x", 2), []string{"resource GPU >= 2", "0 have the resources"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.do(AddWorker{Address: "w", Status: "running", Resources: map[string]float64{"GPU": 1}})
			s.wait(2 * time.Second) // no other worker is just about to join
			s.submit("x y", c.task, "y<-x")
			told := s.said("c: x erred")
			s.contains(told, "RuntimeError: ")
			s.contains(told, c.want...)
			s.said("c: y erred")
		})
	}
}

func TestUnsatisfiableTasksWaitForWorkersThatMayJoin(t *testing.T) {
	s := newScript(t)
	s.submit("x", goDef("x"))
	s.wait(time.Hour) // without any worker it is too early to say
	s.states("x no-worker")
	s.join("w")
	s.states("x no-worker")
	s.wait(DefaultConfig().FailFastGrace)
	s.states("x erred")
	s.submit("y", restricted("y", "w"))
	s.status("w", "paused")
	s.submit("z", restricted("z", "w"))
	s.wait(time.Second)
	s.states("y processing", "z no-worker") // w may run again
}

func TestWithoutFailFastTasksWait(t *testing.T) {
	s := newScript(t, noFailFast)
	s.join("w")
	s.submit("x y", goDef("x"), "y<-x")
	s.wait(time.Minute)
	s.states("x no-worker", "y waiting")
	s.do(AddWorker{Address: "g", Status: "running", Runtimes: []string{"go"}})
	s.states("x processing")
	if c := s.run("g", "x"); c.Runtime != "go" {
		t.Errorf("the worker is told the runtime %q", c.Runtime)
	}
}

func TestOneWorkerMustSatisfyAllLimits(t *testing.T) {
	s := newScript(t, noFailFast)
	s.do(AddWorker{Address: "a", Status: "running", Runtimes: []string{"go"}})
	s.do(AddWorker{Address: "b", Status: "running", Resources: map[string]float64{"GPU": 1}})
	d := needing("x", 1)
	d.Runtime = "go"
	s.submit("x", d)
	s.states("x no-worker")
	s.do(AddWorker{Address: "c", Status: "running", Runtimes: []string{"go"}, Resources: map[string]float64{"GPU": 1}})
	if got := s.where("x"); got != "c" {
		t.Errorf("x runs on %q", got)
	}
}

func TestSilentWorkersAreClosedOnce(t *testing.T) {
	s := newScript(t, func(c *Config) { c.WorkerTTL = time.Minute })
	s.join("v", "w")
	s.now = s.now.Add(50 * time.Second)
	s.do(Heartbeat{Address: "w", Metrics: wire.Metrics{}})
	s.wait(15 * time.Second)
	s.expect("close v: silent for more than 1m0s")
	s.wait(10 * time.Second)
	s.expect()
	s.wait(50 * time.Second)
	s.expect("close w: silent for more than 1m0s")
}

func TestAmountsThatMakeNoSense(t *testing.T) {
	s := newScript(t)
	s.do(AddWorker{Address: "w", NThreads: 9, Status: "running", Resources: map[string]float64{"GPU": 1}})
	s.do(AddWorker{Address: "v", Status: "running", Resources: map[string]float64{"GPU": nan}})
	s.wait(2 * time.Second)
	none := needing("none", 0)
	s.submit("none less", none, needing("less", -3))
	s.states("none processing", "less processing")
	if len(none.Resources) != 1 {
		t.Error("the definition was changed")
	}
	s.submit("inf nan two", needing("inf", inf), needing("nan", nan), needing("two", 2))
	s.states("inf erred", "nan erred", "two erred")
}
