package state

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// holding lists the workers that hold a key, sorted.
func (s *script) holding(key string) string {
	s.t.Helper()
	i, _ := s.m.Task(wire.StrKey(key))
	return strings.Join(slices.Sorted(slices.Values(i.WhoHas)), " ")
}

// use is a heartbeat that says how large a worker's process is.
func (s *script) use(worker string, bytes int64) {
	s.t.Helper()
	s.do(Heartbeat{Address: worker, Metrics: wire.Metrics{Memory: bytes}})
}

// done returns how the errand ended, such as "1 OK".
func (s *script) done() string {
	r := strings.Join(s.ends, "; ")
	s.ends = nil
	return r
}

func (s *script) runManager() {
	s.t.Helper()
	s.do(ManageMemory{Method: ManagerRunOnce})
}

func TestMemoryIsSplitAsDaskDoes(t *testing.T) {
	s := newScript(t)
	s.join("w")
	s.data("x", "w", 100)
	beat := func(process, spilledMem, spilledDisk int64) MemoryUse {
		t.Helper()
		s.now = s.now.Add(9 * time.Second)
		s.do(Heartbeat{Address: "w", Metrics: wire.Metrics{Memory: process, SpilledMem: spilledMem, SpilledDisk: spilledDisk}})
		w, _ := s.m.Worker("w")
		return w.Memory
	}
	for i, c := range []struct {
		process, spilledMem, spilledDisk int64
		want                             MemoryUse
	}{
		{1000, 0, 0, MemoryUse{Process: 1000, Managed: 100, UnmanagedOld: 900}},
		{1500, 0, 0, MemoryUse{Process: 1500, Managed: 100, UnmanagedOld: 900, UnmanagedRecent: 500}},
		{1500, 60, 20, MemoryUse{Process: 1500, Managed: 40, UnmanagedOld: 900, UnmanagedRecent: 560, Spilled: 20}},
		{1500, 0, 0, MemoryUse{Process: 1500, Managed: 100, UnmanagedOld: 900, UnmanagedRecent: 500}},
		{1500, 0, 0, MemoryUse{Process: 1500, Managed: 100, UnmanagedOld: 1400}}, // the small ones are too old
		{700, 0, 0, MemoryUse{Process: 700, Managed: 100, UnmanagedOld: 600}},
		{10, 0, 0, MemoryUse{Process: 100, Managed: 100}}, // older than the result
	} {
		if got := beat(c.process, c.spilledMem, c.spilledDisk); got != c.want {
			t.Errorf("heartbeat %d: %+v, want %+v", i, got, c.want)
		}
	}
	for name, want := range map[string]int64{"process": 15, "managed": 5, "managed_total": 7, "unmanaged": 10, "unmanaged_old": 4, "unmanaged_recent": 6, "spilled": 2, "optimistic": 9} {
		u := MemoryUse{Process: 15, Managed: 5, UnmanagedOld: 4, UnmanagedRecent: 6, Spilled: 2}
		if got, ok := u.Measure(name); got != want || !ok {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
}

func TestTheManagerDropsCopiesThatNobodyNeeds(t *testing.T) {
	s := newScript(t)
	s.join("u", "v", "w")
	s.use("u", 100)
	s.use("v", 300)
	s.use("w", 200)
	s.scatter("c", "u", "x")
	s.replica("v", "x")
	s.replica("w", "x")
	s.skip()
	s.wait(2 * time.Second)
	s.expect("v: drop x", "w: drop x") // the worker with the least memory in use keeps it
	if s.holding("x") != "u" {
		t.Errorf("x is on %s", s.holding("x"))
	}
	s.do(ManageMemory{Method: ManagerStop})
	s.replica("v", "x")
	s.wait(time.Minute)
	s.expect()
	s.use("u", 100)
	s.do(ManageMemory{Method: ManagerStart})
	s.wait(0)
	s.expect("v: drop x")
	s.replica("v", "x") // it refused
	s.wait(time.Second)
	s.expect()
	s.wait(time.Second)
	s.expect("v: drop x")
}

func TestTheManagerKeepsWhatTasksUse(t *testing.T) {
	s := newScript(t)
	s.join("u", "v", "w")
	s.data("x", "u", 10)
	s.replica("v", "x")
	s.replica("w", "x")
	pinTo := func(key, worker string) wire.TaskDef {
		d := onWorker(key, worker)
		d.Dependencies = ks("x")
		return d
	}
	s.submit("a b", pinTo("a", "v"), pinTo("b", "v")) // one waits for the other, both with v
	s.skip()
	s.runManager()
	if got := s.holding("x"); !strings.Contains(got, "v") || len(strings.Fields(got)) != 2 {
		t.Errorf("x is on %s; want v, and one more for the task in the queue", got)
	}
	s.finish("v", "a")
	s.runManager()
	if got := s.holding("x"); got != "v" {
		t.Errorf("x is on %s, want v, where b runs", got)
	}
}

// What a worker that leaves still needs is not dropped elsewhere: it would only
// have to be copied again.
func TestTheManagerDoesNotPlayPingPong(t *testing.T) {
	s := newScript(t)
	s.join("u", "v")
	s.data("x", "u", 10)
	d := onWorker("a", "u")
	d.Dependencies = ks("x")
	s.submit("a", d)
	s.status("u", "paused")
	s.replica("v", "x")
	s.runManager()
	if got := s.holding("x"); got != "u v" {
		t.Errorf("x is on %s", got)
	}
	s.status("u", "running") // now it makes no difference
	s.runManager()
	if got := s.holding("x"); got != "u" {
		t.Errorf("x is on %s", got)
	}
}

func TestActorsAreNeverCopiedNorDropped(t *testing.T) {
	s := newScript(t)
	s.join("u", "v")
	d := onWorker("a", "u")
	d.Actor = true
	s.submit("a", d)
	s.finish("u", "a")
	s.replica("v", "a")
	s.skip()
	s.runManager()
	s.do(Replicate{ID: 1, Keys: ks("a"), Timeout: time.Second})
	s.expect()
	s.do(Retire{ID: 2, Address: "u", Timeout: time.Second})
	if got := s.done(); !strings.Contains(got, "2 "+ErrandStranded) {
		t.Errorf("ends: %s", got)
	}
}

func TestReplicateCopiesAsATreeAndPins(t *testing.T) {
	s := newScript(t)
	var names []string
	for i := range 8 {
		names = append(names, fmt.Sprintf("w%d", i))
	}
	s.join(names...)
	s.scatter("c", "w0", "x")
	s.skip()
	s.do(Replicate{ID: 1, Keys: ks("x"), Timeout: time.Minute})
	s.expect("w1: fetch x=[w0]", "w2: fetch x=[w0]") // two from each
	s.replica("w1", "x")
	if n := len(s.lines); n != 3 {
		t.Errorf("with two holders %d more were asked: %q", n, s.lines)
	}
	for range 3 {
		for _, l := range slices.Clone(s.lines) {
			name, _, _ := strings.Cut(l, ":")
			s.replica(name, "x")
		}
	}
	s.replica("w2", "x")
	for _, n := range names {
		s.replica(n, "x")
	}
	if got := s.done(); got != "1 OK" {
		t.Fatalf("ends: %s", got)
	}
	s.skip()
	s.wait(time.Minute)
	s.expect() // the manager leaves them all
	s.do(Replicate{ID: 2, Keys: ks("x"), N: 3, Timeout: time.Minute})
	if n := len(strings.Fields(s.holding("x"))); n != 3 || s.done() != "2 OK" {
		t.Errorf("x has %d copies, want 3", n)
	}
	s.wait(time.Minute)
	if n := len(strings.Fields(s.holding("x"))); n != 3 {
		t.Errorf("the manager left %d copies, want 3", n)
	}
	s.replica("w7", "x")
	s.do(Replicate{ID: 3, Keys: ks("x"), N: 1, Timeout: time.Minute})
	if n := len(strings.Fields(s.holding("x"))); n != 1 || s.done() != "3 OK" {
		t.Errorf("x has %d copies, want 1", n)
	}
}

func TestReplicateAmongSomeAndWhatItCannotDo(t *testing.T) {
	s := newScript(t)
	s.join("u", "v", "w")
	s.scatter("c", "u", "x")
	s.do(Replicate{ID: 1, Keys: ks("x"), N: 1, Workers: []string{"w"}, Timeout: time.Minute})
	s.replica("w", "x")
	if got := s.holding("x"); got != "u w" || s.done() != "1 OK" {
		t.Errorf("x is on %s", got)
	}
	s.submit("y", "y")
	s.do(Replicate{ID: 2, Keys: ks("x", "y", "z"), Timeout: time.Minute})
	if got := s.done(); got != "2 partial-fail y z" {
		t.Errorf("ends: %s", got)
	}
	s.do(Replicate{ID: 3, Keys: ks("x"), Workers: []string{"nobody"}, Timeout: time.Minute})
	if got := s.done(); got != "3 partial-fail" {
		t.Errorf("ends: %s", got)
	}
	s.do(Replicate{ID: 4, Keys: ks("x"), Timeout: time.Minute})
	s.release("x") // nobody wants it any more
	if got := s.done(); got != "4 OK" {
		t.Errorf("ends: %s", got)
	}
}

// No word ever comes of a copy: somebody else is asked, and the errand ends.
func TestCopiesThatNeverArriveAreGivenUp(t *testing.T) {
	s := newScript(t)
	s.join("u", "v", "w")
	s.scatter("c", "u", "x")
	s.use("v", 1)
	s.use("w", 100)
	s.skip()
	s.do(Replicate{ID: 1, Keys: ks("x"), N: 2, Timeout: time.Minute})
	s.expect("v: fetch x=[u]")
	s.now = s.now.Add(9 * time.Second)
	s.use("w", 100)
	s.wait(2 * time.Second)
	s.expect("w: fetch x=[u]")
	s.replica("w", "x")
	if got := s.done(); got != "1 OK" {
		t.Errorf("ends: %s", got)
	}
	s.skip()
	s.do(Replicate{ID: 2, Keys: ks("x"), Timeout: 20 * time.Second})
	s.lose("v") // while it should fetch
	if got := s.done(); got != "2 OK" {
		t.Errorf("ends: %s", got) // all that there are have it
	}
	s.join("z")
	s.do(Replicate{ID: 3, Keys: ks("x"), Timeout: 5 * time.Second})
	s.wait(6 * time.Second)
	if got := s.done(); got != "3 partial-fail x" {
		t.Errorf("ends: %s", got)
	}
}

func TestErrandsExcludeEachOther(t *testing.T) {
	s := newScript(t)
	s.join("u", "v", "w")
	s.scatter("c", "u", "x", "y")
	s.do(Replicate{ID: 1, Keys: ks("x"), N: 2, Workers: []string{"u", "v"}, Timeout: time.Minute})
	s.skip()
	s.do(Retire{ID: 2, Address: "u", Timeout: time.Minute})
	s.do(Retire{ID: 3, Address: "v", Timeout: time.Minute})
	s.do(Rebalance{ID: 4, Timeout: time.Minute})
	s.expect()
	if w, _ := s.m.Worker("u"); w.Status != "running" {
		t.Errorf("u is %s while it is being copied from", w.Status)
	}
	s.replica("v", "x")
	s.expect("u: status closing_gracefully", "v: status closing_gracefully", "w: fetch y=[u] x=[u v]") // x is to have two copies
	if got := s.done(); got != "1 OK" {
		t.Errorf("ends: %s", got)
	}
	s.replica("w", "x", "y")
	if got := s.done(); got != "2 OK; 3 OK; 4 OK" {
		t.Errorf("ends: %s", got)
	}
	s.join("z")
	s.do(Replicate{ID: 5, Keys: ks("x"), N: 9, Timeout: time.Minute})
	s.do(Rebalance{ID: 6, Timeout: time.Minute})
	s.do(AbandonErrand{ID: 6})
	s.replica("z", "x")
	if got := s.done(); got != "5 OK" {
		t.Errorf("ends: %s", got)
	}
}

func TestAllHoldersAreTold(t *testing.T) {
	s := newScript(t)
	s.scatter("c", "nobody", "nothing")
	for i := range 30 {
		s.join(fmt.Sprint("w", i))
	}
	s.scatter("c", "w0", "x")
	for i := range 30 {
		s.replica(fmt.Sprint("w", i), "x")
	}
	if n := len(s.m.WhoHas(ks("x"))[0].Addresses); n != 30 {
		t.Errorf("%d of 30 holders are told", n)
	}
}
