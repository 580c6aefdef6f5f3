package workerrt

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// TestComesBackWithItsData after the connection ended, whatever ended it.
func TestComesBackWithItsData(t *testing.T) {
	for name, end := range map[string]func(s *scheduler, ss *session){
		"hangs up": func(s *scheduler, _ *session) { s.hangUp() },
		"knows it no more": func(s *scheduler, _ *session) {
			first := true
			s.script(func() {
				s.pulse = func(*wire.HeartbeatWorker) any {
					if first {
						first = false
						return &wire.HeartbeatReply{Status: "missing"}
					}
					return &wire.HeartbeatReply{Status: "OK"}
				}
			})
		},
		"freezes for a while": func(s *scheduler, _ *session) {
			start := time.Now()
			s.script(func() {
				s.pulse = func(*wire.HeartbeatWorker) any {
					if time.Since(start) < 40*time.Second {
						return silent{}
					}
					return &wire.HeartbeatReply{Status: "OK"}
				}
			})
		},
		"sends garbage": func(_ *scheduler, ss *session) {
			_, _ = ss.c.NetConn().Write([]byte(strings.Repeat("x", 64)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScheduler(t, memSet(t))
				ended := make(chan error, 1)
				w, ss := s.start(Settings{NThreads: 2, Run: works{
					"a": value("kept"),
					"long": func(ctx context.Context, _ *Job) (any, error) {
						<-ctx.Done()
						ended <- ctx.Err()
						return nil, ctx.Err()
					},
				}.run})
				ss.send(compute("a"), compute("long"))
				finished(t, ss, "a")
				end(s, ss)
				back := s.joined()
				if err := <-ended; err == nil {
					t.Error("a task of the lost session was not cancelled")
				}
				held := back.reg.Held
				if len(held) != 1 || held[0].Key.String() != "a" || held[0].Nbytes <= 0 {
					t.Errorf("came back with %v", held)
				}
				if back.reg.Address != w.Address() || back.reg.ServerID != ss.reg.ServerID || back.reg.Status != "running" {
					t.Errorf("came back as %+v", back.reg)
				}
				if got := result[string](t, w, "a"); got != "kept" {
					t.Errorf("got %q", got)
				}
				back.send(compute("next"))
				finished(t, back, "next")
			})
		})
	}
}

// TestGivesUpOnAScheduler that does not come back in time, or need not be waited for.
func TestGivesUpOnAScheduler(t *testing.T) {
	for name, k := range map[string]struct {
		rejoin time.Duration
		within time.Duration
		end    func(*scheduler)
	}{
		"killed":            {0, 31 * time.Second, func(s *scheduler) { s.kill() }},
		"no rejoin":         {-1, time.Second, func(s *scheduler) { s.hangUp() }},
		"refuses":           {time.Hour, 5 * time.Second, func(s *scheduler) { refuse(s); s.hangUp() }},
		"frozen for good":   {0, 100 * time.Second, freeze},
		"frozen, impatient": {-1, 40 * time.Second, freeze},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScheduler(t, memSet(t))
				w, ss := s.start(Settings{Rejoin: k.rejoin, Run: works{}.run})
				ss.send(compute("a"))
				finished(t, ss, "a")
				start := time.Now()
				k.end(s)
				ends(t, w)
				if took := time.Since(start); took > k.within {
					t.Errorf("gave up after %v, want %v at most", took, k.within)
				}
				if err := w.Err(); err == nil || !strings.Contains(err.Error(), "connection to the scheduler") {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func refuse(s *scheduler) {
	s.script(func() {
		s.greet = func(*wire.RegisterWorker) any { return &wire.RegisterWorkerReply{Status: "error", Message: "go away"} }
	})
}

func freeze(s *scheduler) {
	s.script(func() {
		s.greet = func(*wire.RegisterWorker) any { return silent{} }
		s.pulse = func(*wire.HeartbeatWorker) any { return silent{} }
		s.retire = func(wire.Opaque) any { return silent{} }
	})
}

// TestStopWhileComingBack must not wait for the scheduler.
func TestStopWhileComingBack(t *testing.T) {
	for name, end := range map[string]func(*scheduler){
		"gone":   func(s *scheduler) { s.kill() },
		"frozen": func(s *scheduler) { freeze(s); s.hangUp() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScheduler(t, memSet(t))
				w, ss := s.start(Settings{Rejoin: time.Hour, Run: works{}.run})
				ss.send(compute("a"))
				finished(t, ss, "a")
				end(s)
				synctest.Wait()
				start := time.Now()
				if err := w.Stop(t.Context(), "test"); err != nil || w.Err() != nil {
					t.Errorf("%v, %v", err, w.Err())
				}
				if took := time.Since(start); took > farewellPatience {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// TestLeavesWhenTheSchedulerEndsWhileItRetires: there is nobody to come back to.
func TestLeavesWhenTheSchedulerEndsWhileItRetires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		w, ss := s.start(Settings{Run: works{}.run})
		s.script(func() { s.retire = func(wire.Opaque) any { return silent{} } })
		ss.send(compute("a"))
		finished(t, ss, "a")
		drained := make(chan error)
		go func() { drained <- w.Drain(t.Context()) }()
		synctest.Wait()
		start := time.Now()
		s.hangUp()
		ends(t, w)
		<-drained
		if took := time.Since(start); took > farewellPatience {
			t.Errorf("took %v", took)
		}
	})
}

// TestSchedulerThatDoesNotRead is lost after a while, like one that is dead.
func TestSchedulerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScheduler(t, memSet(t))
		deaf := true
		s.script(func() {
			s.greet = func(*wire.RegisterWorker) any {
				if deaf { // "OK", and then it reads no more
					deaf = false
					return &stuckAfter{}
				}
				return &wire.RegisterWorkerReply{Status: "OK"}
			}
		})
		w, ss := s.start(Settings{Run: works{}.run})
		ss.send(compute("a"))
		finished(t, ss, "a")
		if w.Status() != "running" {
			t.Errorf("status %s", w.Status())
		}
	})
}
