package state

import (
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

func (s *script) missing(worker string, keys ...string) {
	s.t.Helper()
	s.do(MissingData{Worker: worker, Keys: ks(keys...)})
}

func (s *script) dropped(worker, key string) {
	s.t.Helper()
	s.do(ReleaseWorkerData{Worker: worker, ReleaseWorkerData: &wire.ReleaseWorkerData{Key: wire.StrKey(key)}})
}

func TestLostResultsAreMadeAgainFromTheirLineage(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("z", "x", "y<-x", "z<-y")
	s.finish("w", "x")
	s.finish("w", "y")
	s.finish("w", "z")
	s.states("x released", "y released", "z memory")
	s.join("v")
	s.skip()
	s.lose("w")
	s.expect("v: gone w", "c: z lost", "v: compute x")
	s.states("x processing", "y waiting", "z waiting")
	s.finish("v", "x")
	s.finish("v", "y")
	s.finish("v", "z")
	s.said("c: z in memory")
}

func TestAReplicaSavesTheWork(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	s.submit("x", "x")
	s.finish("w", "x")
	s.replica("v", "x")
	s.replica("v", "x") // told twice
	s.skip()
	s.lose("w")
	s.expect("v: gone w")
	s.states("x memory")
	if a := s.m.WhoHas(ks("x"))[0].Addresses; len(a) != 1 || a[0] != "v" {
		t.Errorf("x is at %v", a)
	}
}

// The task that runs on the lost result is taken back, and starts again when
// the result was made again.
func TestALostInputOfARunningTaskIsMadeFirst(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("y", "x", "y<-x")
	s.finish("w", "x")
	s.run("w", "y")
	s.skip()
	s.missing("w", "x")
	s.expect("w: free x y", "w: compute x")
	s.states("x processing", "y waiting")
	s.finish("w", "x")
	s.expect("w: compute y")
}

func TestALostInputOfAQueuedTaskIsMadeFirst(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("y z", "x", "y<-x", "z<-x")
	s.finish("w", "x")
	s.states("y processing", "z queued")
	s.dropped("w", "x")
	s.states("x processing", "y waiting", "z waiting")
}

func TestALostInputOfAWaitingTaskIsMadeAgain(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("z", "x", "y", "z<-x,y")
	s.finish("w", "x")
	s.dropped("w", "x")
	s.states("x queued", "z waiting")
	s.finish("w", "y")
	s.finish("w", "x")
	s.states("z processing")
}

func TestTheGathersOfClientsTellOfMissingData(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	s.submit("x", "x")
	s.finish("w", "x")
	s.replica("v", "x")
	s.skip()
	s.missing("w", "x", "nobody")
	s.missing("nobody", "x")
	s.expect("w: free x") // it may have made it again since
	s.leave("w")
	s.skip()
	s.missing("v", "x")
	s.expect("v: free x", "c: x lost", "v: compute x")
}

func TestAWorkerComesBackWithItsData(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("e", "e")
	s.fail("w", "e")
	s.submit("x y", "x", "y<-x")
	s.finish("w", "x")
	s.lose("w")
	s.states("x no-worker", "y waiting", "e erred")
	s.skip()
	s.do(AddWorker{Address: "w", Status: "running", Held: wire.KeySizes{
		{Key: ks("x")[0], Nbytes: 100}, {Key: ks("e")[0], Nbytes: 1}, {Key: ks("stranger")[0], Nbytes: 1}}})
	s.expect("w: free e stranger", "c: x in memory", "w: compute y")
	if i, _ := s.m.Worker("w"); i.Nbytes != 100 || i.Held != nil {
		t.Errorf("w holds %d bytes; Held %v", i.Nbytes, i.Held)
	}
}

func TestDataThatComesBackEndsTheSecondRun(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	s.submit("x", "x")
	s.finish("w", "x")
	s.lose("w")
	run := s.run("v", "x")
	s.skip()
	s.do(AddWorker{Address: "w", Status: "running", Held: held("x")})
	s.expect("c: x in memory", "v: free x")
	s.do(TaskFinished{Worker: "v", TaskFinished: &wire.TaskFinished{Key: run.Key, RunID: run.RunID}})
	s.expect("v: free x") // its copy is not counted on
	s.do(AddWorker{Address: "u", Status: "running", Held: held("x")})
	if a := s.m.WhoHas(ks("x"))[0].Addresses; len(a) != 2 {
		t.Errorf("x is at %v, want w and u", a)
	}
}

func TestScatteredDataThatIsLostIsCancelled(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	s.scatter("c", "w", "data")
	s.desire("d", "data")
	s.submit("y", "y<-data")
	s.skip()
	s.lose("w")
	s.said("c: data lost")
	s.said("d: data lost")
	s.said("d: data cancelled: lost dependencies: the last copy of data is gone")
	s.contains(s.said("c: y cancelled"), "the last copy of data is gone", "scatter it again")
	s.states("data forgotten", "y forgotten")
}

func TestScatterReachesSeveralWorkersAndThoseWhoWait(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	s.do(UpdateData{Client: "c", WhoHas: wire.KeyAddresses{{Key: ks("d")[0], Addresses: []string{"w", "v"}}}, Nbytes: held("d")})
	s.expect("c: d in memory")
	s.scatter("c", "v", "d") // again
	s.expect("c: d in memory")
	s.scatter("c", "gone", "e")
	s.contains(s.said("c: e cancelled"), "the last copy of e is gone")
	s.scatter("", "gone", "f")
	s.states("e forgotten", "f forgotten")
}

// A value for a key that a task makes is the task's result, if it is needed.
func TestScatterOntoATask(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("y z", "x", "y<-x", "z<-x")
	s.skip()
	s.do(AddWorker{Address: "v", Status: "paused"})
	s.scatter("", "v", "x")
	s.expect("w: free x", "w: compute y")
	s.states("x memory", "z queued")
	s.finish("w", "y")
	s.finish("w", "z")
	s.states("x released")
	s.skip()
	s.scatter("", "v", "x")
	s.expect("v: free x")
	s.states("x released")
	s.submit("e", "e")
	s.fail("w", "e")
	s.skip()
	s.scatter("", "v", "e")
	s.expect("v: free e")
	s.states("e erred")
}

// A wish comes with scattered data whose worker has just left: what a task can
// make is made.
func TestScatterOntoATaskThatArrivesNowhere(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("y", "x", "y<-x")
	s.finish("w", "x")
	s.finish("w", "y")
	s.states("x released")
	s.scatter("c", "gone", "x")
	s.states("x processing")
}

// Unwished data stays until somebody asked for it and let go.
func TestUnwishedDataStaysUntilItWasUsed(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.scatter("", "w", "d")
	s.submit("x y", "x<-d", "y<-d")
	s.finish("w", "x")
	s.states("d memory")
	s.skip()
	s.finish("w", "y")
	s.expect("c: y in memory", "w: free d")
	s.states("d forgotten", "x memory", "y memory")
}

func TestRepliesToAWorkerThatLooksForData(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	s.submit("x p", "x", "p")
	s.finish("w", "x")
	s.replica("v", "x")
	s.skip()
	ask := func(keys ...string) RequestRefreshWhoHas {
		return RequestRefreshWhoHas{Worker: "v", RequestRefreshWhoHas: &wire.RequestRefreshWhoHas{Keys: ks(keys...)}}
	}
	s.do(ask("x", "p", "nobody"))
	s.expect("v: free nobody", "v: who has x=[w v] p=[]")
	s.do(ask("nobody"))
	s.expect("v: free nobody")
}

func TestAnActorIsLostWithItsWorker(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("a y", actorDef("a"), "y<-a")
	if !s.run("w", "a").Actor {
		t.Error("the worker is not told that it is an actor")
	}
	s.finish("w", "a")
	s.do(AddWorker{Address: "v", Status: "running"})
	s.skip()
	s.lose("w")
	const told = "RuntimeError: Worker holding Actor was lost: the state of a ended with its worker; create it anew"
	s.expect("v: gone w", "c: a erred: "+told, "c: y erred: "+told)
	s.do(RetryKeys{Client: "c", Keys: ks("y")})
	s.expect("c: a retried", "c: y retried", "v: compute a")
}

func TestAnActorThatNobodyHoldsIsMadeAgain(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("y", actorDef("a"), "y<-a")
	s.finish("w", "a")
	s.lose("w")
	s.states("a no-worker", "y waiting")
}

func TestALostActorFailsWhoWaitsForMore(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	s.submit("a y", actorDef("a"), "b", "y<-a,b")
	s.finish("w", "a")
	s.states("b processing", "y waiting")
	s.lose("w")
	s.states("a erred", "y erred", "b released")
}

// Of two losses at once one makes the other task's second run needless: the
// inputs that it was about to use again go too.
func TestATaskThatIsNeededNoMoreAfterALossGivesUpItsInputs(t *testing.T) {
	s := newScript(t)
	s.join("v", "w")
	a := restricted("a", "w")
	a.Actor = true
	s.submit("a end", restricted("d", "v"), a, restricted("mid<-d", "w"), "end<-mid,a")
	s.finish("v", "d")
	s.finish("w", "a")
	s.states("d memory", "a memory", "mid processing", "end waiting")
	s.skip()
	s.lose("w")
	s.states("a erred", "end erred", "mid released", "d released")
	if n := len(s.m.HasWhat("v")); n != 0 {
		t.Errorf("v keeps %d results", n)
	}
}
