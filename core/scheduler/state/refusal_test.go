package state

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// A graph that can never run is refused in words that name its keys.
func TestBadGraphsAreRefusedByName(t *testing.T) {
	const cycle = "the graph has a cycle"
	for name, c := range map[string]struct {
		wants string
		defs  []any
		said  map[string][]string // by wanted key
		ok    string              // tasks that run all the same
	}{
		"an unknown input": {"x", []any{"x<-nobody"}, map[string][]string{"x": {"lost dependencies", "x depends on nobody", "does not know"}}, ""},
		"an unknown input further up": {"z", []any{"x<-nobody", "y<-x", "z<-y"},
			map[string][]string{"z": {"x depends on nobody"}}, ""},
		"an unknown input, dependents first": {"z", []any{"z<-y", "y<-x", "x<-nobody"},
			map[string][]string{"z": {"x depends on nobody"}}, ""},
		"its own input":       {"x", []any{"x<-x"}, map[string][]string{"x": {cycle, "x depends on x"}}, ""},
		"two tasks":           {"x y", []any{"x<-y", "y<-x"}, map[string][]string{"x": {"x depends on y depends on x"}, "y": {"x depends on y depends on x"}}, ""},
		"behind a cycle":      {"z", []any{"x<-y", "y<-x", "z<-y"}, map[string][]string{"z": {"x depends on y depends on x"}}, ""},
		"beside a good task":  {"x a", []any{"x<-x", "a"}, map[string][]string{"x": {cycle}}, "a"},
		"into a good task":    {"x", []any{"a", "x<-a,x"}, map[string][]string{"x": {"x depends on x"}}, ""},
		"two cycles":          {"a x", []any{"a<-b", "b<-a", "x<-y", "y<-x"}, map[string][]string{"a": {"a depends on b depends on a"}, "x": {"x depends on y depends on x"}}, ""},
		"a key without tasks": {"x", nil, map[string][]string{"x": {"lost dependencies", "no task makes it"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.submit(c.wants, c.defs...)
			for k, parts := range c.said {
				s.contains(s.said("c: "+k+" cancelled"), parts...)
				s.states(k + " forgotten")
			}
			if len(s.lines) != len(c.said) {
				t.Errorf("said %q", s.lines)
			}
			if c.ok != "" {
				s.states(c.ok + " no-worker")
			} else if n := len(s.m.Keys()); n > 0 {
				t.Errorf("%d tasks of the graph are left", n)
			}
		})
	}
}

func TestALongCycleIsNamedInPart(t *testing.T) {
	s := newScript(t)
	var defs []any
	for i := range 20 {
		defs = append(defs, fmt.Sprintf("t%d<-t%d", i, (i+1)%20))
	}
	s.submit("t5", defs...)
	s.contains(s.said("c: t5 cancelled"), "t0 depends on t1 depends", "(12 more), t0")
}

// A key comes twice in a graph, or an input in a task: once is meant.
func TestRepeatedDefinitionsCountOnce(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x y", "a", "x<-a,a", "x<-nobody", "y<-a")
	s.expect("w: compute a")
	s.finish("w", "a")
	s.expect("w: compute x")
	i, _ := s.m.Task(wire.StrKey("x"))
	if len(i.Dependencies) != 1 {
		t.Errorf("x depends on %v", i.Dependencies)
	}
}

func TestManyInputsAreJoinedOnce(t *testing.T) {
	s := newScript(t)
	s.join("w")
	var defs []any
	var in []string
	for i := range 20 {
		in = append(in, fmt.Sprintf("a%d", i))
		defs = append(defs, in[i])
	}
	s.submit("x", append(defs, "x<-"+strings.Join(append(in, in...), ","))...)
	i, _ := s.m.Task(wire.StrKey("x"))
	if len(i.Dependencies) != 20 || len(i.WaitingOn) != 20 {
		t.Errorf("x depends on %d and waits for %d", len(i.Dependencies), len(i.WaitingOn))
	}
}

// A result stays an input like any other when what it was made of is gone.
func TestAResultWhoseInputIsForgottenIsStillAnInput(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.scatter("c", "w", "data")
	s.submit("y", "y<-data")
	s.finish("w", "y")
	s.release("data")
	s.states("data forgotten", "y memory")
	s.skip()
	s.submit("z", "z<-y")
	s.expect("w: compute z")
	s.lose("w") // now y cannot be made again
	s.states("y forgotten", "z forgotten")
	s.contains(s.said("c: z cancelled"), "lost dependencies", "data", "scatter it again")
}

func TestAnErredTaskWhoseInputIsForgottenStillFailsItsDependents(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.scatter("c", "w", "data")
	s.submit("y", "y<-data")
	s.fail("w", "y")
	s.release("data")
	s.states("data forgotten", "y erred")
	s.skip()
	s.submit("z", "z<-y")
	s.expect("c: z erred: boom y")
	s.do(RetryKeys{Client: "c", Keys: ks("z")})
	s.states("y forgotten", "z forgotten")
	s.contains(s.said("c: z cancelled"), "data")
}

// A task of a cycle may fail by another input before it is refused.
func TestACycleBehindAFailureIsNotKept(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("e", "e")
	s.fail("w", "e")
	s.submit("x y", "a<-e", "x<-y,a", "y<-x", "z<-y,a")
	s.release("x", "y", "e")
	if k := s.m.Keys(); len(k) > 0 {
		t.Errorf("%s are left", names(k))
	}
}

// The refusal of an input is not lost when its dependent asks for it and fails.
func TestARefusedInputOfAFailedTaskIsNotKept(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("e", "e")
	s.fail("w", "e")
	s.skip()
	s.submit("x", "x<-a,b", "a<-nobody", "b<-e")
	s.expect("c: x erred: boom e")
	s.states("x erred", "a forgotten", "b erred")
	s.do(RetryKeys{Client: "c", Keys: ks("e")})
	s.contains(s.said("c: x cancelled"), "a depends on nobody")
}
