package state

import (
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// Handles that other workers hold do not keep an actor alive.
func TestAHandleIsNoCopyOfAnActor(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("a", actorDef("a"))
	s.finish("w", "a")
	s.join("v")
	s.replica("v", "a")
	s.skip()
	s.lose("w")
	s.expect("v: gone w", "v: free a",
		"c: a erred: RuntimeError: Worker holding Actor was lost: the state of a ended with its worker; create it anew")
	if s.m.Actors("v") != 0 || !s.m.IsActor(ks("a")[0]) {
		t.Error("the handle's holder counts as the actor's home")
	}
}

func TestActorsSpreadByTheirNumber(t *testing.T) {
	s := newScript(t)
	s.do(AddWorker{Address: "w", NThreads: 4, Status: "running"})
	s.do(AddWorker{Address: "v", NThreads: 1, Status: "running"})
	s.submit("a", actorDef("a"))
	first, second := "w", "v"
	if s.m.Actors("v") == 1 {
		first, second = "v", "w"
	}
	s.finish(first, "a")
	if s.m.Actors(first) != 1 || s.m.Actors(second) != 0 {
		t.Fatalf("actors: %d on %s, %d on %s", s.m.Actors(first), first, s.m.Actors(second), second)
	}
	s.submit("b", actorDef("b")) // goes where fewer are, although both are idle
	s.finish(second, "b")
	s.submit("c d", actorDef("c"), actorDef("d"))
	if s.m.Actors("v") != 2 || s.m.Actors("w") != 2 {
		t.Errorf("actors: %d and %d", s.m.Actors("v"), s.m.Actors("w"))
	}
	s.do(ClientReleasesKeys{Client: "c", Keys: ks("a", "b", "c", "d")})
	if s.m.Actors("v")+s.m.Actors("w") != 0 {
		t.Error("released actors are counted")
	}
}

func TestWorkersWithActorsAreNotClosedFirst(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("a", actorDef("a"))
	s.finish("w", "a")
	s.join("v")
	if got := s.m.WorkersToClose(ToClose{N: 2}); len(got) != 1 || got[0] != "v" {
		t.Errorf("to close: %q", got)
	}
}

func TestAnActorThatItsHomeDoesNotHaveIsLost(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	a := restricted("a", "w")
	a.Actor = true
	s.submit("a", a)
	s.finish("w", "a")
	s.replica("v", "a")
	s.do(MissingData{Worker: "w", Keys: ks("a")})
	s.states("a erred")
}

func TestDefinitionsOfOneKey(t *testing.T) {
	s := newScript(t)
	warned := func(defs ...any) int {
		t.Helper()
		s.now = s.now.Add(time.Millisecond)
		s.m.Apply(s.now, graph("z", defs...))
		return len(s.m.Take().Warnings)
	}
	if n := warned("x", "y", "z<-x,y"); n != 0 {
		t.Errorf("%d warnings of new tasks", n)
	}
	again := taskDef("z<-y,x,y")
	again.RunSpec = wire.StringOpaque("g")
	if n := warned("x", "y", again); n != 0 {
		t.Errorf("%d warnings of tasks with the same inputs", n)
	}
	for _, def := range []string{"z<-x", "z", "z<-x,q"} {
		if n := warned("x", def); n != 1 {
			t.Errorf("%s: %d warnings", def, n)
		}
	}
	if i, _ := s.m.Task(ks("z")[0]); len(i.Dependencies) != 2 {
		t.Errorf("the first definition did not stay: %v", i.Dependencies)
	}
}
