package state

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// killer has task x run on workers that are lost, one after the other.
func killer(s *script, deaths int) {
	s.t.Helper()
	for i := range deaths {
		a := fmt.Sprintf("w%d", i+1)
		s.do(AddWorker{Address: a, NThreads: 1, Status: "running", Pid: 100 + i})
		s.run(a, "x")
		s.skip()
		s.lose(a)
	}
}

func TestTheFourthDeathIsTheTasks(t *testing.T) {
	s := newScript(t)
	s.submit("x y", "x", "y<-x")
	killer(s, 3)
	if i, _ := s.m.Task(ks("x")[0]); i.State != NoWorker || i.Suspicious != 3 {
		t.Fatalf("%v after %d deaths", i.State, i.Suspicious)
	}
	s.do(AddWorker{Address: "w4", Status: "running"})
	s.skip()
	s.lose("w4")
	told := s.said("c: x erred")
	s.contains(told, "KilledWorker", "x was running on 4 workers", "the 3 that allowed-failures permits", "the last one was w4",
		"w1: lost; no supervisor", "w4: lost")
	if s.said("c: y erred") != strings.Replace(told, "c: x", "c: y", 1) {
		t.Error("y was not told the reason of x")
	}
	i, _ := s.m.Task(ks("x")[0])
	if p := i.Exception.Text(); !strings.HasPrefix(p, "cdistributed.scheduler\nKilledWorker\n(Vx\nctypes\nSimpleNamespace\n(tR(dVaddress\nVw4\nsbI3\ntR.") {
		t.Errorf("pickled %q", p)
	}
	if p := s.m.Prefixes(); p[0].Name != "x" || p[0].Suspicious != 4 {
		t.Errorf("prefix %+v", p[0])
	}
}

func TestARetryForgivesDeaths(t *testing.T) {
	s := newScript(t, func(c *Config) { c.AllowedFailures = 0 })
	s.submit("x", "x")
	killer(s, 1)
	s.states("x erred")
	s.do(RetryKeys{Client: "c", Keys: ks("x")})
	if i, _ := s.m.Task(ks("x")[0]); i.Suspicious != 0 || i.State != NoWorker {
		t.Fatalf("%v after %d deaths", i.State, i.Suspicious)
	}
	s.do(AddWorker{Address: "v", Status: "running"})
	s.skip()
	s.lose("v")
	if told := s.said("c: x erred"); strings.Contains(told, "w1") {
		t.Errorf("a forgiven death is told again: %s", told)
	}
}

func TestExpectedRemovalsCountNothing(t *testing.T) {
	s := newScript(t, func(c *Config) { c.AllowedFailures = 0 })
	s.submit("x", "x")
	s.join("w")
	s.leave("w")
	s.leave("w") // twice
	if i, _ := s.m.Task(ks("x")[0]); i.State != NoWorker || i.Suspicious != 0 {
		t.Fatalf("%v after %d deaths", i.State, i.Suspicious)
	}
}

func TestTasksThatDidNotRunAreNotSuspicious(t *testing.T) {
	s := newScript(t, func(c *Config) { c.AllowedFailures = 0 })
	s.join("w")
	s.submit("x q y d", "x", "q", "d<-x", "y<-q")
	s.lose("w")
	s.states("x erred", "d erred", "q queued", "y waiting")
}

func TestManyAllowedFailuresStillEnd(t *testing.T) {
	s := newScript(t, func(c *Config) { c.AllowedFailures = 1000 })
	s.submit("x", "x")
	killer(s, 254)
	s.states("x no-worker")
	s.do(AddWorker{Address: "last", Status: "running"})
	s.skip()
	s.lose("last")
	s.contains(s.said("c: x erred"), "running on 255 workers", "the 254 that allowed-failures permits")
}

