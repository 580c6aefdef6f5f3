package state

import (
	"testing"
	"time"
)

// A number of copies that somebody asked for is made up again when a holder dies,
// as long as one copy lives.
func TestTheNumberOfCopiesIsMadeUpAgain(t *testing.T) {
	s := newScript(t)
	s.join("u", "v", "w")
	s.scatter("c", "u", "x")
	s.do(Replicate{ID: 1, Keys: ks("x"), N: 2, Timeout: time.Minute})
	s.replica("v", "x")
	s.skip()
	s.lose("u")
	s.skip()
	s.wait(2 * time.Second)
	s.expect("w: fetch x=[v]")
	s.wait(2 * time.Second) // it is on its way
	s.expect()
	s.replica("w", "x")
	s.lose("v")
	s.skip()
	s.wait(2 * time.Second) // nobody is there for a second one
	s.expect()
	s.join("z")
	s.skip()
	s.wait(2 * time.Second)
	s.expect("z: fetch x=[w]")
	s.replica("z", "x")
	s.do(Replicate{ID: 2, Keys: ks("x"), N: 1, Timeout: time.Minute})
	if got := s.holding("x"); len(got) != 1 {
		t.Errorf("x is on %s", got)
	}
	s.join("y")
	s.skip()
	s.wait(2 * time.Second) // nobody asks for more any longer
	s.expect()
}

// While a worker stands still nobody knows whether its copies live: the last one
// beside them stays.
func TestTheLastCopyThatIsHeardOfStays(t *testing.T) {
	s := newScript(t)
	s.join("u", "v")
	s.scatter("c", "u", "x")
	s.replica("v", "x")
	s.use("u", 100)
	s.use("v", 300)
	s.skip()
	s.now = s.now.Add(time.Minute)
	s.use("v", 300) // u is silent
	s.wait(0)
	s.expect("u: drop x") // when it wakes it drops what it need not have
	s.replica("u", "x")   // it refuses: it is needed there
	s.now = s.now.Add(time.Minute)
	s.use("u", 100)
	s.do(Retire{ID: 1, Address: "u", Timeout: time.Minute})
	s.skip()
	if got := s.done(); got != "1 OK" || s.holding("x") != "u v" {
		t.Errorf("ends: %q, x is on %s; want both, as only u is heard of", got, s.holding("x"))
	}
}

// Where many copies move, only so many are on their way at a time.
func TestErrandsAskForManyCopiesAtATime(t *testing.T) {
	l := largeOf(3, 3*manyCopies)
	most := 0
	l.watch = func() {
		if n := len(l.m.copies); n > most {
			most = n
		}
	}
	l.scatter(1, 1)
	l.retire(0, 1)
	if n := len(l.m.workers[l.worker(0)].has); n > 0 || most > manyCopies {
		t.Errorf("%d results are left, %d copies were on their way at a time; want at most %d", n, most, manyCopies)
	}
	if e := l.m.Check(); e != nil {
		t.Error(e)
	}
	l.obey(l.do(Rebalance{ID: 9, Timeout: time.Hour}))
	if len(l.m.errands) > 0 || most > manyCopies {
		t.Errorf("%d errands run, %d copies were on their way at a time", len(l.m.errands), most)
	}
	if e := l.m.Check(); e != nil {
		t.Error(e)
	}
}

// The memory manager takes several ticks for many copies, and misses none.
func TestTheManagerWorksBitByBit(t *testing.T) {
	l := largeOf(4, 3*manageEffort/dearest)
	l.scatter(4, 2)
	l.tick(2)
	if n := len(l.m.replicas.list); n == 0 || n == l.keys {
		t.Fatalf("%d of %d have two copies after the first step", n, l.keys)
	}
	l.tick(8)
	if n := len(l.m.replicas.list); n > 0 {
		t.Errorf("%d have two copies still", n)
	}
}

// Stealing reaches all of many idle workers.
func TestManyIdleWorkersGetTasks(t *testing.T) {
	l := halfBusy(60, 3000)
	asked := 0
	for range 4 {
		l.now = l.now.Add(time.Second)
		asked += len(l.do(Tick{}).ToWorkers)
	}
	thieves := map[*worker]bool{}
	for _, s := range l.m.steals {
		thieves[s.thief] = true
	}
	if len(thieves) < 30 {
		t.Errorf("%d requests are for %d workers, of which 30 are idle", asked, len(thieves))
	}
	if e := l.m.Check(); e != nil {
		t.Error(e)
	}
}
