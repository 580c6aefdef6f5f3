package supervise

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gdask/gdask/plugins/launch"
)

// verdict is why the watch over a process ended.
type verdict struct {
	wanted bool          // somebody asked for it
	clean  bool          // the work ended by itself, without an error
	reason launch.Reason // set for what the exit itself does not tell
	err    error         // what the plugin said
	ask    stopRequest   // the request, when wanted
	kill   bool          // no use asking: kill at once
	killed bool          // it did not end by itself: we killed it
	cycle  *cycle        // the request for another process, when there is one
}

// watch returns when the process has to end or has ended.
func (s *Supervisor) watch(inst Instance) verdict {
	ctx, cancel := context.WithCancel(context.Background())
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer cancel()
	tick := time.NewTicker(s.set.HealthEvery)
	defer tick.Stop()
	answers, asking, misses := make(chan error, 1), false, 0
	for {
		select {
		case ask := <-s.stop:
			return verdict{wanted: true, ask: ask}
		case c := <-s.cycle:
			return verdict{ask: c.ask, cycle: c}
		case <-inst.Done():
			return verdict{clean: cleanExit(inst)}
		case <-inst.Ended():
			return ended(inst)
		case kill := <-s.terminate:
			return verdict{reason: launch.ReasonOOM, kill: kill}
		case <-tick.C:
			if !asking {
				asking = true
				helpers.Go(func() { answers <- s.probe(ctx, inst) })
			}
		case err := <-answers:
			asking = false
			if err == nil {
				misses = 0
			} else if misses++; misses >= s.set.HealthMisses {
				return verdict{reason: launch.ReasonFrozen, kill: true, err: err}
			}
		}
	}
}

// guard has the memory of the process watched until the returned function is
// called: longer than the watch, because a process that was told to end for its
// memory may go on growing.
func (s *Supervisor) guard(inst Instance) (end func()) {
	if s.set.Memory == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var watcher sync.WaitGroup
	watcher.Go(func() { s.set.Memory(ctx, inst.Pid(), s.overLimit(ctx)) })
	return func() {
		cancel()
		watcher.Wait()
	}
}

// overLimit is what the memory watcher calls; it never blocks it for longer than
// the process lives.
func (s *Supervisor) overLimit(ctx context.Context) func(kill bool) {
	return func(kill bool) {
		select {
		case s.terminate <- kill:
		case <-ctx.Done():
		}
	}
}

// probe asks the process whether it is well, for at most the deadline.
func (s *Supervisor) probe(ctx context.Context, inst Instance) error {
	ctx, cancel := context.WithTimeout(ctx, s.set.HealthDeadline)
	defer cancel()
	return inst.Health(ctx)
}

// cleanExit reports whether a process that ended on its own had finished its
// work and said so.
func cleanExit(inst Instance) bool {
	select {
	case <-inst.Ended():
		return inst.EndErr() == nil && inst.Exit().Code == 0
	default:
		return false
	}
}

// ended tells a worker that was closed from one that gave up. The process may be
// dying under it: then its exit tells more.
func ended(inst Instance) verdict {
	err := inst.EndErr()
	if err == nil {
		return verdict{clean: true, reason: launch.ReasonShutdown}
	}
	return verdict{err: err}
}

// sleep waits before a restart; false when a stop came first.
func (s *Supervisor) sleep(d time.Duration) bool {
	t := time.NewTimer(jitter(d, rand.Float64()))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case c := <-s.cycle: // what it asks for is about to happen: do it now
		close(c.ended)
		return true
	case <-s.stop:
		return false
	}
}

// errStopped ends a relaunch because of a stop.
var errStopped = errors.New("stopped")

// relaunch starts the next process; a stop ends the attempt.
func (s *Supervisor) relaunch(old Instance) (Instance, error) {
	s.enter(Starting, old)
	s.drainTerminate()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	type result struct {
		inst Instance
		err  error
	}
	got := make(chan result, 1)
	go func() {
		inst, err := s.set.Launch(ctx)
		got <- result{inst, err}
	}()
	select {
	case r := <-got:
		if r.err == nil {
			s.count(r.inst)
		}
		return r.inst, r.err
	case ask := <-s.stop:
		give := time.AfterFunc(startGrace, cancel)
		defer give.Stop()
		defer context.AfterFunc(ask.ctx, cancel)()
		if r := <-got; r.err == nil { // it has joined: it may hold something already
			s.finish(r.inst, verdict{wanted: true, ask: ask})
		}
		return nil, errStopped
	}
}

// startGrace is how long a start may go on that is not wanted any more: one that
// is nearly done can be ended politely.
const startGrace = 500 * time.Millisecond

// count publishes one more restart.
func (s *Supervisor) count(inst Instance) {
	snap := s.Snapshot()
	snap.Restarts++
	snap.State, snap.Pid, snap.Worker = Ready, inst.Pid(), inst.Worker()
	s.show(snap)
}

// drainTerminate forgets what the memory watcher said of the last process.
func (s *Supervisor) drainTerminate() {
	for {
		select {
		case <-s.terminate:
		default:
			return
		}
	}
}
