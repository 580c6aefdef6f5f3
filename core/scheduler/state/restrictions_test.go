package state

import (
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// The tests of this file are the rules on restrictions that Dask documents,
// one by one; differences are said where they are.

// both is a task for the workers or hosts that needs n of GPU.
func both(text string, n float64, workers ...string) wire.TaskDef {
	d := restricted(text, workers...)
	d.Resources = wire.Resources{"GPU": n}
	return d
}

// fleet are workers on two hosts, of which the first and the last have a GPU.
func fleet(t *testing.T) *script {
	s := newScript(t, noFailFast)
	for _, w := range []AddWorker{
		{Address: "a", Host: "h1", Resources: map[string]float64{"GPU": 1}},
		{Address: "b", Host: "h1"},
		{Address: "c2", Host: "h2"},
		{Address: "d", Host: "h2", Name: "dora", Resources: map[string]float64{"GPU": 2}},
	} {
		w.NThreads, w.Status = 1, "running"
		s.do(w)
	}
	return s
}

func TestWorkersAndHostsAreUnitedResourcesIntersected(t *testing.T) {
	for name, c := range map[string]struct {
		def  wire.TaskDef
		want string // "": none
	}{
		"address or host":               {restricted("x", "c2", "nowhere"), "c2"},
		"name":                          {restricted("x", "dora"), "d"},
		"resource":                      {needing("x", 2), "d"},
		"worker with resource":          {both("x", 1, "a", "b"), "a"},
		"host with resource":            {both("x", 1, "h2"), "d"},
		"worker and host with resource": {both("x", 2, "a", "h2"), "d"},
		"worker without resource":       {both("x", 1, "b", "c2"), ""},
		"too little of a resource":      {both("x", 2, "a"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := fleet(t)
			s.submit("x", c.def)
			if got := s.where("x"); got != c.want {
				t.Errorf("x runs on %q, want %q", got, c.want)
			}
			if c.want == "" {
				s.states("x no-worker")
			}
		})
	}
}

func TestOnlyRunningWorkersCount(t *testing.T) {
	s := fleet(t)
	s.status("d", "paused")
	s.submit("x", needing("x", 2))
	s.states("x no-worker")
	s.status("d", "running")
	s.states("x processing")
}

// Dask's scheduler looks at what a worker has in all, and sends any number of
// tasks; here one may wait at the worker beyond those that its resources let
// run, and the others wait in the scheduler, for any worker.
func TestCapacityCountsAndOneMoreMayWaitAtTheWorker(t *testing.T) {
	s := newScript(t, sendAll)
	s.do(AddWorker{Address: "w", NThreads: 8, Status: "running", Resources: map[string]float64{"GPU": 2}})
	s.submit("a b c d", needing("a", 1), needing("b", 2), needing("c", 1), needing("d", 1))
	s.states("a processing", "b processing", "c queued", "d queued")
	s.finish("w", "a")
	s.states("b processing", "c queued")
	s.finish("w", "b")
	s.states("c processing", "d processing")
}

// Dask lets a loose task run where its resources are not; here loose speaks of
// the workers only.
func TestLooseIsAPreferenceOfWorkersNotOfResources(t *testing.T) {
	s := fleet(t)
	d := both("x", 1, "b")
	d.AllowOther = true
	s.submit("x", d)
	if got := s.where("x"); got != "a" && got != "d" {
		t.Errorf("x runs on %q, which has no GPU", got)
	}
}

// What a seceded task uses stays in use until it ends, as on the worker.
func TestASecededTaskKeepsItsResources(t *testing.T) {
	s := newScript(t)
	s.do(AddWorker{Address: "w", NThreads: 4, Status: "running", Resources: map[string]float64{"GPU": 1}})
	s.submit("x", needing("x", 1))
	s.secede("w", "x")
	if i, _ := s.m.Worker("w"); i.Used["GPU"] != 1 {
		t.Errorf("in use: %v", i.Used)
	}
	s.finish("w", "x")
	if i, _ := s.m.Worker("w"); i.Used["GPU"] != 0 {
		t.Errorf("in use after the end: %v", i.Used)
	}
}

// A task that waits for what a seceded parent keeps might wait for ever: it goes
// where the resource is free, however busy that worker is.
func TestFreeResourcesArePreferred(t *testing.T) {
	s := newScript(t)
	for _, a := range []string{"a", "b"} {
		s.do(AddWorker{Address: a, NThreads: 4, Status: "running", Resources: map[string]float64{"GPU": 2}})
	}
	at := func(d wire.TaskDef, worker string) wire.TaskDef {
		d.Workers = []string{worker}
		return d
	}
	s.submit("p", at(needing("p", 1), "a"))
	s.secede("a", "p")
	s.submit("m n", at(goDef("m"), "b"), at(goDef("n"), "b"))
	s.submit("child", needing("child", 2))
	if got := s.where("child"); got != "b" {
		t.Errorf("the child waits on %q for what its parent has", got)
	}
	s.submit("light", needing("light", 1))
	if got := s.where("light"); got != "a" {
		t.Errorf("what fits beside the parent is on %q", got)
	}
}

// Dask leaves what nobody can run waiting for ever; with fail-fast it errs
// (TestUnsatisfiableTasksFailWithTheReason), without it waits.
func TestUnsatisfiableTasksWaitWithoutFailFast(t *testing.T) {
	s := fleet(t)
	s.submit("x", needing("x", 99))
	s.wait(time.Hour / 60)
	s.states("x no-worker")
}

func TestWorkersResourcesMayChange(t *testing.T) {
	s := fleet(t)
	s.submit("x y z", needing("x", 5), needing("y", 5), needing("z", 5))
	s.do(SetResources{Worker: "b", Resources: map[string]float64{"GPU": 5, "LICENCE": 1}})
	s.states("x processing", "y queued", "z queued")
	if i, _ := s.m.Worker("b"); i.Resources["GPU"] != 5 || i.Resources["LICENCE"] != 1 || i.Used["GPU"] != 5 {
		t.Errorf("%v of %v in use", i.Used, i.Resources)
	}
	s.do(SetResources{Worker: "b", Resources: map[string]float64{"GPU": 1}})
	s.do(SetResources{Worker: "nobody", Resources: map[string]float64{"GPU": 5}})
	s.states("x processing", "y queued", "z queued")
	s.finish("b", "x")
	s.do(SetResources{Worker: "c2", Resources: map[string]float64{"GPU": 5}})
	if s.where("y") != "c2" {
		t.Errorf("y runs on %q", s.where("y"))
	}
	if i, _ := s.m.Worker("b"); i.Resources["LICENCE"] != 1 || len(i.Used) != 0 {
		t.Errorf("%v of %v in use", i.Used, i.Resources)
	}
}

func TestRestrictionsMayChange(t *testing.T) {
	for name, c := range map[string]struct {
		before func(s *script)
		to     []string
		state  string
		on     string
	}{
		"no-worker to a worker":                 {func(s *script) { s.submit("x", restricted("x", "nobody")) }, []string{"b"}, "processing", "b"},
		"no-worker to all":                      {func(s *script) { s.submit("x", restricted("x", "nobody")) }, nil, "processing", ""},
		"no-worker to another that is not here": {func(s *script) { s.submit("x", restricted("x", "nobody")) }, []string{"neither"}, "no-worker", ""},
		"queued to a free worker":               {func(s *script) { s.submit("q x", restricted("q", "a"), restricted("x", "a")) }, []string{"b"}, "processing", "b"},
		"queued to a full worker": {func(s *script) {
			s.submit("p q x", restricted("p", "b"), restricted("q", "a"), restricted("x", "a"))
		}, []string{"b"}, "queued", ""},
		"waiting": {func(s *script) {
			s.submit("x", "in", restricted("x<-in", "a"))
			s.do(SetRestrictions{Workers: map[wire.Key][]string{ks("x")[0]: {"b"}}})
			s.finish(s.where("in"), "in")
		}, []string{"b"}, "processing", "b"},
		"with a worker": {func(s *script) { s.submit("x", restricted("x", "a")) }, []string{"b"}, "processing", "a"},
		"data":          {func(s *script) { s.scatter("c", "a", "x") }, []string{"b"}, "memory", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := fleet(t)
			c.before(s)
			s.do(SetRestrictions{Workers: map[wire.Key][]string{ks("x")[0]: c.to, ks("unknown")[0]: nil}})
			s.states("x " + c.state)
			if got := s.where("x"); c.on != "" && got != c.on {
				t.Errorf("x runs on %q, want %q", got, c.on)
			}
			if i, _ := s.m.Task(ks("x")[0]); !i.PureData && len(i.Workers) != len(c.to) {
				t.Errorf("restricted to %q", i.Workers)
			}
		})
	}
}