// What a supervisor knows comes before or after the stream's end, with the
// worker's address or with its process id only.
func TestKilledWorkerTellsHowTheWorkersEnded(t *testing.T) {
	const last, lost = 4, "lost; no supervisor has reported"
	oom := WorkerExit{Signal: "SIGKILL", OOM: true, LastLog: []string{"line 1", "line 2"}}
	const story = "ended by signal SIGKILL, out of memory; its last lines:\n  line 1\n  line 2"
	for name, c := range map[string]struct {
		exit  func(e WorkerExit) WorkerExit
		first bool // before RemoveWorker
		want  string
	}{
		"after, by address":     {func(e WorkerExit) WorkerExit { e.Address = "w1"; return e }, false, "w1: " + story},
		"after, by process":     {func(e WorkerExit) WorkerExit { e.Pid = 100; return e }, false, "w1: " + story},
		"before, by address":    {func(e WorkerExit) WorkerExit { e.Address = "w1"; return e }, true, "w1: " + story},
		"before, by process":    {func(e WorkerExit) WorkerExit { e.Pid = 100; return e }, true, "w1: " + story},
		"of another address":    {func(e WorkerExit) WorkerExit { e.Address = "v"; return e }, false, "w1: " + lost},
		"of another process":    {func(e WorkerExit) WorkerExit { e.Pid = 99; return e }, true, "w1: " + lost},
		"of nobody":             {func(e WorkerExit) WorkerExit { return e }, false, "w1: " + lost},
		"an exit code":          {func(WorkerExit) WorkerExit { return WorkerExit{Address: "w1", ExitCode: 3} }, false, "w1: exit code 3"},
		"the address counts":    {func(e WorkerExit) WorkerExit { e.Address, e.Pid = "w1", 77; return e }, true, "w1: " + story},
		"the address counts II": {func(e WorkerExit) WorkerExit { e.Address, e.Pid = "v", 100; return e }, false, "w1: " + lost},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, func(c *Config) { c.AllowedFailures = 1 })
			s.submit("x", "x")
			s.do(AddWorker{Address: "w1", Status: "running", Pid: 100})
			if c.first {
				s.do(c.exit(oom))
			}
			s.lose("w1")
			if !c.first {
				s.do(c.exit(oom))
			}
			s.do(AddWorker{Address: "w2", Status: "running", Pid: 200})
			s.skip()
			s.lose("w2")
			s.contains(s.said("c: x erred"), c.want, "w2: "+lost)
		})
	}
}

func TestTheFirstReportOfADeathCounts(t *testing.T) {
	s := newScript(t, func(c *Config) { c.AllowedFailures = 1 })
	s.submit("x", "x")
	killer(s, 1)
	s.do(WorkerExit{Address: "w1", Pid: 8, ExitCode: 1})
	s.do(WorkerExit{Address: "w1", Pid: 9, ExitCode: 2}) // another process that had the address
	s.do(AddWorker{Address: "w2", Status: "running"})
	s.skip()
	s.lose("w2")
	s.contains(s.said("c: x erred"), "w1: exit code 1")
}

// Exits of workers that were asked to end tell nothing about the next worker
// at the address, and do not fill the room for those that matter.
func TestExpectedExitsAreNotKept(t *testing.T) {
	s := newScript(t, func(c *Config) { c.AllowedFailures = 0 })
	for i := range 2 * keptGone {
		a := fmt.Sprintf("e%d", i)
		s.join(a)
		s.leave(a)
		s.do(WorkerExit{Address: a, ExitCode: 7})
	}
	s.submit("x", "x")
	s.do(AddWorker{Address: "e0", Status: "running"})
	s.skip()
	s.lose("e0")
	s.contains(s.said("c: x erred"), "e0: lost; no supervisor")
	s.release("x")
	s.submit("y", "y")
	s.do(AddWorker{Address: "w", Status: "running"})
	s.do(WorkerExit{Address: "w", ExitCode: 5})
	s.skip()
	s.lose("w")
	s.contains(s.said("c: y erred"), "w: exit code 5")
}

func TestOnlyTheLatestLossesAreRemembered(t *testing.T) {
	s := newScript(t, func(c *Config) { c.AllowedFailures = 254 })
	s.submit("x", "x")
	killer(s, keptGone+5)
	if n := len(s.m.gone); n != keptGone {
		t.Fatalf("%d lost workers are remembered", n)
	}
	if first := s.m.gone[0].address; first != "w6" {
		t.Errorf("the oldest one is %s", first)
	}
}

