package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/plugins/launch"
)

// State is where an instance is in its life.
type State string

// States.
const (
	Absent   State = "absent"   // not started yet
	Starting State = "starting" // its process is on the way up
	Ready    State = "ready"    // it does its work
	Draining State = "draining" // it was asked to end
	Stopped  State = "stopped"  // it has ended, as wanted
	Backoff  State = "backoff"  // it ended unexpectedly and is going to be restarted
	Failed   State = "failed"   // it ended too often, or was not to be restarted
)

// Instance is a plugin process that is ready, as its supervisor sees it.
type Instance interface {
	// Pid is the id of the process and of its group.
	Pid() int
	// Worker is the contact address of what runs in it.
	Worker() string
	// Done is closed when the process has ended and been reaped; Exit is valid then.
	Done() <-chan struct{}
	Exit() launch.Exit
	// Ended is closed when the work in the process has ended by itself; EndErr
	// is valid then: nil when somebody had asked for it.
	Ended() <-chan struct{}
	EndErr() error
	// Health probes the process.
	Health(ctx context.Context) error
	// Shutdown asks the process to end within the grace and returns when it has
	// agreed. It returns at once when ctx ends.
	Shutdown(ctx context.Context, grace time.Duration, reason string) error
	// Signal reaches the whole group.
	Signal(sig os.Signal)
	// Close kills what still lives and frees everything. It cannot block.
	Close()
}

// Settings say what to keep alive and how. Zero durations mean the defaults.
type Settings struct {
	Plugin         string                                                        // name for messages
	Launch         func(ctx context.Context) (Instance, error)                   // starts one; required
	Policy         Policy                                                        // when to restart
	HealthEvery    time.Duration                                                 // between probes; 0 means 5 s
	HealthDeadline time.Duration                                                 // of one probe; 0 means 2 s
	HealthMisses   int                                                           // failed probes in a row that mean frozen; 0 means 3
	MemoryLimit    int64                                                         // bytes, for out-of-memory evidence; 0 none
	Memory         func(ctx context.Context, pid int, terminate func(kill bool)) // watches memory until ctx ends; nil none
	OnOver         func(*ExitError)                                              // told before a process is ended for its memory; must not block; nil none
	OnWanted       func(*ExitError)                                              // told before a process ends that was asked to, or whose work is done; must not block; nil none
	OnExit         func(*ExitError)                                              // told of every unexpected end; must not block; nil none
	Logger         hclog.Logger                                                  // required
}

// Snapshot is the state of an instance at one moment.
type Snapshot struct {
	State    State
	Pid      int    // of the present or last process
	Worker   string // address of the present or last worker
	Restarts int    // since the start
}

// view is a snapshot until the next one.
type view struct {
	Snapshot
	changed chan struct{} // closed when there is another
}

// Supervisor keeps one instance alive.
type Supervisor struct {
	set       Settings
	snap      atomic.Pointer[view]
	stop      chan stopRequest // to the actor
	cycle     chan *cycle      // to the actor: end this process and start the next
	farewell  atomic.Bool      // the next end is wanted, see Gracefully
	terminate chan bool        // from the memory watcher: kill at once?
	done      chan struct{}
	err       error // set before done is closed
}

// stopRequest asks the actor to end the instance within ctx.
type stopRequest struct {
	ctx    context.Context
	reason string
}

// Start starts the instance and returns when it is ready. When that fails it is
// not tried again: the caller learns at once what is wrong. ctx bounds the start
// only.
func Start(ctx context.Context, set Settings) (*Supervisor, error) {
	s := &Supervisor{
		set: set.defaults(), stop: make(chan stopRequest, 1), cycle: make(chan *cycle), terminate: make(chan bool, 2),
		done: make(chan struct{}),
	}
	s.snap.Store(&view{Snapshot{State: Starting}, make(chan struct{})})
	inst, err := set.Launch(ctx)
	if err != nil {
		return nil, err
	}
	s.enter(Ready, inst)
	go s.run(inst) //nolint:contextcheck // ctx bounds the start only
	return s, nil
}

func (s Settings) defaults() Settings {
	s.Policy = s.Policy.defaults()
	if s.HealthEvery <= 0 {
		s.HealthEvery = 5 * time.Second
	}
	if s.HealthDeadline <= 0 {
		s.HealthDeadline = 2 * time.Second
	}
	if s.HealthMisses <= 0 {
		s.HealthMisses = 3
	}
	return s
}

// Snapshot returns the present state.
func (s *Supervisor) Snapshot() Snapshot { return s.snap.Load().Snapshot }

