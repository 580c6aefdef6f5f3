package supervise

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdask/gdask/plugins/launch"
)

// The rungs of the ladder are taken one by one, each only when the one before
// has not helped.
func TestKillLadder(t *testing.T) {
	const reason = "shutdown within 7.5s: scaled down"
	tests := []struct {
		name  string
		setup func(f *fake)
		want  []string
	}{
		{"agrees and ends", func(*fake) {}, []string{"0s " + reason, "0s close"}},
		{"agrees and stays", func(f *fake) { f.shutdown = func(context.Context) error { return nil } },
			[]string{"0s " + reason, "1s terminated", "1s close"}},
		{"refuses", func(f *fake) { f.shutdown = func(context.Context) error { return errTest } },
			[]string{"0s " + reason, "0s terminated", "0s close"}},
		{"does not answer", func(f *fake) { f.shutdown = hang },
			[]string{"0s " + reason, "7.5s terminated", "7.5s close"}},
		{"deaf, but well", func(f *fake) { f.shutdown, f.signal = hang, deaf },
			[]string{"0s " + reason, "7.5s terminated", "8.75s close"}},
		{"frozen", frozen, []string{"0s " + reason, "6s close"}},
		{"dead already", func(f *fake) { f.shutdown = func(context.Context) error { f.die(1, ""); return errTest } },
			[]string{"0s " + reason, "0s terminated", "0s close"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNursery()
				n.setup = func(_ int, f *fake) { tt.setup(f) }
				s := n.start(t, n.settings())
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if err := s.Stop(ctx, "scaled down"); err != nil {
					t.Error(err)
				}
				if got := (<-n.born).said(); !slices.Equal(got, tt.want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				state(t, s, Stopped, 1, 0)
				if len(n.told()) != 0 {
					t.Errorf("a wanted end was reported: %v", n.told())
				}
			})
		})
	}
}

func TestStopWithoutDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		n.setup = func(_ int, f *fake) { frozen(f) }
		s := n.start(t, n.settings())
		if err := s.Stop(t.Context(), "bye"); err != nil {
			t.Error(err)
		}
		want := []string{"0s shutdown within 10s: bye", "6s close"}
		if got := (<-n.born).said(); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// What is frozen is killed when the time of the request is over, whether it
// runs out or is cut short.
func TestStopIsBounded(t *testing.T) {
	for _, cut := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := newNursery()
			n.setup = func(_ int, f *fake) { frozen(f) }
			s := n.start(t, n.settings())
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			limit := 2 * time.Second
			if cut {
				limit = 100 * time.Millisecond
				time.AfterFunc(limit, cancel)
			}
			start := time.Now()
			if err := s.Stop(ctx, "bye"); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took > limit {
				t.Errorf("cut %v: took %v, want %v at most", cut, took, limit)
			}
			state(t, s, Stopped, 1, 0)
		})
	}
}

// unreapable is a process that the system does not give back, as one in
// uninterruptible sleep.
type unreapable struct {
	*fake
	release chan struct{}
}

func (u unreapable) Close() { <-u.release }

func TestStopGivesUpOnWhatCannotBeReaped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := unreapable{newFake(1), make(chan struct{})}
		frozen(u.fake)
		set := newNursery().settings()
		set.Launch = func(context.Context) (Instance, error) { return u, nil }
		s, err := Start(t.Context(), set)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err = s.Stop(ctx, "bye")
		if took := time.Since(start); took != time.Second+reapLimit {
			t.Errorf("took %v", took)
		}
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "process 1 cannot be reaped") {
			t.Errorf("got %v", err)
		}
		close(u.release)
		<-s.Done()
	})
}

func TestStopTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		s := n.start(t, n.settings())
		f := <-n.born
		f.shutdown = func(context.Context) error {
			pass(time.Second)
			f.die(0, "")
			return nil
		}
		got := make(chan error, 3)
		for range cap(got) {
			go func() { got <- s.Stop(t.Context(), "bye") }()
		}
		for range cap(got) {
			if err := <-got; err != nil {
				t.Error(err)
			}
		}
		if err := s.Stop(t.Context(), "again"); err != nil {
			t.Error(err)
		}
		if want := []string{"0s shutdown within 10s: bye", "1s close"}; !slices.Equal(f.said(), want) {
			t.Errorf("got %q, want %q", f.said(), want)
		}
	})
}

func TestStopDuringBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		set := n.settings()
		set.Policy.First = time.Minute
		set.Policy.Most = time.Minute
		s := n.start(t, set)
		(<-n.born).die(1, "")
		synctest.Wait()
		state(t, s, Backoff, 1, 0)
		start := time.Now()
		stop(t, s)
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
		state(t, s, Stopped, 1, 0)
		if len(n.started()) != 1 || s.Err() != nil {
			t.Errorf("%d starts, %v", len(n.started()), s.Err())
		}
	})
}

// A stop during a relaunch cancels it after a moment; what comes up nevertheless is
// ended like any other.
func TestStopDuringRelaunch(t *testing.T) {
	for _, late := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := newNursery()
			set := n.settings()
			second := newFake(2)
			set.Launch = func(ctx context.Context) (Instance, error) {
				if len(n.started()) == 0 {
					return n.launch(ctx)
				}
				<-ctx.Done()
				if late {
					return second, nil
				}
				return nil, ctx.Err()
			}
			s := n.start(t, set)
			(<-n.born).die(1, "")
			pass(time.Second)
			state(t, s, Starting, 1, 0)
			stop(t, s)
			state(t, s, Stopped, 1, 0)
			polite := []string{"1.5s shutdown within 44.625s: the test is over", "1.5s close"}
			if got := second.said(); late && !slices.Equal(got, polite) || !late && got != nil {
				t.Errorf("late %v: the second process was told %q", late, got)
			}
			if len(n.told()) != 1 || s.Err() != nil {
				t.Errorf("late %v: %d reports, %v", late, len(n.told()), s.Err())
			}
		})
	}
}

func TestFrozenIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		n.setup = func(number int, f *fake) {
			if number == 1 {
				frozen(f)
			}
		}
		s := n.start(t, n.settings())
		f := <-n.born
		pass(17 * time.Second) // the probes at 5, 10 and 15 s get 2 s each
		if want := []string{"17s close"}; !slices.Equal(f.said(), want) {
			t.Errorf("got %q, want %q: no use talking to it", f.said(), want)
		}
		pass(time.Second)
		state(t, s, Ready, 2, 1)
		told := n.told()
		if len(told) != 1 || told[0].Reason != launch.ReasonFrozen || !errors.Is(told[0], context.DeadlineExceeded) || !told[0].Restart {
			t.Errorf("told of %+v", told)
		}
		stop(t, s)
	})
}

// Only misses in a row count, and a slow probe is not doubled.
func TestProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		asked, pending := 0, 0
		n.setup = func(_ int, f *fake) {
			f.health = func(ctx context.Context) error {
				if pending++; pending > 1 {
					t.Error("two probes at once")
				}
				defer func() { pending-- }()
				if asked++; asked%3 == 0 {
					return nil
				}
				return hang(ctx)
			}
		}
		set := n.settings()
		set.HealthEvery, set.HealthDeadline = time.Second, 2500*time.Millisecond
		s := n.start(t, set)
		pass(time.Hour)
		state(t, s, Ready, 1, 0)
		if asked < 1000 {
			t.Errorf("%d probes in an hour", asked)
		}
		stop(t, s)
	})
}

// A stop does not wait for a probe that hangs.
func TestStopDuringAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		n.setup = func(_ int, f *fake) { f.health = hang }
		s := n.start(t, n.settings())
		pass(6 * time.Second)
		start := time.Now()
		stop(t, s)
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}
