package state

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// sendAll has workers take all tasks at once, as without a queue.
func sendAll(c *Config) { c.WorkerSaturation = inf }

// uneven has worker w hold four tasks, a to d, and then v join.
func uneven(t *testing.T, change ...func(*Config)) *script {
	t.Helper()
	s := newScript(t, append([]func(*Config){sendAll}, change...)...)
	s.join("w")
	s.submit("a b c d", "a", "b", "c", "d")
	s.join("v")
	s.skip()
	return s
}

// asking is uneven with the request for d under way.
func asking(t *testing.T, change ...func(*Config)) *script {
	t.Helper()
	s := uneven(t, change...)
	s.wait(time.Second)
	s.expect("w: give up d")
	return s
}

func TestAnIdleWorkerGetsWhatABusyOneWouldRunLast(t *testing.T) {
	s := asking(t)
	s.yields("w", "d", "ready")
	s.expect("v: compute d")
	if i, _ := s.m.Task(ks("d")[0]); i.ProcessingOn != "v" || i.RunID != s.run("v", "d").RunID || i.RunID == s.run("w", "d").RunID {
		t.Errorf("d: %+v", i)
	}
	s.wait(time.Second) // v has as much to do as a fair share needs
	s.expect()
	s.finish("v", "d")
	s.skip()
	s.wait(time.Second)
	s.expect("w: give up c")
	s.yields("w", "c", "waiting")
	s.expect("v: compute c")
}

func TestStealingCanBeTurnedOff(t *testing.T) {
	s := uneven(t, func(c *Config) { c.WorkStealing = false })
	s.wait(time.Hour / 60)
	s.expect()
}

func TestStealingKeepsItsInterval(t *testing.T) {
	s := uneven(t, func(c *Config) { c.WorkStealingInterval = 10 * time.Second })
	s.wait(time.Second) // the first tick looks
	s.expect("w: give up d")
	s.yields("w", "d", "ready")
	s.finish("v", "d")
	s.skip()
	s.wait(5 * time.Second)
	s.expect()
	s.wait(5 * time.Second)
	s.expect("w: give up c")
}

// What a victim says, and what is done about it.
func TestAnswersOfVictims(t *testing.T) {
	for state, want := range map[string][]string{
		"ready": {"v: compute d"}, "waiting": {"v: compute d"}, "constrained": {"v: compute d"},
		"executing": nil, "long-running": nil, "memory": nil, "cancelled": nil, "resumed": nil, "error": nil, "new in some version": nil,
		"": {"w: free d", "v: compute d"}, "released": {"w: free d", "v: compute d"}, "forgotten": {"w: free d", "v: compute d"},
	} {
		t.Run(state, func(t *testing.T) {
			s := asking(t)
			s.yields("w", "d", state)
			s.expect(want...)
			s.states("d processing")
			s.yields("w", "d", "ready") // the answer again
			s.expect()
			if n := s.m.Stealing().InFlight; n != 0 {
				t.Errorf("%d in flight", n)
			}
		})
	}
}

// What happens between request and answer, what the machine says then, and what
// it says to the answer that the victim has dropped the task.
func TestEventsBetweenRequestAndAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		event        func(s *script)
		then, answer []string
	}{
		"the thief is lost": {func(s *script) { s.lose("v") }, []string{"w: gone v"}, []string{"w: free d", "w: compute d"}},
		"the thief leaves":  {func(s *script) { s.leave("v") }, []string{"w: gone v"}, []string{"w: free d", "w: compute d"}},
		"the thief is paused": {func(s *script) { s.status("v", "paused") }, nil,
			[]string{"w: free d", "w: compute d"}},
		"another worker has the thief's address": {func(s *script) {
			s.leave("v")
			s.join("v")
		}, []string{"w: gone v"}, []string{"w: free d", "v: compute d"}},
		"the victim is lost": {func(s *script) { s.lose("w") },
			[]string{"v: gone w", "v: compute a", "v: compute b", "v: compute c", "v: compute d"}, nil},
		"the victim comes back": {func(s *script) {
			s.leave("w")
			s.join("w")
		}, []string{"v: gone w", "v: compute a", "v: compute b", "v: compute c", "v: compute d"}, nil},
		"the task ends":    {func(s *script) { s.finish("w", "d") }, []string{"c: d in memory"}, nil},
		"the task fails":   {func(s *script) { s.fail("w", "d") }, []string{"c: d erred: boom d"}, nil},
		"the task secedes": {func(s *script) { s.secede("w", "d") }, nil, nil},
		"the task asks to run elsewhere": {func(s *script) { s.reschedule("w", "d") },
			[]string{"w: free d", "v: compute d"}, nil},
		"the task is released":  {func(s *script) { s.release("d") }, []string{"w: free d"}, nil},
		"the task is cancelled": {func(s *script) { s.do(CancelKeys{Client: "c", Keys: ks("d")}) }, []string{"w: free d", "c: d cancelled: user"}, nil},
		"the task is submitted again": {func(s *script) {
			s.release("d")
			s.submit("d", "d")
		}, []string{"w: free d", "v: compute d"}, nil},
		"the cluster restarts": {func(s *script) { s.do(Restart{}) },
			[]string{"w: free a b c d", "c: restart"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := asking(t)
			c.event(s)
			for i, l := range s.lines {
				if strings.Contains(l, "cancelled: ") {
					s.lines[i] = "c: d cancelled: user"
				}
			}
			s.expect(c.then...)
			s.yields("w", "d", "ready")
			s.expect(c.answer...)
			if n := s.m.Stealing().InFlight; n != 0 {
				t.Errorf("%d in flight", n)
			}
		})
	}
}

