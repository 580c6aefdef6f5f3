//go:build unix

package plugins

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/gdask/gdask/plugins/supervise"
	"github.com/gdask/gdask/sdk/worker"
)

// limit is the longest that anything here may take.
const limit = 60 * time.Second

// fixture is a host whose class "mycustom" is this test binary, as a third
// party's executable.
type fixture struct {
	*Host
	reports chan worker.ExitReport // of ends that nobody wanted
	wanted  chan worker.ExitReport
	base    string // of the host's directory
}

// newHost makes a host and checks at the end of the test that closing it leaves
// nothing; change adjusts the settings.
func newHost(t *testing.T, change func(s *Settings, class *ClassSettings)) *fixture {
	t.Helper()
	runtime, err := os.MkdirTemp("/tmp", "gh") //nolint:usetesting // names of sockets must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(runtime) })
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{reports: make(chan worker.ExitReport, 100), wanted: make(chan worker.ExitReport, 100), base: filepath.Join(runtime, "gdask")}
	s := Settings{
		Builtins: []*worker.Class{worker.New[struct{}](Threadpool, nil)},
		Environ:  append(os.Environ(), "XDG_RUNTIME_DIR="+runtime, "XDG_DATA_HOME="+runtime),
		OnExit: func(e worker.ExitReport) {
			if e.Wanted {
				f.wanted <- e
			} else {
				f.reports <- e
			}
		},
		Logger: hclog.NewNullLogger(),
	}
	class := ClassSettings{Command: exe, MTLS: "off", Restart: supervise.Policy{First: 10 * time.Millisecond}}
	if change != nil {
		change(&s, &class)
	}
	s.Workers = map[string]ClassSettings{"mycustom": class}
	if f.Host, err = NewHost(s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.end(t) })
	return f
}

// end closes the host and looks for what it left behind.
func (f *fixture) end(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := f.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
	f.nothingLeft(t)
}

func (f *fixture) nothingLeft(t *testing.T) {
	t.Helper()
	if left, _ := os.ReadDir(f.base); len(left) > 0 {
		t.Errorf("left %v behind", left)
	}
}

// start starts a worker of the class that does what its name says.
func (f *fixture) start(t *testing.T, class, name string) worker.Handle {
	t.Helper()
	w, err := f.try(t, class, name)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (f *fixture) try(t *testing.T, class, name string) (worker.Handle, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return f.StartWorker(ctx, class, false, options(name))
}

func options(name string) worker.StartOptions {
	return worker.StartOptions{Scheduler: "tcp://127.0.0.1:1", Name: name, NThreads: 1}
}

// report is the next report of an exit.
func (f *fixture) report(t *testing.T) worker.ExitReport {
	t.Helper()
	select {
	case e := <-f.reports:
		return e
	case <-time.After(limit):
		t.Fatal("nobody told of the end")
		return worker.ExitReport{}
	}
}

// until waits for what no event tells.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(limit)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s did not happen within %v", what, limit)
		}
	}
}

func done(t *testing.T, w worker.Handle) {
	t.Helper()
	select {
	case <-w.Done():
	case <-time.After(limit):
		t.Fatalf("worker %s has not ended within %v", w.Name(), limit)
	}
}

// freeze stops a process and waits until the signal has arrived.
func freeze(t *testing.T, pid int) {
	t.Helper()
	if err := unix.Kill(pid, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, unix.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("process %d is not stopped: %v", pid, err)
	}
}

// gone fails the test when there is a process of the id.
func gone(t *testing.T, pid int) {
	t.Helper()
	if syscall.Kill(pid, 0) == nil {
		t.Errorf("process %d is still there", pid)
	}
}
