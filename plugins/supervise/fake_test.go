package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/plugins/launch"
)

// fake is a process that does what its fields say. What is asked of it is noted.
type fake struct {
	pid      int
	done     chan struct{}
	ended    chan struct{}
	endErr   error
	health   func(ctx context.Context) error // nil: well
	shutdown func(ctx context.Context) error // nil: ends cleanly
	signal   func(f *fake, sig os.Signal)    // nil: dies of TERM
	stderr   []string                        // of its exit
	maxRSS   int64                           // of its exit
	ooms     int                             // kills in its control group
	begun    time.Time                       // for the notes
	mu       sync.Mutex                      // guards the rest
	exit     launch.Exit
	dead     bool
	notes    []string
}

func newFake(pid int) *fake {
	return &fake{pid: pid, done: make(chan struct{}), ended: make(chan struct{}), begun: time.Now()}
}

func (f *fake) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notes = append(f.notes, fmt.Sprintf("%v ", time.Since(f.begun))+fmt.Sprintf(format, args...))
}

func (f *fake) said() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.notes)
}

// die ends the process once, with the exit code or by the signal.
func (f *fake) die(code int, sig string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead {
		return
	}
	f.dead = true
	f.exit = launch.Exit{Code: code, Signal: sig, MaxRSS: f.maxRSS, Stderr: f.stderr, Panicked: code == 2}
	close(f.done)
}

// finishWork ends the work in the process, which lives on.
func (f *fake) finishWork(err error) {
	f.endErr = err
	close(f.ended)
}

func (f *fake) Pid() int               { return f.pid }
func (f *fake) Worker() string         { return fmt.Sprintf("tcp://127.0.0.1:%d", f.pid) }
func (f *fake) Done() <-chan struct{}  { return f.done }
func (f *fake) Exit() launch.Exit      { return f.exit }
func (f *fake) Ended() <-chan struct{} { return f.ended }
func (f *fake) EndErr() error          { return f.endErr }
func (f *fake) OOMKills() int          { return f.ooms }

func (f *fake) Health(ctx context.Context) error {
	if f.health == nil {
		return nil
	}
	return f.health(ctx)
}

func (f *fake) Shutdown(ctx context.Context, grace time.Duration, reason string) error {
	f.note("shutdown within %v: %s", grace, reason)
	if f.shutdown != nil {
		return f.shutdown(ctx)
	}
	f.die(0, "")
	return nil
}

func (f *fake) Signal(sig os.Signal) {
	f.note("%v", sig)
	switch {
	case f.signal != nil:
		f.signal(f, sig)
	case sig == syscall.SIGTERM:
		f.die(0, "")
	}
}

func (f *fake) Close() {
	f.note("close")
	f.die(-1, "killed")
}

// hang is a call that nobody answers.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// deaf ignores signals.
func deaf(*fake, os.Signal) {}

// frozen answers nothing and ignores what can be ignored.
func frozen(f *fake) { f.health, f.shutdown, f.signal = hang, hang, deaf }

// nursery makes fakes one after the other and keeps what is told of them. Its
// first process has the id 1.
type nursery struct {
	setup   func(n int, f *fake) // changes the process before it runs; nil none
	refuse  func(n int) error    // fails the start; nil none
	born    chan *fake
	mu      sync.Mutex
	starts  int
	times   []time.Time
	reports []*ExitError
	over    []*ExitError
	asked   []*ExitError
}

func newNursery() *nursery { return &nursery{born: make(chan *fake, 100)} }

func (n *nursery) launch(context.Context) (Instance, error) {
	n.mu.Lock()
	n.starts++
	n.times = append(n.times, time.Now())
	number := n.starts
	n.mu.Unlock()
	if n.refuse != nil {
		if err := n.refuse(number); err != nil {
			return nil, err
		}
	}
	f := newFake(number)
	if n.setup != nil {
		n.setup(number, f)
	}
	n.born <- f
	return f, nil
}

func (n *nursery) settings() Settings {
	keep := func(to *[]*ExitError) func(*ExitError) {
		return func(e *ExitError) {
			n.mu.Lock()
			defer n.mu.Unlock()
			*to = append(*to, e)
		}
	}
	return Settings{
		Plugin: "mycustom", Launch: n.launch, Logger: hclog.NewNullLogger(),
		OnExit: keep(&n.reports), OnOver: keep(&n.over), OnWanted: keep(&n.asked),
	}
}

// told are the reports so far.
func (n *nursery) told() []*ExitError {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.reports)
}

func (n *nursery) started() []time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.times)
}

func (n *nursery) start(t *testing.T, set Settings) *Supervisor {
	t.Helper()
	s, err := Start(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// near fails the test unless got is want, give or take the jitter's fifth.
func near(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if got < want*8/10 || got > want*12/10 {
		t.Errorf("%s: %v, want %v give or take a fifth", what, got, want)
	}
}

// pass lets fake time pass, and whatever happens then.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// stop ends s within a minute of fake time.
func stop(t *testing.T, s *Supervisor) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Stop(ctx, "the test is over"); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// state fails the test unless s is in the state with the process and restarts.
func state(t *testing.T, s *Supervisor, want State, pid, restarts int) {
	t.Helper()
	worker := fmt.Sprintf("tcp://127.0.0.1:%d", pid)
	if got := s.Snapshot(); got != (Snapshot{want, pid, worker, restarts}) {
		t.Errorf("is %+v, want %s with process %d after %d restarts", got, want, pid, restarts)
	}
}

var errTest = errors.New("no such model")