func TestKilledWorkerTellsItsDeathsAsData(t *testing.T) {
	s := newScript(t, func(c *Config) { c.AllowedFailures = 1 })
	s.submit("x y", "x", "y<-x")
	for _, a := range []string{"tcp://h1:1", "tcp://h2:2"} {
		s.do(AddWorker{Address: a, Name: "name-" + a[6:8], Host: a[6:8], Status: "running"})
		s.do(RemoveWorker{Address: a})
		s.do(WorkerExit{Address: a, ExitCode: 3, Signal: "SIGKILL", OOM: true, LastLog: []string{"last"}})
	}
	for _, k := range ks("x", "y") { // asked again, it tells what was reported since
		s.m.Apply(s.now, ReportKey{Client: "c", Key: k})
		m, ok := s.m.Take().ToClients[0].Msg.(*wire.TaskErred)
		want := []wire.WorkerDeath{death("h1", "tcp://h1:1"), death("h2", "tcp://h2:2")}
		if !ok || !reflect.DeepEqual(m.Deaths, want) {
			t.Errorf("%v is told %+v", k, m)
		}
	}
}

func death(host, address string) wire.WorkerDeath {
	return wire.WorkerDeath{Name: "name-" + host, Address: address, Host: host, Reported: true,
		ExitCode: 3, Signal: "SIGKILL", OutOfMemory: true, LastLog: []string{"last"}}
}

// A death counts against what ran unless somebody wanted it, whoever told first:
// the worker, its supervisor or the end of its connection.
func TestOnlyUnexplainedDeathsCount(t *testing.T) {
	const pid = 7
	wanted := WorkerExit{Address: "w", Pid: pid, Wanted: true}
	killed := WorkerExit{Address: "w", Pid: pid, ExitCode: -1, Signal: "killed"}
	oom := WorkerExit{Address: "w", Pid: pid, Wanted: true, OOM: true}
	unsaid, said := RemoveWorker{Address: "w"}, RemoveWorker{Address: "w", Expected: true}
	for name, c := range map[string]struct {
		events []Event
		count  int
	}{
		"nobody knows":                        {[]Event{unsaid}, 1},
		"killed":                              {[]Event{unsaid, killed}, 1},
		"killed, told first":                  {[]Event{killed, unsaid}, 1},
		"another one was to end":              {[]Event{WorkerExit{Address: "v", Wanted: true}, unsaid}, 1},
		"out of memory while it said goodbye": {[]Event{oom, said}, 1},
		"out of memory":                       {[]Event{unsaid, oom}, 1},
		"it said so":                          {[]Event{said}, 0},
		"frozen, asked and killed":            {[]Event{wanted, unsaid}, 0},
		"asked and killed, told twice":        {[]Event{wanted, unsaid, killed}, 0},
		"its work was done, told late":        {[]Event{unsaid, wanted}, 0},
		"told late by its process only":       {[]Event{unsaid, WorkerExit{Pid: pid, Wanted: true}}, 0},
		"told late, twice":                    {[]Event{unsaid, wanted, wanted}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.submit("x", "x")
			s.do(AddWorker{Address: "w", Status: "running", Pid: pid})
			for _, e := range c.events {
				s.do(e)
			}
			x := s.m.tasks.Get(ks("x")[0])
			if int(x.suspicious) != c.count || x.prefix.suspicious != int64(c.count) || x.more != nil && len(x.more.deaths) != c.count {
				t.Errorf("%d deaths count, %d of its prefix, want %d", x.suspicious, x.prefix.suspicious, c.count)
			}
			s.states("x no-worker")
		})
	}
}

// TestATaskThatHasFailedIsNotForgiven: its clients know already.
func TestATaskThatHasFailedIsNotForgiven(t *testing.T) {
	s := newScript(t, func(c *Config) { c.AllowedFailures = 0 })
	s.submit("x", "x")
	s.join("w")
	s.lose("w")
	s.do(WorkerExit{Address: "w", Wanted: true})
	s.states("x erred")
	if x := s.m.tasks.Get(ks("x")[0]); x.suspicious != 1 || len(x.cause().deaths) != 1 {
		t.Errorf("%d deaths count", x.suspicious)
	}
}
