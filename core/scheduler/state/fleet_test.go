package state

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// mortal is a machine that forgives so many deaths, with one task that a client
// waits for, and what the client is told.
type mortal struct {
	m     *Machine
	now   time.Time
	erred string // text of the task's failure
}

func newMortal(t *testing.T, forgiven int) *mortal {
	t.Helper()
	c := DefaultConfig()
	c.Validate, c.AllowedFailures, c.FailFastGrace = true, forgiven, time.Hour
	w := &mortal{m: New(c), now: time.Unix(1e9, 0)}
	w.apply(t, AddClient{ID: "c"})
	w.apply(t, UpdateGraph{Client: "c", Keys: []wire.Key{wire.StrKey("x")},
		Tasks: []wire.TaskDef{{Key: wire.StrKey("x"), Runtime: "go", RunSpec: wire.StringOpaque("x")}}})
	return w
}

func (w *mortal) apply(t *testing.T, e Event) {
	t.Helper()
	w.now = w.now.Add(time.Millisecond)
	w.m.Apply(w.now, e)
	out := w.m.Take()
	if len(out.Errors) > 0 {
		t.Fatalf("%#v: %q", e, out.Errors)
	}
	for _, m := range out.ToClients {
		if erred, ok := m.Msg.(*wire.TaskErred); ok {
			w.erred = erred.ExceptionText
		}
	}
}

// join brings worker number n, whose process id is n, to which the task is given.
func (w *mortal) join(t *testing.T, n int) string {
	t.Helper()
	a := fmt.Sprintf("tcp://w:%d", n)
	w.apply(t, AddWorker{Address: a, NThreads: 1, Status: "running", Runtimes: []string{"go"}, Pid: n})
	return a
}

// A worker that drains on SIGTERM says goodbye. When it was its memory that had
// it ended, the tasks that it ran are to blame all the same.
func TestOutOfMemoryIsNoFarewell(t *testing.T) {
	for _, oom := range []bool{true, false} {
		w := newMortal(t, 0)
		a := w.join(t, 1)
		w.apply(t, WorkerExit{Address: a, Pid: 1, ExitCode: -1, Signal: "terminated", OOM: oom})
		w.apply(t, WorkerStatus{Address: a, Status: "closing_gracefully"})
		w.apply(t, RemoveWorker{Address: a, Expected: true})
		if blamed := strings.Contains(w.erred, "ended by signal terminated, out of memory"); blamed != oom {
			t.Errorf("out of memory: %v, the client was told %q", oom, w.erred)
		}
	}
}

// The report of the end itself replaces the one that announced it.
func TestSecondReportOfADeath(t *testing.T) {
	w := newMortal(t, 1)
	a := w.join(t, 1)
	w.apply(t, WorkerExit{Address: a, Pid: 1, ExitCode: -1, Signal: "terminated", OOM: true})
	w.apply(t, RemoveWorker{Address: a})
	w.apply(t, WorkerExit{Address: a, Pid: 1, ExitCode: -1, Signal: "killed", OOM: true, LastLog: []string{"too big"}})
	w.apply(t, WorkerExit{Address: a, Pid: 9, ExitCode: 5}) // another process that had the address
	w.apply(t, RemoveWorker{Address: w.join(t, 2)})
	if want := "tcp://w:1: ended by signal killed, out of memory; its last lines:\n  too big"; !strings.Contains(w.erred, want) {
		t.Errorf("the client was told %q, want %q in it", w.erred, want)
	}
}

// Reports of workers that are not there leave nothing behind.
func TestReportsOfStrangersAreNotKept(t *testing.T) {
	w := newMortal(t, 0)
	for n := range 100 {
		w.apply(t, WorkerExit{Address: fmt.Sprintf("tcp://stranger:%d", n), Pid: 1000 + n, ExitCode: 1})
	}
	a := w.join(t, 1)
	w.apply(t, WorkerExit{Pid: 1, ExitCode: 7})
	w.apply(t, RemoveWorker{Address: a})
	if !strings.Contains(w.erred, "exit code 7") || len(w.m.gone) != 1 {
		t.Errorf("the client was told %q; %d reports are kept", w.erred, len(w.m.gone))
	}
}
