package state

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// times are what sentences say of the script's clock.
var times = regexp.MustCompile(`since [-0-9T:]+Z \([0-9a-z.]+\)`)

// explanations are cases of TestExplain: why x does not run; T stands for a time.
var explanations = map[string]struct {
	before func(s *script)
	want   []string
}{
	"unknown": {func(*script) {}, []string{"x is unknown: it was never submitted, or forgotten longer ago than the scheduler remembers"}},
	"forgotten": {func(s *script) { s.submit("x", "x"); s.release("x") },
		[]string{"x is forgotten T, by client-releases-keys: nobody wanted it any more, or an input that cannot be made again is gone; submit it again"}},
	"released": {func(s *script) { s.join("w"); s.submit("y", "x", "y<-x"); s.finish("w", "x"); s.finish("w", "y") },
		[]string{"x is released T: no client wants it and no task that is to run needs it"}},
	"waiting for what is processing": {func(s *script) { s.join("w"); s.submit("x", "a", "b", "x<-a,b"); s.finish("w", "a") },
		[]string{"x waits T for 1 of its 2 inputs: b", "b is processing on w T, with 0 other tasks for 1 threads"}},
	"waiting for many": {func(s *script) { s.join("w"); s.submit("x", "a", "b", "d", "e", "x<-a,b,d,e") }, []string{
		"x waits T for 4 of its 4 inputs: a, b, d and 1 more",
		"a is processing on w T, with 0 other tasks for 1 threads",
		"b is ready, and queued T behind 0 tasks that ask for the same: the 1 running workers that may run it take no more now",
		"d is ready, and queued T behind 1 tasks that ask for the same: the 1 running workers that may run it take no more now",
	}},
	"waiting in a chain": {func(s *script) { s.submit("x", "a", "b<-a", "x<-b") }, []string{
		"x waits T for 1 of its 1 inputs: b", "b waits T for 1 of its 1 inputs: a",
		"a has no worker T: it asks for runtime python, and no worker is connected",
		"a fails if no worker for it joins",
	}},
	"queued": {func(s *script) { s.join("w"); s.submit("a b c x", "a", "b", "c", "x") },
		[]string{"x is ready, and queued T behind 2 tasks that ask for the same: the 1 running workers that may run it take no more now"}},
	"queued for a resource": {func(s *script) {
		s.do(AddWorker{Address: "w", NThreads: 8, Status: "running", Resources: map[string]float64{"GPU": 1}})
		s.submit("a b x", needing("a", 1), needing("b", 1), needing("x", 1))
		s.states("x queued")
	}, []string{
		"x is ready, and queued T behind 1 tasks that ask for the same: the 1 running workers that may run it take no more now",
		"1 of these workers have a slot for x, but other tasks take what it asks for: runtime python, resource GPU >= 1",
	}},
	"queued, and a worker paused": {func(s *script) { s.join("w", "v"); s.status("v", "paused"); s.submit("a x", "a", "x") }, []string{
		"x is ready, and queued T behind 0 tasks that ask for the same: the 1 running workers that may run it take no more now",
		"worker v could run x, but is paused",
	}},
	"no worker with the runtime": {func(s *script) { s.join("w"); s.submit("x", goDef("x")) }, []string{
		"x has no worker T: it asks for runtime go, and of 1 workers 0 serve the runtime go (they serve python)", "x fails if no worker for it joins"}},
	"no worker with the resource": {func(s *script) { s.join("w"); s.submit("x", needing("x", 2)) }, []string{
		"x has no worker T: it asks for runtime python, resource GPU >= 2, and of 1 workers 1 serve the runtime python, 0 have the resources",
		"x fails if no worker for it joins"}},
	"no worker of the name": {func(s *script) { s.join("w"); s.submit("x", restricted("x", "nobody")) }, []string{
		`x has no worker T: it asks for runtime python, one of the workers or hosts ["nobody"], and of 1 workers 1 serve the runtime python, 0 are among ["nobody"]`,
		"x fails if no worker for it joins"}},
	"the only worker is paused": {func(s *script) { s.join("w"); s.status("w", "paused"); s.submit("x", "x") }, []string{
		"x has no worker T: it asks for runtime python, and of 1 workers 1 serve the runtime python",
		"worker w could run x, but is paused"}},
	"processing": {func(s *script) { s.join("w"); s.submit("x", "x") }, []string{"x is processing on w T, with 0 other tasks for 1 threads"}},
	"processing on a paused, silent worker": {func(s *script) { s.join("w"); s.submit("x", "x"); s.status("w", "paused"); s.wait(time.Minute) }, []string{
		"x is processing on w T, with 0 other tasks for 1 threads",
		"worker w is paused: unless x has begun there, it does not begin now", "worker w is silent T"}},
	"executing": {func(s *script) {
		s.join("w")
		s.submit("x", "x")
		s.do(Heartbeat{Address: "w", Executing: []KeyDuration{{ks("x")[0], 2.5}}})
	}, []string{"x is processing on w T, with 0 other tasks for 1 threads", "worker w said 0s ago that it had been executing x for 2.5s"}},
	"assigned, but others execute": {func(s *script) {
		s.m.c.WorkerSaturation = 2
		s.join("w")
		s.submit("a x", "a", "x")
		s.do(Heartbeat{Address: "w", Executing: []KeyDuration{{ks("a")[0], 2.5}}})
	}, []string{"x is processing on w T, with 1 other tasks for 1 threads", "worker w said 0s ago that it executed 1 other tasks, not x"}},
	"unlike all others": {func(s *script) { s.submit("count-words", "count-words") },
		[]string{"x is unknown: it was never submitted, or forgotten longer ago than the scheduler remembers"}},
	"seceded": {func(s *script) { s.join("w"); s.submit("x", "x"); s.secede("w", "x") },
		[]string{"x runs on w T, seceded: it has no slot and may itself wait for other tasks"}},
	"being stolen": {func(s *script) {
		s.join("w", "v")
		s.submit("x", loosely(onWorker("x", "w")))
		s.status("w", "paused")
		s.wait(time.Second)
	}, []string{
		"x is processing on w T, with 0 other tasks for 1 threads", "worker w was asked to give x up to v, and has not answered",
		"worker w is paused: unless x has begun there, it does not begin now"}},
	"after deaths of workers": {func(s *script) { s.join("w", "v"); s.submit("x", onWorker("x", "w")); s.lose("w"); s.join("w") }, []string{
		"x is processing on w T, with 0 other tasks for 1 threads", "x was running on 1 workers that died; more than 3 make it fail"}},
	"in memory":       {func(s *script) { ends(s); s.join("v"); s.replica("v", "x") }, []string{"x is done T: its result is in memory on w, v"}},
	"erred":           {fails, []string{"x is erred T: boom x"}},
	"an input failed": {func(s *script) { s.join("w"); s.submit("x", "a", "x<-a"); s.fail("w", "a") }, []string{"x is erred T because its input a is: boom a"}},
}