func TestOnlyTheVictimsAnswerCounts(t *testing.T) {
	s := asking(t)
	s.yields("v", "d", "ready")
	s.do(StealResponse{Worker: "w", StealResponse: &wire.StealResponse{Key: ks("d")[0], State: "ready", StimulusID: "steal-0"}})
	s.do(StealResponse{Worker: "w", StealResponse: &wire.StealResponse{Key: ks("unknown")[0], State: "ready", StimulusID: "steal-1"}})
	s.do(StealResponse{Worker: "nobody", StealResponse: &wire.StealResponse{Key: ks("d")[0], State: "ready", StimulusID: "steal-1"}})
	s.expect()
	if n := s.m.Stealing().InFlight; n != 1 {
		t.Errorf("%d in flight", n)
	}
}

func TestATaskIsAskedForOnce(t *testing.T) {
	s := asking(t)
	for range 5 {
		s.wait(time.Second)
	}
	s.expect()
}

// Tasks that stay where they are, each alone behind another on worker w.
func TestWhatIsNotStolen(t *testing.T) {
	for name, c := range map[string]struct {
		def   wire.TaskDef
		after func(s *script)
	}{
		"an actor":                   {actorDef("x"), nil},
		"a task that must run there": {onWorker("x", "w"), nil},
		"a task for a resource that the thief lacks": {func() wire.TaskDef {
			d := taskDef("x")
			d.Resources = wire.Resources{"GPU": 1}
			return d
		}(), nil},
		"a long-running task":                           {taskDef("x"), func(s *script) { s.secede("w", "x") }},
		"a task whose inputs take far longer than it":   {taskDef("x<-huge"), nil},
		"a task whose inputs do not fit into the thief": {taskDef("x<-large"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, sendAll)
			s.do(AddWorker{Address: "w", NThreads: 1, Status: "running", Resources: map[string]float64{"GPU": 2}})
			s.do(UpdateData{Client: "c", WhoHas: wire.KeyAddresses{{Key: "huge", Addresses: []string{"w"}}, {Key: "large", Addresses: []string{"w"}}},
				Nbytes: wire.KeySizes{{Key: ks("huge")[0], Nbytes: 1e12}, {Key: ks("large")[0], Nbytes: 1e6}}})
			s.submit("a b x", onWorker("a", "w"), onWorker("b", "w"), c.def)
			if c.after != nil {
				c.after(s)
			}
			s.do(AddWorker{Address: "v", NThreads: 1, Status: "running", MemoryLimit: 1e5})
			s.skip()
			s.wait(time.Second)
			s.expect()
		})
	}
}

func TestQueuedTasksAreNotStolen(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("a b c", onWorker("a", "w"), onWorker("b", "w"), onWorker("c", "w"))
	s.states("b queued", "c queued")
	s.join("v")
	s.skip()
	s.wait(time.Second)
	s.expect()
}

// A worker was sent tasks ahead because they are known to be tiny; then one of
// them is not, and holds up the others.
func TestTasksSentAheadAreStolen(t *testing.T) {
	s := newScript(t)
	s.join("w")
	for i := range 20 {
		k := fmt.Sprintf("x-%d", i)
		s.submit(k, k)
		s.timed("w", k, 10*time.Microsecond)
	}
	s.submit("x-100 x-101 x-102", "x-100", "x-101", "x-102")
	s.states("x-100 processing", "x-101 processing", "x-102 processing")
	s.join("v")
	s.do(Heartbeat{Address: "w", Executing: []KeyDuration{{Key: ks("x-100")[0], Seconds: 5}}})
	s.skip()
	s.wait(time.Second)
	s.expect("w: give up x-101", "w: give up x-102") // the tiny ones, both: they take v no time
	s.yields("w", "x-101", "ready")
	s.yields("w", "x-102", "ready")
	s.expect("v: compute x-101", "v: compute x-102")
}

// All that a paused worker has not begun may go: it would not begin it.
func TestAPausedWorkerGivesItsTasksUp(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	s.submit("a", loosely(onWorker("a", "w")))
	s.status("w", "paused")
	s.skip()
	s.wait(time.Second)
	s.expect("w: give up a")
	s.yields("w", "a", "ready")
	s.expect("v: compute a")
}

