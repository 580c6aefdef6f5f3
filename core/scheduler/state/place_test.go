package state

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

const mega = int64(1) << 20

// where is the worker that a task was given to.
func (s *script) where(key string) string {
	s.t.Helper()
	i, _ := s.m.Task(wire.StrKey(key))
	return i.ProcessingOn
}

// data puts a result of n bytes on a worker.
func (s *script) data(key, worker string, n int64) {
	s.t.Helper()
	k := wire.StrKey(key)
	s.do(UpdateData{Client: "c", WhoHas: wire.KeyAddresses{{Key: k, Addresses: []string{worker}}}, Nbytes: wire.KeySizes{{Key: k, Nbytes: n}}})
}

func TestTasksGoToTheirData(t *testing.T) {
	for _, holder := range []string{"u", "v", "w"} {
		s := newScript(t)
		s.join("u", "v", "w")
		s.data("d", holder, mega)
		s.submit("x", "x<-d")
		if got := s.where("x"); got != holder {
			t.Errorf("x runs on %s, its input is on %s", got, holder)
		}
	}
}

func TestTheLargerInputCounts(t *testing.T) {
	s := newScript(t)
	s.join("v", "w")
	s.data("a", "v", 10*mega)
	s.data("b", "w", 2*mega)
	s.data("c", "w", 2*mega)
	s.submit("x", "x<-a,b,c")
	if got := s.where("x"); got != "v" {
		t.Errorf("x runs on %s", got)
	}
}

// With two to fetch instead of one, the number of transfers counts for small data.
func TestFewerTransfersCountForSmallData(t *testing.T) {
	s := newScript(t)
	s.join("v", "w")
	s.data("a", "v", 10)
	s.data("b", "w", 10)
	s.data("c", "w", 10)
	s.submit("x", "x<-a,b,c")
	if got := s.where("x"); got != "w" {
		t.Errorf("x runs on %s", got)
	}
}

func TestABusyHolderLosesSmallData(t *testing.T) {
	s := newScript(t, func(c *Config) { c.WorkerSaturation = 2 })
	s.join("v", "w")
	s.data("d", "w", 100)
	s.do(graph("b", restricted("b", "w")))
	s.submit("x", "x<-d")
	if got := s.where("x"); got != "v" {
		t.Errorf("x runs on %s; its 100 bytes are fetched sooner than the task before it ends", got)
	}
}

func TestABusyHolderKeepsLargeData(t *testing.T) {
	s := newScript(t, func(c *Config) { c.WorkerSaturation = 2 })
	s.join("v", "w")
	s.data("d", "w", 200*mega) // two seconds at 100 MB/s
	s.do(graph("b", restricted("b", "w")))
	s.submit("x", "x<-d")
	if got := s.where("x"); got != "w" {
		t.Errorf("x runs on %s; the task before it ends sooner than the transfer", got)
	}
}

// Even without a free slot the holder of much data may be the quickest.
func TestAFullHolderOfLargeDataIsWorthTheWait(t *testing.T) {
	s := newScript(t)
	s.join("v", "w")
	s.data("d", "w", 200*mega)
	s.do(graph("b", restricted("b", "w")))
	s.submit("x y z p q", "x<-d", "y<-d", "z<-d", "p<-d", "q<-d")
	if s.where("x") != "w" || s.where("y") != "w" || s.where("z") != "w" {
		t.Errorf("x, y and z run on %s, %s and %s", s.where("x"), s.where("y"), s.where("z"))
	}
	if s.where("p") != "v" {
		t.Errorf("p runs on %q; the line at w is long enough", s.where("p"))
	}
	s.states("q queued")
}

func TestAFullHolderOfSmallDataIsNot(t *testing.T) {
	s := newScript(t)
	s.join("v", "w")
	s.data("d", "w", 1000)
	s.do(graph("b", restricted("b", "w")))
	s.submit("x", "x<-d")
	if got := s.where("x"); got != "v" {
		t.Errorf("x runs on %s", got)
	}
}

func TestThePausedHolderIsNotAsked(t *testing.T) {
	s := newScript(t)
	s.join("v", "w")
	s.data("d", "w", 200*mega)
	s.status("w", "paused")
	s.submit("x", "x<-d")
	if got := s.where("x"); got != "v" {
		t.Errorf("x runs on %s", got)
	}
	c := s.run("v", "x")
	if len(c.WhoHas) != 1 || c.WhoHas[0].Addresses[0] != "w" || c.Nbytes[0].Nbytes != 200*mega {
		t.Errorf("v is told %v of %v bytes", c.WhoHas, c.Nbytes)
	}
}

func TestTheIdleWorkerIsPreferred(t *testing.T) {
	s := newScript(t, func(c *Config) { c.WorkerSaturation = 3 })
	s.join("u", "v", "w")
	s.submit("a b x", restricted("a", "u"), restricted("b", "w"), "x")
	if got := s.where("x"); got != "v" {
		t.Errorf("x runs on %s; v is idle", got)
	}
}

func TestTiesGoToTheWorkerWithFewerBytes(t *testing.T) {
	s := newScript(t)
	s.join("u", "v", "w")
	s.data("a", "u", 20)
	s.data("b", "w", 10)
	s.data("c", "v", 5)
	s.submit("x", "x")
	if got := s.where("x"); got != "v" {
		t.Errorf("x runs on %s", got)
	}
}

