package supervise

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// cycle asks the actor to end the process and to start another: a wish, which
// counts against no policy.
type cycle struct {
	ask   stopRequest
	ended chan struct{} // closed when the old process is gone
}

// ErrEnded is what a supervisor says that has nothing left to supervise.
var ErrEnded = errors.New("it has ended for good")

// Kill ends the process within ctx's time, politely first, and returns when it
// is gone; the next one is started at once. One that is being started is awaited.
func (s *Supervisor) Kill(ctx context.Context, reason string) error {
	c := &cycle{ask: stopRequest{ctx, reason}, ended: make(chan struct{})}
	select {
	case s.cycle <- c:
	case <-s.done:
		return fmt.Errorf("plugin %q: kill: %w", s.set.Plugin, ErrEnded)
	case <-ctx.Done():
		return fmt.Errorf("plugin %q: kill: it is %s: %w", s.set.Plugin, s.Snapshot().State, context.Cause(ctx))
	}
	if !happens(ctx, c.ended) {
		return fmt.Errorf("plugin %q: its process %d cannot be reaped: %w", s.set.Plugin, s.Snapshot().Pid, context.Cause(ctx))
	}
	return nil
}

// Restart is Kill that also waits until the next process is ready.
func (s *Supervisor) Restart(ctx context.Context, reason string) error {
	if err := s.Kill(ctx, reason); err != nil {
		return err
	}
	return s.AwaitReady(ctx)
}

// AwaitReady returns when there is a process that does its work.
func (s *Supervisor) AwaitReady(ctx context.Context) error {
	for {
		now := s.snap.Load()
		if now.State == Ready {
			return nil
		}
		select {
		case <-now.changed:
		case <-s.done:
			return fmt.Errorf("plugin %q: restart: %w", s.set.Plugin, errors.Join(ErrEnded, s.err))
		case <-ctx.Done():
			return fmt.Errorf("plugin %q: restart: it is %s: %w", s.set.Plugin, now.State, context.Cause(ctx))
		}
	}
}

// Gracefully says that the next end of the process is wanted, however it comes:
// nothing is started in its place.
func (s *Supervisor) Gracefully() {
	s.farewell.Store(true)
	now := s.Snapshot()
	s.wanted(now.Worker, now.Pid)
}

// renew starts the process after one that was ended on request; nil when there
// is none.
func (s *Supervisor) renew(c *cycle, past *history, old Instance) Instance {
	s.enter(Starting, old) // before the caller hears: what it awaits next is the new one
	close(c.ended)
	inst, err := s.relaunch(old)
	if err == nil {
		return inst
	}
	if errors.Is(err, errStopped) {
		s.enter(Stopped, old)
		return nil
	}
	return s.again(past, end{now: time.Now(), early: !died(err)}, startExit(s.set.Plugin, err), old)
}