func TestExplain(t *testing.T) {
	for name, c := range explanations {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			c.before(s)
			got := s.m.Explain(ks("x")[0])
			for i := range got {
				got[i] = times.ReplaceAllString(got[i], "T")
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(c.want, "\n  "))
			}
		})
	}
}

func TestExplanationsTellTimes(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	s.wait(90 * time.Second)
	got := s.m.Explain(ks("x")[0])
	if want := "x is processing on w since 2001-09-09T01:46:40Z (1m30.001s), with 0 other tasks for 1 threads"; got[0] != want {
		t.Errorf("got  %s\nwant %s", got[0], want)
	}
	quiet := newScript(t, func(c *Config) { c.TransitionLogLength = 1 })
	quiet.join("w")
	quiet.submit("x y", "x", "y") // story has forgotten x
	if got := quiet.m.Explain(ks("x")[0])[0]; strings.Contains(got, "since") {
		t.Errorf("got %s", got)
	}
}

func TestExplanationsAreBounded(t *testing.T) {
	s := newScript(t)
	defs := []any{"t-0"}
	for i := range 100 {
		defs = append(defs, fmt.Sprintf("t-%d<-t-%d", i+1, i))
	}
	s.submit("t-100", defs...)
	if n := len(s.m.Explain(ks("t-100")[0])); n != explained {
		t.Errorf("%d sentences, want %d", n, explained)
	}
}

