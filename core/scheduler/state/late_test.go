package state

import (
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// late sends a worker's messages about a key with a run id of their own.
func (s *script) late(worker, key string, run int64) (finished, erred, seceded Event) {
	k := wire.StrKey(key)
	return TaskFinished{Worker: worker, TaskFinished: &wire.TaskFinished{Key: k, RunID: run, Nbytes: 5}},
		TaskErred{Worker: worker, TaskErred: &wire.TaskErred{Key: k, RunID: run, ExceptionText: "late"}},
		LongRunning{Worker: worker, LongRunning: &wire.LongRunning{Key: k, RunID: run, ComputeDuration: 1}}
}

func TestAResultOfATaskGivenToAnotherIsFreed(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	old := s.run("w", "x").RunID
	s.status("w", "paused")
	s.reschedule("w", "x")
	s.join("v")
	s.states("x processing")
	s.skip()
	finished, erred, seceded := s.late("w", "x", old)
	s.do(finished)
	s.expect("w: free x")
	s.do(erred)
	s.do(seceded)
	s.expect()
	s.states("x processing")
	s.finish("v", "x")
	s.expect("c: x in memory")
}

func TestReportsOfEarlierRunsOnTheSameWorkerAreIgnored(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	old := s.run("w", "x").RunID
	s.reschedule("w", "x")
	s.skip()
	for _, e := range events(s.late("w", "x", old)) {
		s.do(e)
	}
	s.expect() // no free: it would hit the present run
	s.states("x processing")
	if i, _ := s.m.Task(ks("x")[0]); i.LongRunning {
		t.Error("seceded by an earlier run")
	}
}

func TestReportsWithoutRunNumbersAreBelieved(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	finished, _, _ := s.late("w", "x", 0)
	s.do(finished)
	s.states("x memory")
}

func TestReportsOfWorkersThatAreGone(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	run := s.run("w", "x").RunID
	s.leave("w")
	s.skip()
	for _, e := range append(events(s.late("w", "x", run)),
		Reschedule{Worker: "w", Reschedule: &wire.Reschedule{Key: ks("x")[0]}},
		AddKeys{Worker: "w", AddKeys: &wire.AddKeys{Keys: ks("x")}},
		ReleaseWorkerData{Worker: "w", ReleaseWorkerData: &wire.ReleaseWorkerData{Key: ks("x")[0]}},
		RequestRefreshWhoHas{Worker: "w", RequestRefreshWhoHas: &wire.RequestRefreshWhoHas{Keys: ks("x")}},
		MissingData{Worker: "w", Keys: ks("x")}, WorkerStatus{Address: "w", Status: "running"},
		Heartbeat{Address: "w"}, RemoveWorker{Address: "w"},
	) {
		s.do(e)
	}
	s.expect()
	s.states("x no-worker")
}

func TestReportsOfUnknownKeys(t *testing.T) {
	s := newScript(t)
	s.join("w")
	finished, erred, seceded := s.late("w", "nobody", 7)
	s.do(finished)
	s.expect("w: free nobody")
	s.do(erred)
	s.do(seceded)
	s.dropped("w", "nobody")
	s.expect()
	s.replica("w", "nobody")
	s.expect("w: free nobody")
}

func TestAResultThatIsToldTwiceCountsOnce(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	s.finish("w", "x", 50)
	s.skip()
	s.finish("w", "x", 70)
	s.expect()
	if i, _ := s.m.Worker("w"); i.Nbytes != 50 || i.HasWhat != 1 {
		t.Errorf("w holds %d bytes in %d results", i.Nbytes, i.HasWhat)
	}
	if p := s.m.Prefixes()[0]; p.Finished != 1 {
		t.Errorf("%d results of x", p.Finished)
	}
}

func TestAFailureAfterTheResult(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	run := s.run("w", "x").RunID
	s.finish("w", "x")
	_, erred, _ := s.late("w", "x", run)
	s.do(erred)
	s.states("x memory")
}

func TestReplicasOfWhatIsNotInMemoryAreFreed(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	s.submit("x y", "x", "y<-x")
	s.skip()
	s.replica("w", "x") // it runs there: its result is still to come
	s.expect()
	s.replica("v", "x", "y")
	s.expect("v: free x y") // in one message
}

func TestAResultFromAWorkerThatHoldsItAlready(t *testing.T) {
	s := newScript(t)
	s.join("w", "v")
	s.submit("x", "x")
	s.finish("w", "x")
	s.replica("v", "x")
	s.skip()
	finished, _, _ := s.late("v", "x", 99)
	s.do(finished)
	s.expect() // no free: the copy counts
}

func events(es ...Event) []Event { return es }
