package supervise

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// within is a context that ends after so much fake time.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestRestartOnRequestCountsAgainstNoPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		set := n.settings()
		set.Policy = Policy{Max: 1}
		s := n.start(t, set)
		for i := range 5 {
			began := time.Now()
			if err := s.Restart(within(t, time.Minute), "as asked"); err != nil {
				t.Fatal(err)
			}
			state(t, s, Ready, i+2, i+1)
			if d := time.Since(began); d != 0 {
				t.Errorf("took %v: there is nothing to back off from, and nothing to poll", d)
			}
			f := <-n.born
			if got := f.said(); len(got) != 2 || !strings.Contains(got[0], "shutdown") || !strings.Contains(got[0], "as asked") {
				t.Errorf("the old process was told %q", got)
			}
		}
		if len(n.told()) > 0 {
			t.Errorf("reports of wanted ends: %v", n.told())
		}
		stop(t, s)
		if err := s.Kill(t.Context(), "too late"); !errors.Is(err, ErrEnded) {
			t.Errorf("a stopped one was killed: %v", err)
		}
	})
}

func TestKillOfAFrozenProcessIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		n.setup = func(i int, f *fake) {
			if i == 1 {
				frozen(f)
			}
		}
		s := n.start(t, n.settings())
		began := time.Now()
		if err := s.Kill(within(t, 5*time.Second), "restart"); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("took %v of 5 s", d)
		}
		if err := s.AwaitReady(within(t, time.Minute)); err != nil {
			t.Fatal(err)
		}
		state(t, s, Ready, 2, 1)
		stop(t, s)
	})
}

func TestKillDuringBackOffStartsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		set := n.settings()
		set.Policy = Policy{First: time.Hour, Most: time.Hour}
		s := n.start(t, set)
		(<-n.born).die(3, "")
		synctest.Wait()
		state(t, s, Backoff, 1, 0)
		if err := s.Restart(within(t, time.Second), "now"); err != nil {
			t.Fatal(err)
		}
		state(t, s, Ready, 2, 1)
		stop(t, s)
	})
}

func TestRestartThatFailsFollowsThePolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		n.refuse = func(i int) error {
			if i > 1 {
				return errTest
			}
			return nil
		}
		s := n.start(t, n.settings())
		err := s.Restart(within(t, time.Hour), "as asked")
		if !errors.Is(err, ErrEnded) || !errors.Is(err, errTest) {
			t.Errorf("got %v", err)
		}
		state(t, s, Failed, 1, 0)
	})
}

func TestGracefulEndIsNotRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		s := n.start(t, n.settings())
		s.Gracefully()
		(<-n.born).die(1, "")
		<-s.Done()
		state(t, s, Stopped, 1, 0)
		if s.Err() != nil || len(n.told()) > 0 {
			t.Errorf("ended with %v, reports %v", s.Err(), n.told())
		}
	})
}

// The nanny of Dask restarts a worker whose process ended with exit code 0 as well.
func TestExitCodeZeroIsRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		s := n.start(t, n.settings())
		(<-n.born).die(0, "")
		pass(time.Second)
		state(t, s, Ready, 2, 1)
		stop(t, s)
	})
}
