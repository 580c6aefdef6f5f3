package coord

import (
	"fmt"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

func (w *world) semaphore(maximum int) {
	w.do(SemaphoreRegister{w.by(ann), x, maximum, 30 * time.Second})
}

func (w *world) acquire(o Owner, lease string) Ticket {
	return w.do(SemaphoreAcquire{w.by(o), x, lease})
}

func TestSemaphoreIsFair(t *testing.T) {
	w := newWorld(t)
	w.want(w.acquire(ann, "a"), "RuntimeError")
	w.semaphore(2)
	w.want(w.acquire(ann, "a"), "ok")
	w.want(w.acquire(ann, "a"), "ok") // the same, asked again
	w.want(w.acquire(bob, "b"), "ok")
	c, d := w.acquire(ann, "c"), w.acquire(eve, "d")
	w.do(SemaphoreRelease{w.by(bob), x, "b", true})
	w.want(c, "ok")
	w.want(d, "waits")
	again := w.acquire(eve, "d") // its first request was lost with its connection
	w.want(d, "late")
	w.do(SemaphoreRelease{w.by(ann), x, "a", true})
	w.want(again, "ok")
	if n := w.answers[w.do(SemaphoreValue{w.by(ann), x})].N; n != 2 {
		t.Errorf("%d leases", n)
	}
}

func TestSemaphoreRefusals(t *testing.T) {
	w := newWorld(t)
	w.semaphore(1)
	w.want(w.do(SemaphoreRegister{Caller: w.by(bob), Name: x, Max: 2}), "ValueError")
	w.want(w.do(SemaphoreRegister{Caller: w.by(bob), Name: wire.StrKey("y"), Max: 0}), "ValueError")
	w.acquire(ann, "a")
	w.want(w.do(SemaphoreRelease{w.by(ann), x, "a", true}), "ok")
	w.want(w.do(SemaphoreRelease{w.by(ann), x, "a", true}), "RuntimeError")
	w.want(w.do(SemaphoreRelease{w.by(eve), x, "a", false}), "ok") // as Dask does
	w.acquire(ann, "a")
	waits := w.acquire(bob, "b")
	w.do(SemaphoreClose{w.by(bob), x})
	w.want(waits, "RuntimeError")
}

// TestLeaseLivesWithItsHolder: a holder with a session needs no refresh, and
// its death gives the lease on at once.
func TestLeaseLivesWithItsHolder(t *testing.T) {
	w := newWorld(t)
	w.semaphore(1)
	w.acquire(ann, "a")
	waits := w.acquire(bob, "b")
	for range 100 {
		w.pass(time.Minute)
	}
	w.want(waits, "waits")
	w.do(ClientGone{"ann", "h"})
	w.want(waits, "ok")
	a := w.answers[w.do(SemaphoreRefresh{w.by(ann), x, []string{"a", "b"}})]
	if fmt.Sprint(a.Lost) != "[a]" {
		t.Errorf("lost %v, want a", a.Lost)
	}
}

func TestLeaseOfUnnamedHolder(t *testing.T) {
	for name, c := range map[string]struct {
		during func(*world)
		after  time.Duration
		want   string
	}{
		"not refreshed": {nil, 41 * time.Second, "ok"},
		"not yet over":  {nil, 29 * time.Second, "waits"},
		"refreshed":     {func(w *world) { w.pass(20 * time.Second); w.do(SemaphoreRefresh{w.by(eve), x, []string{"a"}}) }, 29 * time.Second, "waits"},
		"the scheduler stood still": {func(w *world) {
			w.now = w.now.Add(time.Hour)
			w.do(Tick{Stopped: time.Hour})
		}, 29 * time.Second, "waits"},
		"its connection ended": {func(w *world) { w.do(ConnEnded{eve}) }, 13 * time.Second, "ok"},
		"it shows itself again": {func(w *world) {
			w.do(ConnEnded{eve})
			w.do(SemaphoreRefresh{w.by(Owner{Conn: 9, Host: "h"}), x, []string{"a"}})
		}, 29 * time.Second, "waits"},
		"another's death":  {func(w *world) { w.do(WorkerGone{"h"}) }, 13 * time.Second, "waits"},
		"its process died": {func(w *world) { w.do(WorkerGone{"h"}); w.do(ConnEnded{eve}) }, 13 * time.Second, "ok"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.semaphore(1)
			w.pass(0)
			w.acquire(eve, "a")
			waits := w.acquire(bob, "b")
			if c.during != nil {
				c.during(w)
			}
			w.pass(c.after)
			w.want(waits, c.want)
		})
	}
}

func TestUnusedSemaphoreIsForgotten(t *testing.T) {
	w := newWorld(t)
	w.semaphore(1)
	w.acquire(ann, "a")
	w.do(ClientGone{Client: "ann"})
	w.pass(9 * time.Minute)
	if len(w.m.Semaphores()) != 1 {
		t.Error("forgotten too soon")
	}
	w.want(w.do(SemaphoreRegister{w.by(bob), x, 3, 0}), "ok") // nobody uses the old one
	w.do(ClientGone{Client: "bob"})
	w.pass(11 * time.Minute)
	if err := w.m.empty(); err != nil {
		t.Error(err)
	}
}

func TestSemaphoreFigures(t *testing.T) {
	w := newWorld(t)
	w.semaphore(1)
	w.acquire(ann, "a")
	w.acquire(bob, "b")
	w.acquire(eve, "c")
	w.now = w.now.Add(4 * time.Second)
	w.do(SemaphoreRelease{w.by(ann), x, "a", true})
	want := []SemaphoreFigures{{Name: "x", Max: 1, Active: 1, Pending: 1, Acquired: 2, Released: 1, AveragePending: 2 * time.Second}}
	if got := w.m.Semaphores(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func locks(names ...string) (ks []wire.Key) {
	for _, n := range names {
		ks = append(ks, wire.StrKey(n))
	}
	return ks
}

func TestMultiLock(t *testing.T) {
	w := newWorld(t)
	multi := func(o Owner, id string, need int, names ...string) Ticket {
		return w.do(MultiAcquire{w.by(o), locks(names...), id, need})
	}
	w.want(multi(ann, "1", 2, "a", "b"), "ok")
	second := multi(bob, "2", 2, "b", "c")
	third := multi(eve, "3", 1, "a", "c")
	w.want(second, "waits")
	w.want(third, "waits")
	w.want(multi(ann, "4", 1, "a", "d"), "ok") // d is free, a is not wanted any more
	w.want(multi(ann, "1", 1, "z"), "ValueError")
	w.want(multi(ann, "5", 3, "a", "b"), "ValueError")
	w.want(multi(ann, "5", 0), "ValueError")
	w.want(w.do(MultiRelease{w.by(bob), "2"}), "KeyError")
	w.do(ClientGone{Client: "ann"})
	w.want(second, "ok")
	w.want(third, "ok")
	w.do(Expire{second})
	w.want(w.do(MultiRelease{w.by(bob), "2"}), "ok")
	w.want(w.do(MultiRelease{w.by(bob), "2"}), "KeyError")
	w.do(ConnEnded{eve})
	w.do(WorkerGone{"h"})
	w.pass(time.Minute)
	if err := w.m.empty(); err != nil {
		t.Error(err)
	}
}
