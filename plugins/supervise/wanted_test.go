package supervise

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestWantedEndsAreToldFirst: before a process ends that was to, also one that is
// frozen and has to be killed; not when it ends for any other reason.
func TestWantedEndsAreToldFirst(t *testing.T) {
	for name, c := range map[string]struct {
		frozen bool
		end    func(t *testing.T, s *Supervisor, f *fake)
		want   bool
	}{
		"stop":             {false, func(t *testing.T, s *Supervisor, _ *fake) { stop(t, s) }, true},
		"stop, frozen":     {true, func(t *testing.T, s *Supervisor, _ *fake) { stop(t, s) }, true},
		"kill":             {false, kill, true},
		"kill, frozen":     {true, kill, true},
		"restart, frozen":  {true, restart, true},
		"its last":         {false, func(_ *testing.T, s *Supervisor, _ *fake) { s.Gracefully() }, true},
		"its work is done": {false, func(_ *testing.T, _ *Supervisor, f *fake) { f.finishWork(nil) }, true},
		"it gave up":       {false, func(_ *testing.T, _ *Supervisor, f *fake) { f.finishWork(errors.New("no")) }, false},
		"it crashed":       {false, func(_ *testing.T, _ *Supervisor, f *fake) { f.die(-1, "killed") }, false},
		"it left":          {false, func(_ *testing.T, _ *Supervisor, f *fake) { f.die(0, "") }, false},
		"frozen":           {true, func(*testing.T, *Supervisor, *fake) { pass(time.Minute) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNursery()
				n.setup = func(number int, f *fake) {
					if c.frozen && number == 1 {
						frozen(f)
					}
				}
				set := n.settings()
				set.Policy = Policy{Mode: Never}
				var first *fake
				note, dead := set.OnWanted, false
				set.OnWanted = func(e *ExitError) {
					dead = dead || e.Pid == 1 && isClosed(first.Done())
					note(e)
				}
				s := n.start(t, set)
				first = <-n.born
				c.end(t, s, first)
				pass(time.Second)
				n.mu.Lock()
				asked := slices.Clone(n.asked)
				n.mu.Unlock()
				if (len(asked) > 0) != c.want || dead {
					t.Errorf("told of %+v, want it told: %v, before its end: %v", asked, c.want, !dead)
				}
				if e := asked; len(e) > 0 && (e[0].Pid != 1 || e[0].Worker != "tcp://127.0.0.1:1" || !e[0].Wanted) {
					t.Errorf("told of %+v", e[0])
				}
				_ = s.Stop(within(t, time.Minute), "the test is over") // an error of those that ended badly
			})
		})
	}
}

func kill(t *testing.T, s *Supervisor, _ *fake) {
	t.Helper()
	if err := s.Kill(within(t, 20*time.Second), "asked"); err != nil {
		t.Error(err)
	}
}

func restart(t *testing.T, s *Supervisor, _ *fake) {
	t.Helper()
	if err := s.Restart(within(t, 20*time.Second), "asked"); err != nil {
		t.Error(err)
	}
}

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}