// Done is closed when the instance has ended for good.
func (s *Supervisor) Done() <-chan struct{} { return s.done }

// Err says why it ended for good: nil when it was asked to. Valid after Done.
func (s *Supervisor) Err() error { return s.err }

// Stop ends the instance within ctx's time, 10 s without a deadline, killing it
// at the end; a moment longer when ctx ends early. Safe twice.
func (s *Supervisor) Stop(ctx context.Context, reason string) error {
	select {
	case s.stop <- stopRequest{ctx, reason}:
	case <-s.done:
		return s.err
	default: // somebody else has asked already
	}
	if !happens(ctx, s.done) {
		return fmt.Errorf("plugin %q: its process %d cannot be reaped: %w", s.set.Plugin, s.Snapshot().Pid, context.Cause(ctx))
	}
	return s.err
}

// reapLimit is how long a killed process may take to disappear.
const reapLimit = 5 * time.Second

// happens waits for the end that a channel tells of, until reapLimit after ctx.
func happens(ctx context.Context, end <-chan struct{}) bool {
	select {
	case <-end:
		return true
	case <-ctx.Done():
	}
	t := time.NewTimer(reapLimit)
	defer t.Stop()
	select {
	case <-end:
		return true
	case <-t.C:
		return false
	}
}

// run is the actor: one turn of the loop is the life of one process.
func (s *Supervisor) run(inst Instance) {
	defer close(s.done)
	var past history
	for inst != nil {
		began := time.Now()
		unguard := s.guard(inst)
		v := s.watch(inst)
		s.enter(Draining, inst)
		v.killed = s.finish(inst, v)
		unguard()
		if v.wanted || v.cycle == nil && s.farewell.Load() {
			s.enter(Stopped, inst)
			return
		}
		if v.cycle != nil {
			if inst = s.renew(v.cycle, &past, inst); inst == nil {
				return
			}
			continue
		}
		e := end{now: time.Now(), uptime: time.Since(began), clean: v.clean}
		inst = s.again(&past, e, s.report(inst, v), inst)
	}
}

// again decides after an unexpected end, waits, and starts the next process; nil
// when there is none. Failed starts count as ends.
func (s *Supervisor) again(past *history, e end, exit *ExitError, old Instance) Instance {
	for {
		restart, delay := past.decide(s.set.Policy, e)
		exit.Restart = restart
		if !e.clean || restart {
			s.tell(exit)
		}
		if !restart {
			s.giveUp(past, e, exit, old)
			return nil
		}
		s.enter(Backoff, old)
		if !s.sleep(delay) {
			s.enter(Stopped, old)
			return nil
		}
		inst, err := s.relaunch(old)
		if err == nil {
			return inst
		}
		if errors.Is(err, errStopped) {
			s.enter(Stopped, old)
			return nil
		}
		exit = startExit(s.set.Plugin, err)
		e = end{now: time.Now(), early: !died(err)}
	}
}

// giveUp enters the last state.
func (s *Supervisor) giveUp(past *history, e end, exit *ExitError, old Instance) {
	if e.clean {
		s.enter(Stopped, old)
		return
	}
	s.err = exit
	switch {
	case s.set.Policy.Mode == Never:
	case 2*past.early > s.set.Policy.Max:
		s.err = fmt.Errorf("given up after %d starts in a row that failed: %w", past.early, exit)
	default:
		s.err = fmt.Errorf("given up after more than %d ends within %v: %w", s.set.Policy.Max, s.set.Policy.Window, exit)
	}
	s.enter(Failed, old)
}

// enter publishes a state.
func (s *Supervisor) enter(state State, inst Instance) {
	snap := s.Snapshot()
	snap.State, snap.Pid, snap.Worker = state, inst.Pid(), inst.Worker()
	s.show(snap)
}

// show replaces the snapshot and wakes who waits for another one.
func (s *Supervisor) show(snap Snapshot) {
	close(s.snap.Swap(&view{snap, make(chan struct{})}).changed)
}

// tell logs an unexpected end and hands it on.
func (s *Supervisor) tell(exit *ExitError) {
	s.set.Logger.Warn("plugin process ended unexpectedly", "plugin", exit.Plugin, "worker", exit.Worker, "pid", exit.Pid,
		"reason", exit.Reason, "code", exit.Code, "signal", exit.Signal, "oom", exit.OOM, "restart", exit.Restart)
	if s.set.OnExit != nil {
		s.set.OnExit(exit)
	}
}
