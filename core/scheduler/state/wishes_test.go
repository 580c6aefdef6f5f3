package state

import (
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

func (s *script) desire(client string, keys ...string) {
	s.t.Helper()
	s.do(ClientDesiresKeys{Client: client, Keys: ks(keys...)})
}

func (s *script) cancel(client string, force bool, keys ...string) {
	s.t.Helper()
	s.do(CancelKeys{Client: client, Keys: ks(keys...), Force: force, Reason: "user", Msg: "asked"})
}

func TestEveryClientIsToldAndTheLastReleaseCounts(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	s.desire("d", "x")
	s.skip()
	s.finish("w", "x")
	s.expect("c: x in memory", "d: x in memory")
	s.release("x")
	s.release("x") // again: no wish is left
	s.states("x memory")
	s.expect()
	s.do(RemoveClient{ID: "d"})
	s.do(RemoveClient{ID: "d"})
	s.states("x forgotten")
	s.expect("w: free x")
}

func TestALeavingClientTakesItsWorkAlong(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("z", "x", "y<-x", "z<-y")
	s.finish("w", "x")
	s.skip()
	s.do(RemoveClient{ID: "c"})
	s.expect("w: free y x")
	if k := s.m.Keys(); len(k) > 0 {
		t.Errorf("%v are left", k)
	}
	s.do(ClientReleasesKeys{Client: "c", Keys: ks("z")}) // late
	s.do(ReportKey{Client: "c", Key: ks("z")[0]})
	s.expect()
	if n := len(s.m.Clients()); n != 0 {
		t.Errorf("%d clients; late words of one that left make it come back", n)
	}
}

func TestWhatAnotherClientNeedsStays(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	u := graph("y", "y<-x")
	u.Client = "d"
	s.do(u)
	s.release("x")
	s.states("x processing", "y waiting")
	s.finish("w", "x")
	s.finish("w", "y")
	s.states("x released", "y memory")
}

func TestDesireOfWhatIsDoneIsAnsweredAtOnce(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x e", "x", "e")
	s.finish("w", "x")
	s.fail("w", "e")
	s.skip()
	s.desire("d", "x", "e", "nobody")
	s.expect("d: x in memory", "d: e erred: boom e", "d: nobody cancelled: unknown: the scheduler does not know the key")
	for _, k := range ks("x", "e", "nobody") {
		s.do(ReportKey{Client: "d", Key: k})
	}
	s.expect("d: x in memory", "d: e erred: boom e", "d: nobody cancelled: unknown: the scheduler does not know the key")
	s.submit("p", "p")
	s.skip()
	s.do(ReportKey{Client: "d", Key: ks("p")[0]}) // under way: nothing to say yet
	s.expect()
}

func TestCancelEndsTheWishesOfTheClientOnly(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x y", "x", "y<-x")
	s.desire("d", "x")
	s.skip()
	s.cancel("c", false, "x", "nobody")
	s.expect("c: x cancelled: user: asked", "c: nobody cancelled: user: asked")
	s.states("x processing", "y waiting") // d wants x; y stands as x does
}

func TestCancelTakesDependentsAlong(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x y z", "x", "y<-x", "z<-x,y")
	s.skip()
	s.cancel("c", false, "x")
	s.expect("w: free x", "c: x cancelled: user: asked", "c: y cancelled: user: asked", "c: z cancelled: user: asked")
	s.states("x forgotten", "y forgotten", "z forgotten")
}

func TestCancelWithForceEndsEveryWish(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x y", "x", "y<-x")
	s.desire("d", "x")
	s.desire("e", "x")
	s.skip()
	s.cancel("c", true, "x")
	s.expect("w: free x", "c: x cancelled: user: asked", "d: x cancelled: user: asked", "e: x cancelled: user: asked",
		"c: y cancelled: user: asked")
	s.states("x forgotten", "y forgotten")
}

func TestCancelOfAnUnknownClientHurtsNobody(t *testing.T) {
	s := newScript(t)
	s.submit("x", "x")
	s.cancel("stranger", false, "x", "nobody")
	s.expect()
	s.states("x no-worker")
}

// A release and the same work again may follow so closely that the worker
// still acts on the release.
func TestResubmissionOvertakesARelease(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	first := s.run("w", "x").RunID
	s.skip()
	s.release("x")
	s.submit("x", "x")
	s.expect("w: free x", "w: compute x")
	if again := s.run("w", "x").RunID; again <= first {
		t.Fatalf("run %d after %d", again, first)
	}
	s.do(TaskFinished{Worker: "w", TaskFinished: &wire.TaskFinished{Key: ks("x")[0], RunID: first}})
	s.expect() // of the first run; the second is on its way
	s.states("x processing")
	s.finish("w", "x")
	s.expect("c: x in memory")
}

func TestAForgottenKeyBeginsAnew(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	s.finish("w", "x")
	s.release("x")
	s.skip()
	s.submit("x", "a", "x<-a") // with other inputs this time
	s.expect("w: compute a")
}

func TestASubmittedKeyThatIsKnownStaysAsItIs(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	s.finish("w", "x")
	s.skip()
	u := graph("x", "x<-nobody")
	u.Client = "d"
	s.do(u)
	s.expect("d: x in memory")
}

// A released task in the middle of a kept graph is wanted again: it and what
// it needs run again.
func TestASubmittedKeyThatWasReleasedRunsAgain(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("y", "x", "y<-x")
	s.finish("w", "x")
	s.finish("w", "y")
	s.states("x released")
	s.skip()
	s.submit("x", "x")
	s.expect("w: compute x")
}

func TestFireAndForgetEndsWithTheTask(t *testing.T) {
	const pseudo = "fire-and-forget"
	for name, c := range map[string]struct {
		run  func(s *script)
		done string
	}{
		"success":          {func(s *script) { s.desire(pseudo, "x"); s.release("x"); s.states("x processing"); s.finish("w", "x") }, "free"},
		"failure":          {func(s *script) { s.desire(pseudo, "x"); s.release("x"); s.fail("w", "x") }, "free"},
		"asked for late":   {func(s *script) { s.finish("w", "x"); s.desire(pseudo, "x"); s.release("x") }, "free"},
		"asked for failed": {func(s *script) { s.fail("w", "x"); s.desire(pseudo, "x"); s.release("x") }, "free"},
		"an input failed": {func(s *script) {
			s.submit("y", "y<-x")
			s.desire(pseudo, "y")
			s.release("x", "y")
			s.fail("w", "x")
		}, "free"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t)
			s.do(AddClient{ID: pseudo})
			s.join("w")
			s.submit("x", "x")
			c.run(s)
			if left := s.m.Keys(); len(left) > 0 {
				t.Errorf("%v are left", left)
			}
			if n := len(s.m.Wants(pseudo)); n > 0 {
				t.Errorf("%d wishes are left", n)
			}
		})
	}
}