func TestLongerTasksWeighMore(t *testing.T) {
	s := newScript(t, func(c *Config) { c.WorkerSaturation = 3 })
	s.join("v")
	s.submit("slow-0 quick-0", "slow-0", "quick-0")
	s.timed("v", "slow-0", 10*time.Second)
	s.timed("v", "quick-0", 20*time.Millisecond)
	s.join("w")
	s.submit("slow-1 quick-1", restricted("slow-1", "v"), restricted("quick-1", "w"))
	s.submit("x", "x")
	if got := s.where("x"); got != "w" {
		t.Errorf("x runs on %s, behind the slow task", got)
	}
	if o := s.m.TotalOccupancy(); o < 10.4 || o > 10.6 {
		t.Errorf("%v s of work in all, want 10 + 0.02 + 0.5 of the unknown", o)
	}
}

// Beyond twenty open workers a window of them is compared, and the holders.
func TestOfManyWorkersTheHolderIsFound(t *testing.T) {
	s := newScript(t)
	for i := range 100 {
		s.join(fmt.Sprint("w", i))
	}
	for i := range 100 {
		d := fmt.Sprint("d", i)
		s.data(d, fmt.Sprint("w", i), mega)
		s.submit(fmt.Sprint("x", i), fmt.Sprintf("x%d<-%s", i, d))
		if got, want := s.where(fmt.Sprint("x", i)), fmt.Sprint("w", i); got != want {
			t.Fatalf("x%d runs on %s, its input is on %s", i, got, want)
		}
	}
}

func TestOfManyWorkersTheRareOneIsFound(t *testing.T) {
	s := newScript(t)
	for i := range 100 {
		s.join(fmt.Sprint("w", i))
	}
	s.do(AddWorker{Address: "g", Status: "running", Runtimes: []string{"python", "go"}})
	for i := range 3 {
		k := fmt.Sprint("x", i)
		s.submit(k, goDef(k))
		if got := s.where(k); got != "g" {
			t.Fatalf("%s runs on %q", k, got)
		}
		s.finish("g", k)
	}
	s.submit("y", restricted("y", "w77"))
	if got := s.where("y"); got != "w77" {
		t.Errorf("y runs on %q", got)
	}
}

func TestManyWorkersShare(t *testing.T) {
	s := newScript(t)
	for i := range 60 {
		s.join(fmt.Sprint("w", i))
	}
	s.many("x", 60)
	if n := s.m.Counts()[Processing]; n != 60 {
		t.Errorf("%d of 60 workers have a task", n)
	}
}

// At most twenty holders are told with one key, unless somebody asks.
func TestFewOfManyHoldersAreTold(t *testing.T) {
	s := newScript(t)
	u := UpdateData{Client: "c", WhoHas: wire.KeyAddresses{{Key: wire.StrKey("d")}}}
	for i := range 30 {
		a := fmt.Sprint("w", i)
		s.join(a)
		u.WhoHas[0].Addresses = append(u.WhoHas[0].Addresses, a)
	}
	s.do(u)
	seen := map[string]bool{}
	for _, a := range s.m.tasks.Get(ks("d")[0]).addresses() {
		seen[a] = true
	}
	if len(seen) != maxAddresses {
		t.Errorf("%d holders are told", len(seen))
	}
}

// Sums over absurd sizes do not overflow: a sum below zero would look small.
func TestAbsurdSizesAreBounded(t *testing.T) {
	s := newScript(t)
	s.do(AddWorker{Address: "w", Status: "running", MemoryLimit: 1000})
	for _, k := range []string{"a", "b", "d"} {
		s.data(k, "w", math.MaxInt64)
	}
	s.submit("x", "x<-a,b,d")
	s.states("x erred")
	if i, _ := s.m.Worker("w"); i.Nbytes != 3*maxBytes {
		t.Errorf("w holds %d bytes", i.Nbytes)
	}
}

func TestHeartbeatsMakeLongTasksWeighMore(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.submit("x", "x")
	beat := func(d float64) {
		s.do(Heartbeat{Address: "w", Executing: []KeyDuration{{Key: wire.StrKey("x"), Seconds: d}, {Key: wire.StrKey("nobody"), Seconds: 9}}})
	}
	occupancy := func() float64 { i, _ := s.m.Worker("w"); return i.Occupancy }
	beat(0.1)
	if o := occupancy(); o != 0.5 {
		t.Errorf("occupancy %v after 0.1 s of an expected 0.5 s", o)
	}
	beat(3)
	if o := occupancy(); o != 6 {
		t.Errorf("occupancy %v after 3 s, want twice that", o)
	}
	for _, bad := range []float64{nan, inf, -inf, -1} {
		beat(bad)
		if o := occupancy(); o != 6 {
			t.Errorf("occupancy %v after a report of %v s", o, bad)
		}
	}
	s.finish("w", "x")
	if o := occupancy(); o != 0 {
		t.Errorf("occupancy %v without tasks", o)
	}
}

func TestDurationsThatAreNotFiniteTeachNothing(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.many("x", 4)
	for i, stop := range []float64{inf, nan, -5, 3} {
		k := wire.StrKey(fmt.Sprint("x-", i))
		s.do(TaskFinished{Worker: "w", TaskFinished: &wire.TaskFinished{Key: k, Nbytes: -1,
			StartStops: []wire.StartStop{{Action: "transfer", Start: 0, Stop: 50}, {Action: "compute", Start: 1, Stop: stop}}}})
	}
	p := s.m.Prefixes()[0]
	if p.MeanDuration != 2*time.Second || p.MaxDuration != 2*time.Second || p.ComputeTotal != 2*time.Second || p.MeanNbytes != 0 {
		t.Errorf("learned %+v", p)
	}
}
