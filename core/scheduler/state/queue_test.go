package state

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// many submits tasks that are named by a prefix and a number, and wants all.
func (s *script) many(prefix string, n int) {
	s.t.Helper()
	var defs []any
	var wants []string
	for i := range n {
		k := fmt.Sprintf("%s-%d", prefix, i)
		defs, wants = append(defs, k), append(wants, k)
	}
	s.submit(strings.Join(wants, " "), defs...)
}

func (s *script) load(worker string) int { return len(s.m.Processing(worker)) }

func TestSlotsOfAWorker(t *testing.T) {
	for _, c := range []struct {
		saturation    float64
		threads, want int
	}{
		{1, 2, 2}, {1.1, 1, 2}, {1.1, 10, 11}, {1.5, 3, 5}, {0.1, 4, 1}, {math.Inf(1), 1, 30}, {math.NaN(), 10, 11}, {-1, 1, 2}, {1, 0, 1},
	} {
		s := newScript(t, func(cf *Config) { cf.WorkerSaturation = c.saturation })
		s.do(AddWorker{Address: "w", NThreads: c.threads, Status: "running"})
		s.many("x", 30)
		if got := s.load("w"); got != c.want {
			t.Errorf("saturation %v, %d threads: %d tasks, want %d", c.saturation, c.threads, got, c.want)
		}
		if n := s.m.Counts(); n[Queued] != 30-c.want {
			t.Errorf("%d queued", n[Queued])
		}
	}
}

func TestTheWorkerWithTheFreedSlotGetsTheNext(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	s.submit("a b c d", "a", "b", "c", "d")
	s.skip()
	s.finish("v", "b")
	s.expect("c: b in memory", "v: compute c")
	s.finish("w", "a")
	s.expect("c: a in memory", "w: compute d")
}

func TestEqualWorkersShareEqually(t *testing.T) {
	s := newScript(t)
	for i := range 5 {
		s.do(AddWorker{Address: fmt.Sprint("w", i), NThreads: 4, Status: "running"})
	}
	s.many("x", 10)
	for i := range 5 {
		if n := s.load(fmt.Sprint("w", i)); n != 2 {
			t.Errorf("w%d has %d of 10 tasks", i, n)
		}
	}
}

func TestThreadsCount(t *testing.T) {
	s := newScript(t)
	s.do(AddWorker{Address: "big", NThreads: 6, Status: "running"})
	s.do(AddWorker{Address: "small", NThreads: 2, Status: "running"})
	s.many("x", 4)
	if b, l := s.load("big"), s.load("small"); b != 3 || l != 1 {
		t.Errorf("the big worker has %d tasks and the small one %d", b, l)
	}
}

func TestANewWorkerGetsQueuedTasks(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("a b c", "a", "b", "c")
	s.skip()
	s.join("v")
	s.expect("v: compute b")
}

func TestWorkersThatDoNotRunGetNothing(t *testing.T) {
	for _, status := range []string{"init", "paused", "closing_gracefully", "closing"} {
		s := newScript(t, noFailFast)
		s.do(AddWorker{Address: "w", Status: status})
		s.submit("x", "x")
		s.states("x no-worker")
		s.expect()
		s.status("w", "running")
		s.expect("w: compute x")
		s.status("w", status)
		s.submit("y", "y")
		s.expect()
		s.finish("w", "x") // what it has, it finishes
		s.expect("c: x in memory")
		s.status("w", status)
		s.states("y no-worker")
	}
}

func TestAWorkerWithoutAStatusIsNotReadyYet(t *testing.T) {
	s := newScript(t)
	s.do(AddWorker{Address: "w"})
	if i, _ := s.m.Worker("w"); i.Status != "init" || i.Name != "w" || i.NThreads != 1 {
		t.Errorf("registered as %+v", i)
	}
	s.submit("x", "x")
	s.states("x no-worker")
}

func TestAddressesAndNamesAreUnique(t *testing.T) {
	s := newScript(t)
	s.do(AddWorker{Address: "w", Name: "one", Status: "running"})
	s.do(AddWorker{Address: "w", Name: "two"})
	s.expect("reject w: a worker with the address w is here already")
	s.do(AddWorker{Address: "v", Name: "one"})
	s.expect("reject v: name taken, one: the worker at w has it; choose another name")
	s.leave("w")
	s.do(AddWorker{Address: "v", Name: "one"})
	s.expect()
}

// Tasks of names that are known to be tiny are sent ahead of free slots.
func TestTinyTasksAreSentAhead(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.many("x", 40)
	if n := s.load("w"); n != 1 {
		t.Fatalf("%d tasks of unknown duration were sent", n)
	}
	s.timed("w", "x-0", 100*time.Microsecond)
	if n := s.load("w"); n != 2 {
		t.Errorf("%d tasks after one result: trust grows one by one", n)
	}
	s.timed("w", "x-1", 100*time.Microsecond)
	s.timed("w", "x-2", 100*time.Microsecond)
	if n := s.load("w"); n != 4 {
		t.Errorf("%d tasks after three results", n)
	}
	s.timed("w", "x-3", 50*time.Millisecond) // not so tiny after all
	s.timed("w", "x-4", 50*time.Millisecond)
	s.timed("w", "x-5", 50*time.Millisecond)
	s.timed("w", "x-6", 50*time.Millisecond)
	if n := s.load("w"); n != 1 {
		t.Errorf("%d tasks after slow ones", n)
	}
}