// Both halves of one event: the wish that starts a task, and the data that
// ends it together with the wish.
func TestDataThatArrivesWithItsWishIsNotKept(t *testing.T) {
	s := newScript(t)
	s.do(AddClient{ID: fireAndForget})
	s.join("w")
	s.submit("y", "x", "y<-x")
	s.finish("w", "x")
	s.finish("w", "y")
	s.scatter(fireAndForget, "w", "x")
	s.states("x released")
	x := ks("x")[0]
	s.do(UpdateData{Client: fireAndForget, WhoHas: wire.KeyAddresses{{Key: x, Addresses: []string{"gone"}}, {Key: x, Addresses: []string{"w"}}}})
	s.states("x released")
}

func TestRestartForgetsEverything(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	s.submit("x e z", "x", "e", "y<-x", "z<-y")
	s.desire("d", "x")
	s.finish("w", "x")
	s.fail("v", "e")
	s.scatter("c", "w", "wished")
	s.scatter("", "v", "unwished")
	s.submit("q", "q<-unwished")
	s.skip()
	s.do(Restart{})
	for _, c := range []string{"c", "d"} {
		if got := s.said(c + ": "); got != c+": restart" {
			t.Errorf("told %q", got)
		}
	}
	if k := s.m.Keys(); len(k) > 0 {
		t.Errorf("%v are left", names(k))
	}
	if n := len(s.m.HasWhat("w")) + len(s.m.HasWhat("v")) + len(s.m.Processing("w")) + len(s.m.Processing("v")); n > 0 {
		t.Errorf("workers keep %d keys", n)
	}
	s.submit("x", "x")
	s.states("x processing")
}
