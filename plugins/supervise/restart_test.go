package supervise

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdask/gdask/plugins/launch"
)

func TestFirstStartIsNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		n.refuse = func(int) error { return errTest }
		if s, err := Start(t.Context(), n.settings()); !errors.Is(err, errTest) || s != nil {
			t.Errorf("got %v, %v", s, err)
		}
		pass(time.Hour)
		if len(n.started()) != 1 || len(n.told()) != 0 {
			t.Errorf("%d starts, reports %v", len(n.started()), n.told())
		}
	})
}

func TestRestartsWithBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		s := n.start(t, n.settings())
		state(t, s, Ready, 1, 0)
		for i := range 5 {
			f := <-n.born
			synctest.Wait()
			f.die(7, "")
			synctest.Wait()
			state(t, s, Backoff, i+1, i)
			if got := f.said(); len(got) != 1 || !strings.HasSuffix(got[0], "close") {
				t.Errorf("a dead process was told %q", got)
			}
		}
		<-n.born
		synctest.Wait()
		state(t, s, Ready, 6, 5)
		at := n.started()
		want := 200 * time.Millisecond
		for i := range 5 {
			near(t, "pause", at[i+1].Sub(at[i]), want)
			want *= 2
		}
		for _, e := range n.told() {
			if !e.Restart || e.Code != 7 || e.Reason != launch.ReasonExit || e.OOM {
				t.Errorf("told of %+v", e)
			}
		}
		stop(t, s)
		state(t, s, Stopped, 6, 5)
		if s.Err() != nil || len(n.told()) != 5 {
			t.Errorf("ended with %v after %d reports", s.Err(), len(n.told()))
		}
	})
}

func TestGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		n.setup = func(_ int, f *fake) { f.die(3, "") }
		set := n.settings()
		set.Policy = Policy{Max: 2, Window: time.Hour}
		s := n.start(t, set)
		<-s.Done()
		state(t, s, Failed, 3, 2)
		var exit *ExitError
		err := s.Err()
		if !errors.As(err, &exit) || exit.Code != 3 || exit.Pid != 3 || exit.Restart {
			t.Errorf("the error holds %+v", exit)
		}
		for _, want := range []string{"given up after more than 2 ends within 1h0m0s", `plugin "mycustom" (process 3)`, "exit code 3"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is missing in %q", want, err)
			}
		}
		told := n.told()
		if len(told) != 3 || !told[1].Restart || told[2].Restart {
			t.Errorf("told of %v", told)
		}
		if got := s.Stop(t.Context(), "late"); !errors.Is(got, err) {
			t.Errorf("a stop afterwards says %v", got)
		}
	})
}

// A restart that fails before the plugin was ready counts double, one whose
// process died by itself counts like any other end.
func TestFailedRestartsCount(t *testing.T) {
	refused := &launch.StartError{Plugin: "mycustom", Reason: launch.ReasonConfig, Err: errTest, Pid: 9, Stderr: []string{"bad"}}
	died := &launch.StartError{Plugin: "mycustom", Reason: launch.ReasonExit, Err: errTest, Pid: 9,
		Exit: &launch.Exit{Code: 4, Stderr: []string{"fatal error: runtime: out of memory"}}}
	for _, tt := range []struct {
		name   string
		err    error
		starts int
		report ExitError
	}{
		{"refused", refused, 3, ExitError{Pid: 9, Reason: launch.ReasonConfig, Code: -1}},
		{"died", died, 5, ExitError{Pid: 9, Reason: launch.ReasonExit, Code: 4, OOM: true}},
		{"other", errTest, 3, ExitError{Reason: launch.ReasonStart, Code: -1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNursery()
				n.setup = func(_ int, f *fake) { f.die(1, "") }
				n.refuse = func(number int) error {
					if number == 1 {
						return nil
					}
					return tt.err
				}
				set := n.settings()
				set.Policy = Policy{Max: 4, Window: time.Hour}
				s := n.start(t, set)
				<-s.Done()
				if got := len(n.started()); got != tt.starts {
					t.Errorf("%d starts, want %d", got, tt.starts)
				}
				state(t, s, Failed, 1, 0)
				told := n.told()
				last := told[len(told)-1]
				if last.Pid != tt.report.Pid || last.Reason != tt.report.Reason || last.Code != tt.report.Code || last.OOM != tt.report.OOM {
					t.Errorf("told of %+v, want %+v", last, tt.report)
				}
				if !errors.Is(s.Err(), errTest) {
					t.Errorf("ended with %v", s.Err())
				}
			})
		})
	}
}

func TestHealthyUptimeResetsTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		s := n.start(t, n.settings())
		for range 3 {
			(<-n.born).die(1, "")
		}
		f := <-n.born
		pass(61 * time.Second)
		before := time.Now()
		f.die(1, "")
		<-n.born
		near(t, "pause after a healthy minute", time.Since(before), 200*time.Millisecond)
		stop(t, s)
	})
}

func TestCleanEnds(t *testing.T) {
	for _, tt := range []struct {
		mode     string
		restarts int
		state    State
	}{
		{OnFailure, 0, Stopped}, {Never, 0, Stopped}, {Always, 1, Ready},
	} {
		t.Run(tt.mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNursery()
				set := n.settings()
				set.Policy.Mode = tt.mode
				s := n.start(t, set)
				f := <-n.born
				f.finishWork(nil)
				pass(time.Second)
				state(t, s, tt.state, 1+tt.restarts, tt.restarts)
				if got := f.said(); len(got) != 2 || !strings.Contains(got[0], "its work has ended") {
					t.Errorf("the process was told %q", got)
				}
				if got := len(n.told()); got != tt.restarts {
					t.Errorf("%d reports, want %d", got, tt.restarts)
				}
				stop(t, s)
				if s.Err() != nil {
					t.Error(s.Err())
				}
			})
		})
	}
}

// A process that ended by itself after its work, with exit code 0, has ended
// cleanly; one that only ended has not.
func TestEndWithoutGoodbyeIsAFailure(t *testing.T) {
	for _, work := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			n := newNursery()
			n.setup = func(_ int, f *fake) {
				if work {
					f.finishWork(nil)
				}
				f.die(0, "")
			}
			set := n.settings()
			set.Policy = Policy{Max: 1}
			s := n.start(t, set)
			<-s.Done()
			if (s.Err() == nil) != work {
				t.Errorf("work ended: %v, error: %v", work, s.Err())
			}
		})
	}
}

func TestNeverPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		n.setup = func(_ int, f *fake) { f.die(-1, "killed") }
		set := n.settings()
		set.Policy.Mode = Never
		s := n.start(t, set)
		<-s.Done()
		state(t, s, Failed, 1, 0)
		var exit *ExitError
		if !errors.As(s.Err(), &exit) || exit.Restart || strings.Contains(s.Err().Error(), "given up") {
			t.Errorf("ended with %v", s.Err())
		}
		if len(n.told()) != 1 || len(n.started()) != 1 {
			t.Errorf("%d reports, %d starts", len(n.told()), len(n.started()))
		}
	})
}

// The end of ctx of the start is no end of what was started.
func TestContextBoundsTheStartOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		ctx, cancel := context.WithCancel(t.Context())
		s, err := Start(ctx, n.settings())
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		pass(time.Hour)
		state(t, s, Ready, 1, 0)
		(<-n.born).die(1, "")
		pass(time.Second)
		state(t, s, Ready, 2, 1)
		stop(t, s)
	})
}
