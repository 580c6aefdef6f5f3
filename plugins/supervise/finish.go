package supervise

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"github.com/gdask/gdask/plugins/launch"
)

// Times of the kill ladder.
const (
	defaultGrace = 10 * time.Second       // when the request has no deadline
	afterAnswer  = time.Second            // from Shutdown's answer to the end of the process
	afterTerm    = 2 * time.Second        // from TERM to KILL at most
	afterEnd     = 500 * time.Millisecond // for a process whose work has ended, with an error
)

// finish ends the process, if it still lives, and frees everything. The ladder:
// Shutdown within the grace, TERM to the group, KILL to the group, reap. It is
// bounded by the request's deadline, or by the grace and two seconds, also when
// the process is frozen. It reports whether the process had to be killed.
func (s *Supervisor) finish(inst Instance, v verdict) (killed bool) {
	defer inst.Close()
	switch {
	case v.kill:
	case v.wanted, v.cycle != nil:
		s.wanted(inst.Worker(), inst.Pid())
		s.ask(inst, v.ask)
	case v.reason == launch.ReasonOOM:
		s.endForMemory(inst)
	case v.clean:
		s.wanted(inst.Worker(), inst.Pid())
		s.ask(inst, stopRequest{context.Background(), "its work has ended"})
	default:
		waitFor[bool](inst, nil, afterEnd) // let it say why
	}
	select {
	case <-inst.Done():
		return false
	default:
		return true
	}
}

// wanted tells that an end is, before it comes: a frozen process is killed and says
// no farewell, and what it ran is not to blame.
func (s *Supervisor) wanted(worker string, pid int) {
	if s.set.OnWanted != nil {
		s.set.OnWanted(&ExitError{Plugin: s.set.Plugin, Worker: worker, Pid: pid, Reason: launch.ReasonShutdown, Wanted: true})
	}
}

// endForMemory asks a process that exceeded its limit to end, until the memory
// watcher says that it must not live on or the time for that is over. What it
// says while it ends is no farewell: whoever counts deaths hears of this one first.
func (s *Supervisor) endForMemory(inst Instance) {
	if s.set.OnOver != nil {
		s.set.OnOver(&ExitError{
			Plugin: s.set.Plugin, Worker: inst.Worker(), Pid: inst.Pid(), Reason: launch.ReasonOOM, Code: -1,
			Signal: syscall.SIGTERM.String(), OOM: true,
		})
	}
	inst.Signal(syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(context.Background(), afterTerm)
	defer cancel()
	for {
		select {
		case <-inst.Done():
			return
		case kill := <-s.terminate:
			if kill {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// ask goes down the polite rungs of the ladder. A process that turns out to be
// frozen is spared the rest of them: it cannot hear.
func (s *Supervisor) ask(inst Instance, r stopRequest) {
	grace, term := split(r.ctx)
	ctx, cancel := context.WithTimeout(r.ctx, grace)
	defer cancel()
	frozen := false
	var probing sync.WaitGroup
	probing.Go(func() {
		if frozen = s.freezes(ctx, inst); frozen {
			cancel()
		}
	})
	err := inst.Shutdown(ctx, grace, r.reason)
	cancel()
	probing.Wait()
	if err == nil && waitFor(inst, r.ctx.Done(), afterAnswer) {
		return
	}
	if frozen || r.ctx.Err() != nil {
		return
	}
	inst.Signal(syscall.SIGTERM)
	waitFor(inst, r.ctx.Done(), term)
}

// freezes probes the process until it has missed too many probes in a row or ctx
// ends. A process that takes its time to hand its work on still answers them.
func (s *Supervisor) freezes(ctx context.Context, inst Instance) bool {
	for misses := 0; misses < s.set.HealthMisses; {
		start := time.Now()
		if s.probe(ctx, inst) == nil {
			misses = 0
		} else {
			misses++
		}
		ended := waitFor(inst, ctx.Done(), s.set.HealthDeadline-time.Since(start))
		if ended || ctx.Err() != nil {
			return false
		}
	}
	return true
}

// split divides the time of a request between Shutdown and TERM; the rest is for
// KILL.
func split(ctx context.Context) (grace, term time.Duration) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return defaultGrace, afterTerm
	}
	left := max(0, time.Until(deadline))
	return left * 3 / 4, min(afterTerm, left/8)
}

// waitFor waits for the end of the process, for at most d or until cut short. It
// reports whether the process has ended.
func waitFor[T any](inst Instance, cut <-chan T, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-inst.Done():
		return true
	case <-cut:
	case <-t.C:
	}
	return false
}

// report describes an unexpected end, after the process was closed.
func (s *Supervisor) report(inst Instance, v verdict) *ExitError {
	exit := inst.Exit()
	e := &ExitError{
		Plugin: s.set.Plugin, Worker: inst.Worker(), Pid: inst.Pid(), Reason: v.reason,
		Code: exit.Code, Signal: exit.Signal, Stderr: exit.Stderr, Err: v.err, Wanted: v.clean,
	}
	if v.err != nil && v.killed && e.Reason == "" { // how it ended is our doing
		e.Reason, e.Code, e.Signal = launch.ReasonWorker, -1, ""
	}
	if e.Reason == "" {
		e.Reason = exit.Reason()
	}
	switch {
	case e.Reason == launch.ReasonOOM:
		e.OOM = true
	case e.Reason == launch.ReasonSignal && exit.Signal == syscall.SIGKILL.String():
		e.OOM = nearLimit(exit.MaxRSS, s.set.MemoryLimit) || oomKilled(inst)
	case outOfMemory(exit.Stderr):
		e.OOM = true
	}
	return e
}

// died reports whether a start failed because the process ended by itself after
// it had introduced itself: a task may have ended it, so this is no worse than
// any other end.
func died(err error) bool {
	var se *launch.StartError
	return errors.As(err, &se) && se.Exit != nil
}

// startExit describes a restart that failed.
func startExit(plugin string, err error) *ExitError {
	e := &ExitError{Plugin: plugin, Reason: launch.ReasonStart, Code: -1, Err: err}
	var se *launch.StartError
	if !errors.As(err, &se) {
		return e
	}
	e.Reason, e.Pid, e.Stderr = se.Reason, se.Pid, se.Stderr
	if se.Exit != nil {
		e.Code, e.Signal, e.OOM = se.Exit.Code, se.Exit.Signal, outOfMemory(se.Exit.Stderr)
	}
	return e
}