// Every event that moves tasks is named in story, and found by its name or id.
func TestStoryByStimulus(t *testing.T) {
	for want, events := range map[string]func(s *script){
		"update-graph":  func(s *script) { s.submit("x", "x") },
		"add-worker":    func(s *script) { s.submit("x", "x"); s.join("w") },
		"task-finished": ends, "task-erred": fails,
		"remove-worker":        func(s *script) { runs(s); s.lose("w") },
		"worker-status-change": func(s *script) { s.submit("x", "x"); s.do(AddWorker{Address: "w"}); s.status("w", "running") },
		"long-running":         func(s *script) { full(s); s.secede("w", "a") },
		"reschedule":           func(s *script) { runs(s); s.reschedule("w", "x") },
		"steal-1": func(s *script) {
			s.join("w", "v")
			s.submit("x", loosely(onWorker("x", "w")))
			s.status("w", "paused")
			s.wait(time.Second)
			s.yields("w", "x", "ready")
		},
		"steal-response": func(s *script) {
			s.join("w", "v")
			s.submit("x", loosely(onWorker("x", "w")))
			s.status("w", "paused")
			s.wait(time.Second)
			s.asked["x"].StimulusID = ""
			for _, q := range s.m.steals {
				q.id = ""
			}
			s.yields("w", "x", "ready")
		},
		"client-desires-keys": func(s *script) {
			s.join("w")
			s.submit("y", "x", "y<-x")
			s.finish("w", "x")
			s.finish("w", "y")
			s.do(ClientDesiresKeys{Client: "c", Keys: ks("x")})
		},
		"client-releases-keys": func(s *script) { runs(s); s.release("x") },
		"cancel-keys":          func(s *script) { runs(s); s.do(CancelKeys{Client: "c", Keys: ks("x")}) },
		"remove-client":        func(s *script) { runs(s); s.do(RemoveClient{ID: "c"}) },
		"retry-keys":           func(s *script) { fails(s); s.do(RetryKeys{Client: "c", Keys: ks("x")}) },
		"update-data":          func(s *script) { s.join("w"); s.scatter("c", "w", "x") },
		"missing-data":         func(s *script) { ends(s); s.do(MissingData{Worker: "w", Keys: ks("x")}) },
		"release-worker-data": func(s *script) {
			ends(s)
			s.do(ReleaseWorkerData{Worker: "w", ReleaseWorkerData: &wire.ReleaseWorkerData{Key: ks("x")[0]}})
		},
		"set-resources": func(s *script) {
			s.join("w")
			s.submit("x", needing("x", 1))
			s.do(SetResources{"w", map[string]float64{"GPU": 1}})
		},
		"set-restrictions": func(s *script) {
			s.join("w")
			s.submit("x", restricted("x", "v"))
			s.do(SetRestrictions{Workers: map[wire.Key][]string{ks("x")[0]: nil}})
		},
		"restart": func(s *script) { runs(s); s.do(Restart{}) },
		"tick":    func(s *script) { s.join("w"); s.submit("x", restricted("x", "v")); s.wait(time.Hour) },
	} {
		t.Run(want, func(t *testing.T) {
			s := newScript(t)
			events(s)
			got := s.m.Story(wire.StrKey(want))
			if len(s.last) == 0 || len(got) < len(s.last) || !slices.Equal(got[len(got)-len(s.last):], s.last) {
				t.Errorf("found %v, the last event caused %v", got, s.last)
			}
			for _, l := range s.m.Story() {
				if l.Stimulus == "" {
					t.Errorf("%v has no reason", l)
				}
			}
		})
	}
}

func TestExplainNamesTheKeyThatWasMeant(t *testing.T) {
	s := newScript(t)
	s.submit("count-words", "count-words")
	if got := s.m.Explain(wire.StrKey("count-wrods")); len(got) != 1 || !strings.HasSuffix(got[0], `; did you mean "count-words"?`) {
		t.Error(got)
	}
}
