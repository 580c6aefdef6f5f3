package state

import (
	"strings"
	"testing"
	"time"
)

// blamed is a machine whose tasks x and y have just been blamed for the death of
// a worker that has a nanny.
func blamed(t *testing.T, runtime string) *script {
	t.Helper()
	s := newScript(t, func(c *Config) { c.AllowedFailures = 0 })
	s.do(AddWorker{Address: "w", Status: "running", Nanny: "n", Runtimes: []string{runtime}})
	g := graph("x y", "x", "y<-x")
	for i := range g.Tasks {
		g.Tasks[i].Runtime = runtime
	}
	s.do(g)
	s.skip()
	s.lose("w")
	s.states("x erred", "y erred")
	return s
}

func (s *script) toldOfFailures() bool {
	return strings.Contains(strings.Join(s.lines, "\n"), "erred")
}

func TestClientsAreToldWithTheSupervisorsReport(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		then  Event
		want  string
	}{
		"it comes":       {0, WorkerExit{Address: "w", ExitCode: 9}, "w: exit code 9"},
		"it never comes": {verdictPatience, Tick{}, "w: lost; no supervisor"},
	} {
		t.Run(name, func(t *testing.T) {
			s := blamed(t, "go")
			s.do(Tick{})
			if s.toldOfFailures() {
				t.Fatalf("told before the report: %q", s.lines)
			}
			s.now = s.now.Add(c.after)
			s.do(c.then)
			s.contains(s.said("c: x erred"), c.want)
			s.contains(s.said("c: y erred"), c.want)
			s.skip()
			s.now = s.now.Add(time.Minute)
			s.do(Tick{})
			if s.toldOfFailures() {
				t.Errorf("told twice: %q", s.lines)
			}
		})
	}
}

func TestDasksNanniesReportNothing(t *testing.T) {
	s := blamed(t, "python")
	s.contains(s.said("c: x erred"), "w: lost; no supervisor")
}

func TestAVerdictThatWasOvertakenIsNotTold(t *testing.T) {
	s := blamed(t, "go")
	s.do(RetryKeys{Client: "c", Keys: ks("x")})
	s.do(WorkerExit{Address: "w", ExitCode: 9})
	if s.toldOfFailures() {
		t.Errorf("told of a failure that is tried again: %q", s.lines)
	}
}
