package state

import (
	"strings"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// guarded is a script with a watchdog that speaks after a minute.
func guarded(t *testing.T) *script {
	t.Helper()
	return newScript(t, func(c *Config) { c.Watchdog, c.WorkStealing, c.WorkerTTL = time.Minute, false, 0 })
}

// pass lets time pass with ticks and, unless it is nil, a heartbeat of each
// worker before each tick.
func (s *script) pass(d time.Duration, beat map[string][]KeyDuration) (alarms []Alarm) {
	s.t.Helper()
	for end := s.now.Add(d); s.now.Before(end); {
		s.now = s.now.Add(5 * time.Second)
		for w, executing := range beat {
			for i := range executing {
				executing[i].Seconds += 5
			}
			s.m.Apply(s.now, Heartbeat{Address: w, Executing: executing})
		}
		s.m.Apply(s.now, Tick{})
		alarms = append(alarms, s.m.Take().Alarms...)
	}
	return alarms
}

func executes(keys ...string) (r []KeyDuration) {
	for _, k := range ks(keys...) {
		r = append(r, KeyDuration{Key: k})
	}
	return r
}

// dogs are what the watchdog must say: part of its reason, or nothing.
var dogs = map[string]struct {
	before func(s *script) map[string][]KeyDuration
	want   string
}{
	"a lost task": {func(s *script) map[string][]KeyDuration {
		s.join("w")
		s.submit("x", "x")
		return map[string][]KeyDuration{"w": nil}
	}, "worker w executes 0 tasks on 1 threads, but not this one"},
	"a paused worker": {func(s *script) map[string][]KeyDuration {
		s.join("w")
		s.submit("x", "x")
		s.status("w", "paused")
		return map[string][]KeyDuration{"w": nil}
	}, "worker w is paused and has not begun it"},
	"a frozen worker": {func(s *script) map[string][]KeyDuration {
		s.join("w")
		s.submit("x", "x")
		return nil
	}, "worker w has sent no heartbeat since"},
	"a task that executes": {func(s *script) map[string][]KeyDuration {
		s.join("w")
		s.submit("x", "x")
		return map[string][]KeyDuration{"w": executes("x")}
	}, ""},
	"a task behind a long one": {func(s *script) map[string][]KeyDuration {
		s.m.c.WorkerSaturation = 2
		s.join("w")
		s.submit("a x", "a", "x")
		s.states("a processing", "x processing")
		return map[string][]KeyDuration{"w": executes("a")}
	}, ""},
	"a task that seceded": {func(s *script) map[string][]KeyDuration {
		s.join("w")
		s.submit("x", "x")
		s.secede("w", "x")
		return map[string][]KeyDuration{"w": nil}
	}, ""},
	"a task that has no worker": {func(s *script) map[string][]KeyDuration { s.submit("x", "x"); return nil }, ""},
	"a task queued behind another": {func(s *script) map[string][]KeyDuration {
		s.join("w")
		s.submit("a x", "a", "x")
		s.states("x queued")
		return map[string][]KeyDuration{"w": executes("a")}
	}, ""},
	"a task that waits for one that executes": {func(s *script) map[string][]KeyDuration {
		s.join("w")
		s.submit("x", "a", "x<-a")
		return map[string][]KeyDuration{"w": executes("a")}
	}, ""},
	"a run far longer than the ones before": {func(s *script) map[string][]KeyDuration {
		s.join("w")
		s.submit("x-1", "x-1")
		s.timed("w", "x-1", time.Second)
		s.submit("x-2", "x-2")
		return map[string][]KeyDuration{"w": executes("x-2")}
	}, `the longest run of "x" before lasted 1s`},
	"a run that is not far longer": {func(s *script) map[string][]KeyDuration {
		s.join("w")
		s.submit("x-1", "x-1")
		s.timed("w", "x-1", time.Hour)
		s.submit("x-2", "x-2")
		return map[string][]KeyDuration{"w": executes("x-2")}
	}, ""},
}

func TestWatchdog(t *testing.T) {
	for name, c := range dogs {
		t.Run(name, func(t *testing.T) {
			s := guarded(t)
			beat := c.before(s)
			early := s.pass(50*time.Second, beat)
			alarms := s.pass(10*time.Minute, beat)
			if len(early) > 0 {
				t.Errorf("it speaks too early: %+v", early)
			}
			if c.want == "" && len(alarms) > 0 {
				t.Fatalf("false alarm: %s", alarms[0].Reason)
			}
			if c.want == "" {
				return
			}
			if len(alarms) != 1 { // once, not at every look
				t.Fatalf("%d alarms", len(alarms))
			}
			a := alarms[0]
			if !strings.Contains(a.Reason, c.want) || a.Stuck == strings.Contains(c.want, "longest") {
				t.Errorf("%+v", a)
			}
			if len(a.Story) == 0 || len(a.Explain) == 0 || a.Task.State != Processing {
				t.Errorf("an alarm without its story: %+v", a)
			}
		})
	}
}

// TestWatchdogSeesDefects: states that the machine should never be in.
func TestWatchdogSeesDefects(t *testing.T) {
	for name, c := range map[string]struct {
		breaks func(s *script)
		want   string
	}{
		"inputs that nobody makes": {func(s *script) {
			s.submit("x", "a", "x<-a")
			s.m.c.Validate = false
			s.m.tasks.Get(wire.StrKey("a")).state = Released
		}, "it waits for a, which is released: nobody makes it"},
		"inputs that are all there": {func(s *script) {
			s.join("w")
			s.submit("x", "a", "x<-a")
			s.m.c.Validate = false
			s.m.tasks.Get(wire.StrKey("a")).state = Memory
		}, "all of its inputs are in memory, but it still waits"},
		"room for a queued task": {func(s *script) {
			s.m.c.Validate = false
			s.join("w")
			s.submit("a x", "a", "x")
			s.states("x queued")
			s.m.workers["w"].slots = 2
			s.m.refresh(s.m.workers["w"])
			s.m.ready = nil
		}, ""}, // the next event starts it: the watchdog has nothing to say
	} {
		t.Run(name, func(t *testing.T) {
			s := guarded(t)
			c.breaks(s)
			alarms := s.pass(3*time.Minute, map[string][]KeyDuration{"w": executes("a")})
			if c.want == "" {
				if len(alarms) > 0 {
					t.Errorf("%+v", alarms)
				}
				return
			}
			if len(alarms) != 1 || alarms[0].Reason != c.want || alarms[0].Task.Key != wire.StrKey("x") {
				t.Errorf("%+v", alarms)
			}
		})
	}
}

// TestWatchdogSeesTasksThatNobodyStarts looks without the rest of an event, which
// would start them.
func TestWatchdogSeesTasksThatNobodyStarts(t *testing.T) {
	s := guarded(t)
	s.m.c.Validate = false
	s.submit("p", "p")
	s.join("w")
	s.submit("a b", "a", goDef("b"))
	s.states("p processing", "a queued", "b no-worker")
	s.m.workers["w"].slots = 9
	s.m.refresh(s.m.workers["w"])
	s.m.workers["w"].reg.Runtimes = []string{"python", "go"}
	s.m.watch()
	for range 20 {
		s.m.now = s.m.now.Add(6 * time.Second)
		s.m.watch()
	}
	said := map[string]string{}
	for _, a := range s.m.Take().Alarms {
		said[a.Task.Key.String()] = a.Reason
	}
	if !strings.Contains(said["a"], "worker w has room for it, but it stays queued") ||
		!strings.Contains(said["b"], "worker w may run it, but it counts as one that no worker may run") {
		t.Errorf("%v", said)
	}
}

func TestWatchdogForgetsWhatGoesOn(t *testing.T) {
	s := guarded(t)
	s.join("w")
	s.submit("x", "x")
	idle, busy := map[string][]KeyDuration{"w": nil}, map[string][]KeyDuration{"w": executes("x")}
	for range 4 { // never for a whole minute
		if a := append(s.pass(45*time.Second, idle), s.pass(10*time.Second, busy)...); len(a) > 0 {
			t.Fatalf("%+v", a)
		}
	}
	s.pass(30*time.Second, idle)
	s.now = s.now.Add(time.Hour) // this process was stopped
	if a := s.pass(45*time.Second, idle); len(a) > 0 {
		t.Errorf("after a pause of the process: %+v", a)
	}
	if a := s.pass(45*time.Second, idle); len(a) != 1 {
		t.Errorf("%d alarms", len(a))
	}
	s.finish("w", "x")
	if s.pass(time.Minute, idle); len(s.m.dog.suspects) > 0 {
		t.Error("the watchdog keeps tasks that are done")
	}
}

func TestWatchdogOff(t *testing.T) {
	s := guarded(t)
	s.m.c.Watchdog = 0
	s.join("w")
	s.submit("x", "x")
	if a := s.pass(10*time.Minute, nil); len(a) > 0 {
		t.Errorf("%+v", a)
	}
}
