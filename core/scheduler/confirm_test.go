package scheduler

import (
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// TestItemsThatDidNotArriveGoBack in front, in their order; those whose arrival
// was confirmed do not.
func TestItemsThatDidNotArriveGoBack(t *testing.T) {
	s := start(t, nil)
	a := newAsker(t, s)
	a.must("queue_create", field{"name", "q"})
	for _, item := range []int{1, 2, 3, 4} {
		a.must("queue_put", field{"name", "q"}, field{"data", item})
	}
	take := func(batch any) *wire.Conn {
		t.Helper()
		c := dial(t, s)
		m, err := newAsk("queue_get", field{"name", "q"}, field{"batch", batch}, field{"confirm", true})
		if err == nil {
			_, err = c.CallRaw(m)
		}
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	size := func(n int) func() bool {
		return func() bool { return mustAsk(t, s, "queue_qsize", field{"name", "q"}) == int64(n) }
	}
	soon := func(n int) {
		t.Helper()
		for end := time.Now().Add(patience); !size(n)(); {
			if time.Now().After(end) {
				t.Fatalf("there are not %d items", n)
			}
		}
	}
	c := take(2)
	soon(2)
	_ = c.Close()
	soon(4)
	c = take(nil)
	if err := c.SendValue("OK"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CallRaw(&wire.UnknownMsg{Name: "check_idle"}); err != nil { // the conversation goes on
		t.Fatal(err)
	}
	_ = c.Close()
	for _, want := range []int64{2, 3, 4} {
		if got, _ := a.must("queue_get", field{"name", "q"}).(map[string]any); got["value"] != want {
			t.Errorf("got %v, want %d", got["value"], want)
		}
	}
	if !size(0)() {
		t.Error("the confirmed item is back")
	}
}

// TestLeaseTimeout: semaphores of gdask clients, which say none, have the
// scheduler's.
func TestLeaseTimeout(t *testing.T) {
	s := start(t, func(set *Settings) { set.LeaseTimeout, set.Coord.Validate = time.Millisecond, time.Nanosecond })
	a := newAsker(t, s)
	a.must("semaphore_register", field{"name", "default"}, field{"max_leases", 1})
	a.must("semaphore_register", field{"name", "own"}, field{"max_leases", 1}, field{"lease_timeout", "1 h"})
	for _, name := range []string{"default", "own"} {
		a.must("semaphore_acquire", field{"name", name}, field{"lease_id", "of nobody"})
	}
	eventually(t, s, "one lease ends, and the other stays", func() bool {
		f := s.loop.coord.m.Semaphores()
		return len(f) == 2 && f[0].Active == 0 && f[1].Active == 1
	})
}
