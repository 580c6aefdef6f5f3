package supervise

import (
	"context"
	"os"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdask/gdask/plugins/launch"
)

// glutton is a memory watcher that says no to its first process after a second
// and, when asked to, to what still lives after another.
func glutton(insist bool) func(context.Context, int, func(bool)) {
	return func(ctx context.Context, pid int, terminate func(kill bool)) {
		if pid == 1 {
			<-time.After(time.Second)
			terminate(false)
			if insist {
				<-time.After(50 * time.Millisecond)
				terminate(false) // no reason to give up on TERM
				<-time.After(50 * time.Millisecond)
				terminate(true)
			}
		}
		<-ctx.Done()
	}
}

func TestMemoryLadder(t *testing.T) {
	ignores := func(f *fake) { f.signal = deaf }
	tests := []struct {
		name   string
		insist bool
		setup  func(f *fake)
		want   []string
		signal string
	}{
		{"ends", true, func(*fake) {}, []string{"1s terminated", "1s close"}, ""},
		{"ends before it has to", true, func(f *fake) {
			f.signal = func(f *fake, _ os.Signal) { time.AfterFunc(70*time.Millisecond, func() { f.die(0, "") }) }
		}, []string{"1s terminated", "1.07s close"}, ""},
		{"goes on growing", true, ignores, []string{"1s terminated", "1.1s close"}, "killed"},
		{"stays", false, ignores, []string{"1s terminated", "3s close"}, "killed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNursery()
				n.setup = func(_ int, f *fake) { tt.setup(f) }
				set := n.settings()
				set.Memory = glutton(tt.insist)
				s := n.start(t, set)
				pass(5 * time.Second)
				if got := (<-n.born).said(); !slices.Equal(got, tt.want) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				state(t, s, Ready, 2, 1)
				told := n.told()
				if len(told) != 1 || told[0].Reason != launch.ReasonOOM || !told[0].OOM || !told[0].Restart || told[0].Signal != tt.signal {
					t.Errorf("told of %+v", told)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_ = s.Stop(ctx, "bye") // that of a deaf process takes a kill
			})
		})
	}
}

// Who counts deaths hears of this one before the process can say farewell.
func TestMemoryIsToldBeforeTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		var before []*ExitError
		n.setup = func(_ int, f *fake) {
			f.signal = func(f *fake, _ os.Signal) {
				n.mu.Lock()
				before = slices.Clone(n.over)
				n.mu.Unlock()
				f.die(0, "")
			}
		}
		set := n.settings()
		set.Memory = glutton(true)
		s := n.start(t, set)
		pass(5 * time.Second)
		if len(before) != 1 || !before[0].OOM || before[0].Pid != 1 || before[0].Worker != "tcp://127.0.0.1:1" {
			t.Errorf("told of %+v", before)
		}
		stop(t, s)
	})
}

// A watcher that says kill at once is obeyed at once.
func TestMemoryKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		set := n.settings()
		set.Memory = func(ctx context.Context, pid int, terminate func(kill bool)) {
			if pid == 1 {
				terminate(true)
			}
			<-ctx.Done()
		}
		s := n.start(t, set)
		pass(time.Second)
		if want, got := []string{"0s close"}, (<-n.born).said(); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		state(t, s, Ready, 2, 1)
		stop(t, s)
	})
}

// What a watcher said of a process that died meanwhile does not reach the next
// one, and a watcher that talks on is not left behind.
func TestMemoryOfTheLastProcessIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		set := n.settings()
		set.Memory = func(ctx context.Context, pid int, terminate func(kill bool)) {
			for pid == 1 && ctx.Err() == nil {
				terminate(false)
			}
			<-ctx.Done()
		}
		s := n.start(t, set)
		pass(time.Minute)
		state(t, s, Ready, 2, 1)
		if got := (<-n.born).said(); len(got) != 2 {
			t.Errorf("the first was told %q", got)
		}
		if got := (<-n.born).said(); got != nil {
			t.Errorf("the second was told %q", got)
		}
		stop(t, s)
	})
}

// A stop comes before the memory: nobody needs to be told of such an end.
func TestStopOfAGlutton(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		n.setup = func(_ int, f *fake) { f.shutdown, f.signal = hang, deaf }
		set := n.settings()
		set.Memory = func(ctx context.Context, _ int, terminate func(kill bool)) {
			<-time.After(2 * time.Second)
			for range 5 {
				terminate(true)
			}
		}
		s := n.start(t, set)
		pass(time.Second)
		stop(t, s)
		if len(n.told()) != 0 {
			t.Errorf("told of %v", n.told())
		}
	})
}

func TestEvidenceOfLackOfMemory(t *testing.T) {
	kill := func(f *fake) { f.die(-1, syscall.SIGKILL.String()) }
	for _, tt := range []struct {
		name  string
		limit int64
		setup func(f *fake)
		want  bool
	}{
		{"killed near its limit", 1000, func(f *fake) { f.maxRSS = 900; kill(f) }, true},
		{"killed far from it", 1000, func(f *fake) { f.maxRSS = 899; kill(f) }, false},
		{"killed without a limit", 0, func(f *fake) { f.maxRSS = 1 << 40; kill(f) }, false},
		{"killed by the kernel", 0, func(f *fake) { f.ooms = 1; kill(f) }, true},
		{"ended by another signal near its limit", 1000, func(f *fake) { f.maxRSS = 900; f.die(-1, "aborted") }, false},
		{"exited near its limit", 1000, func(f *fake) { f.maxRSS = 900; f.die(1, "") }, false},
		{"the runtime said so", 0, func(f *fake) {
			f.stderr = []string{"a", "fatal error: runtime: out of memory", "b"}
			f.die(2, "")
		}, true},
		{"a log line said so", 0, func(f *fake) { f.stderr = []string{"[INFO] out of memory"}; f.die(1, "") }, false},
		{"another fatal error", 0, func(f *fake) { f.stderr = []string{"fatal error: all goroutines are asleep"}; f.die(2, "") }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNursery()
				n.setup = func(_ int, f *fake) { tt.setup(f) }
				set := n.settings()
				set.MemoryLimit, set.Policy.Mode = tt.limit, Never
				s := n.start(t, set)
				<-s.Done()
				if e := n.told()[0]; e.OOM != tt.want {
					t.Errorf("told of %+v", e)
				}
			})
		})
	}
}