func TestLimitsOfWorkAhead(t *testing.T) {
	tiny := 100 * time.Microsecond
	for name, c := range map[string]struct {
		change func(*Config)
		nbytes int64
		most   int
	}{
		"off":         {func(c *Config) { c.PipelineDuration = 0 }, 1, 1},
		"by duration": {func(c *Config) { c.PipelineDuration = time.Millisecond }, 1, 10},
		"by number":   {func(c *Config) { c.PipelineTasks = 7 }, 1, 7},
		"by bytes":    {func(c *Config) { c.PipelineBytes = 5000 }, 1000, 5},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, c.change)
			s.join("w")
			s.many("x", 60)
			most := 0
			for s.load("w") > 0 {
				k, _ := s.m.Processing("w")[0].Str()
				s.do(TaskFinished{Worker: "w", TaskFinished: &wire.TaskFinished{
					Key: wire.StrKey(k), RunID: s.run("w", k).RunID, Nbytes: c.nbytes,
					StartStops: []wire.StartStop{{Action: "compute", Start: 1, Stop: 1 + tiny.Seconds()}}}})
				most = max(most, s.load("w"))
			}
			if most != c.most {
				t.Errorf("at most %d tasks were at the worker, want %d", most, c.most)
			}
			if n := s.m.Counts(); n[Memory] != 60 {
				t.Errorf("%d of 60 done", n[Memory])
			}
		})
	}
}

func TestFreeSlotsComeBeforeWorkAhead(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.many("x", 3)
	for i := range 3 {
		s.timed("w", fmt.Sprint("x-", i), 100*time.Microsecond)
	}
	s.join("v")
	s.submit("x-10 x-11", "x-10", "x-11")
	if s.load("w") != 1 || s.load("v") != 1 {
		t.Errorf("w has %d, v has %d", s.load("w"), s.load("v"))
	}
}

func TestNoWorkersTimeout(t *testing.T) {
	s := newScript(t, func(c *Config) { c.NoWorkersTimeout, c.WorkerTTL = 10*time.Second, 0 })
	s.submit("p", "p") // parked
	s.wait(9 * time.Second)
	s.expect()
	s.join("w")
	s.submit("q r", "q", "r")
	s.skip()
	s.leave("w")
	s.states("p no-worker", "q queued", "r queued")
	s.wait(5 * time.Second)
	s.expect()
	s.join("v")
	s.skip()
	s.leave("v") // the clock of those that wait begins again
	s.wait(9 * time.Second)
	s.expect()
	s.wait(2 * time.Second)
	s.contains(s.said("c: p erred"), "no worker can run task p", "no worker is connected")
	s.contains(s.said("c: r erred"), "no worker can run task r")
	s.states("p erred", "q erred", "r erred")
}

// What Python sees has the classes and arguments of Dask's exceptions.
func TestNoWorkersTimeoutForPython(t *testing.T) {
	s := newScript(t, func(c *Config) { c.NoWorkersTimeout, c.WorkerTTL = 10*time.Second, 0 })
	d := taskDef("v")
	d.Workers, d.Resources = []string{"tcp://a:1", "box"}, map[string]float64{"GPU": 2}
	s.submit("p v", taskDef("p"), d)
	s.wait(11 * time.Second)
	for k, want := range map[string]string{
		"p": "cdistributed.scheduler\nNoWorkerError\n(Vp\nF10\ntR.",
		"v": "cdistributed.scheduler\nNoValidWorkerError\n(Vv\ncbuiltins\nset\n((lVbox\natRcbuiltins\nset\n((lVtcp://a:1\natR(dVGPU\nF2\nsF10\ntR.",
	} {
		raw := s.m.tasks.Get(wire.StrKey(k)).cause().exception.Raw
		if got, _, err := msgp.ReadBytesZC(raw); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v, want %q", k, got, err, want)
		}
	}
}

func TestAQueueWhoseWorkersLeaveFailsFast(t *testing.T) {
	s := newScript(t)
	s.do(AddWorker{Address: "g", Status: "running", Runtimes: []string{"go"}})
	s.join("w")
	s.submit("a b", goDef("a"), goDef("b"))
	s.states("a processing", "b queued")
	s.wait(2 * time.Second)
	s.skip()
	s.leave("g")
	s.contains(s.said("c: b erred"), "no worker can run task b, which asks for runtime go", "(they serve python)")
	s.contains(s.said("c: a erred"), "task a")
}

func TestAQueueWhoseWorkerMayComeBackWaits(t *testing.T) {
	s := newScript(t, func(c *Config) { c.WorkerTTL = 0 })
	s.do(AddWorker{Address: "g", Status: "running", Runtimes: []string{"go"}})
	s.join("w")
	s.submit("a b", goDef("a"), goDef("b"))
	s.wait(2 * time.Second)
	s.lose("g")
	s.states("a no-worker", "b queued")
	s.wait(goneFor / 2)
	s.states("a no-worker", "b queued")
	s.wait(goneFor)
	s.states("a erred", "b erred")
}

func goDef(text string) wire.TaskDef {
	d := taskDef(text)
	d.Runtime = "go"
	return d
}