func TestALoosePreferenceHoldsForThieves(t *testing.T) {
	s := newScript(t, sendAll)
	s.join("w")
	d := loosely(onWorker("d", "u"))
	s.submit("a b d", "a", "b", d)
	s.join("v", "u")
	s.skip()
	s.wait(time.Second)
	s.expect("w: give up d", "w: give up b")
	s.yields("w", "d", "ready")
	s.yields("w", "b", "ready")
	s.expect("u: compute d", "v: compute b")
}

func TestResourcesOfATaskGoWithIt(t *testing.T) {
	s := newScript(t, sendAll)
	gpu := map[string]float64{"GPU": 2}
	s.do(AddWorker{Address: "w", NThreads: 1, Status: "running", Resources: gpu})
	defs := []any{}
	for _, k := range []string{"a", "b"} {
		d := taskDef(k)
		d.Resources = wire.Resources{"GPU": 1}
		defs = append(defs, d)
	}
	s.submit("a b", defs...)
	s.do(AddWorker{Address: "v", NThreads: 1, Status: "running", Resources: gpu})
	s.skip()
	s.wait(time.Second)
	s.yields("w", "b", "constrained")
	s.expect("w: give up b", "v: compute b")
	w, _ := s.m.Worker("w")
	v, _ := s.m.Worker("v")
	if w.Used["GPU"] != 1 || v.Used["GPU"] != 1 {
		t.Errorf("in use: %v and %v", w.Used, v.Used)
	}
}

func TestStealLevels(t *testing.T) {
	for _, c := range []struct {
		name    string
		nbytes  int64
		runs    time.Duration
		level   int
		noInput bool
	}{
		{"no inputs", 0, time.Microsecond, 0, true},
		{"a long run", 0, time.Hour, 1, false},
		{"latency against half a second", 0, 500 * time.Millisecond, 4, false},       // 0.1/0.5: -2.3
		{"as long as its transfer", 40e6, 500 * time.Millisecond, 6, false},          // 0.5/0.5
		{"twice as long to transfer", 90e6, 500 * time.Millisecond, 7, false},        // 1/0.5
		{"the last level", 0, time.Duration(float64(time.Second) / 2560), 14, false}, // 2^8
		{"too dear", 0, time.Second / 5120, -1, false},
		{"no time at all", 8, 0, -1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, sendAll)
			s.join("w")
			s.submit("x-1", "x-1")
			s.timed("w", "x-1", c.runs)
			s.do(UpdateData{Client: "c", WhoHas: wire.KeyAddresses{{Key: ks("in")[0], Addresses: []string{"w"}}},
				Nbytes: wire.KeySizes{{Key: ks("in")[0], Nbytes: c.nbytes}}})
			def := "x-2<-in"
			if c.noInput {
				def = "x-2"
			}
			s.submit("x-2", def)
			if got := s.m.stealLevel(s.m.tasks.Get(ks("x-2")[0])); got != c.level {
				t.Errorf("level %d, want %d", got, c.level)
			}
		})
	}
	for level, want := range map[int]float64{0: 1, 1: 1 + 1.0/32, 6: 2, 14: 257} {
		if got := StealMultiplier(level); math.Abs(got-want) > 1e-12 {
			t.Errorf("multiplier of level %d is %v", level, got)
		}
	}
}

func TestRequestsAreCountedByLevel(t *testing.T) {
	s := asking(t)
	got := s.m.Stealing()
	if got.Requests[0] != 1 || got.Cost[0] != 0.5 || got.InFlight != 1 {
		t.Errorf("%+v", got)
	}
	s.yields("w", "d", "executing")
	if got := s.m.Stealing(); got.Requests[0] != 1 || got.InFlight != 0 {
		t.Errorf("%+v", got)
	}
}

// Tasks with inputs that are dear to move stay where cheap ones are.
func TestCheapMovesComeFirst(t *testing.T) {
	s := newScript(t, sendAll)
	s.join("w")
	s.scatter("c", "w", "in")
	s.submit("a b c", "a", "b", "c<-in")
	s.join("v")
	s.skip()
	s.wait(time.Second)
	s.expect("w: give up b")
}

// One look costs a bounded effort, however many tasks there are.
func TestALookAtManyTasksIsBounded(t *testing.T) {
	s := newScript(t, sendAll, func(c *Config) { c.Validate = false })
	s.join("w")
	u := UpdateGraph{Client: "c"}
	for i := range 3 * stealDepth {
		k := wire.StrKey(fmt.Sprint("x-", i))
		u.Keys = append(u.Keys, k)
		u.Tasks = append(u.Tasks, wire.TaskDef{Key: k, RunSpec: wire.StringOpaque("f"), Order: int64(i)})
	}
	s.do(u)
	s.do(AddWorker{Address: "v", NThreads: 10 * stealDepth, Status: "running"})
	s.skip()
	s.wait(time.Second)
	if n := s.m.Stealing().InFlight; n != stealDepth {
		t.Errorf("%d requests, want %d", n, stealDepth)
	}
}
