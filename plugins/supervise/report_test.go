package supervise

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdask/gdask/plugins/launch"
)

func TestExitErrorText(t *testing.T) {
	lines := make([]string, 10)
	for i := range lines {
		lines[i] = fmt.Sprint("line ", i)
	}
	const head = `plugin "p" (process 5) ended unexpectedly: `
	for _, tt := range []struct {
		e    ExitError
		want string
	}{
		{ExitError{Pid: 5, Code: 3, Reason: launch.ReasonExit}, head + "exit code 3"},
		{ExitError{Pid: 5, Code: -1, Signal: "killed", Reason: launch.ReasonSignal}, head + "signal: killed"},
		{ExitError{Pid: 5, Code: -1, Signal: "killed", Reason: launch.ReasonSignal, OOM: true}, head + "signal: killed, probably for lack of memory"},
		{ExitError{Pid: 5, Code: -1, Signal: "killed", Reason: launch.ReasonOOM, OOM: true}, head + "it exceeded its memory limit"},
		{ExitError{Pid: 5, Code: -1, Signal: "killed", Reason: launch.ReasonFrozen}, head + "it stopped answering"},
		{ExitError{Pid: 5, Code: 2, Reason: launch.ReasonPanic}, head + "panic"},
		{ExitError{Pid: 5, Code: -1, Reason: launch.ReasonWorker, Err: errTest}, head + "its worker gave up: no such model"},
		{ExitError{Code: -1, Reason: launch.ReasonStart, Err: errTest}, `plugin "p" ended unexpectedly: it did not start: no such model`},
		{ExitError{Pid: 5, Code: 1, Reason: launch.ReasonExit, Stderr: lines},
			head + "exit code 1; its last lines:\n  " + strings.Join(lines[2:], "\n  ")},
	} {
		tt.e.Plugin = "p"
		if got := tt.e.Error(); got != tt.want {
			t.Errorf("got %q\nwant %q", got, tt.want)
		}
		if tt.e.Err != nil && !errors.Is(&tt.e, tt.e.Err) {
			t.Errorf("%v does not unwrap to %v", &tt.e, tt.e.Err)
		}
	}
}

// A worker that gives up leaves a process that nobody needs: how we end it says
// nothing of the cause. One that dies of the cause tells it by its exit.
func TestWorkerThatGaveUp(t *testing.T) {
	for _, dies := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := newNursery()
			n.setup = func(number int, f *fake) {
				f.maxRSS = 1000
				if number > 1 {
					return
				}
				if dies {
					time.AfterFunc(400*time.Millisecond, func() { f.die(2, "") })
				}
				f.finishWork(errTest)
			}
			set := n.settings()
			set.MemoryLimit = 1000
			s := n.start(t, set)
			pass(2 * time.Second)
			e := n.told()[0]
			want := ExitError{Reason: launch.ReasonWorker, Code: -1}
			notes := []string{"500ms close"}
			if dies {
				want = ExitError{Reason: launch.ReasonPanic, Code: 2}
				notes = []string{"400ms close"}
			}
			if e.Reason != want.Reason || e.Code != want.Code || e.Signal != "" || e.OOM || !errors.Is(e, errTest) {
				t.Errorf("dies %v: told of %+v", dies, e)
			}
			if got := (<-n.born).said(); !slices.Equal(got, notes) {
				t.Errorf("dies %v: got %q, want %q", dies, got, notes)
			}
			state(t, s, Ready, 2, 1)
			stop(t, s)
		})
	}
}

func TestReportHoldsWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNursery()
		n.setup = func(_ int, f *fake) { f.stderr = []string{"last"} }
		s := n.start(t, n.settings())
		(<-n.born).die(-1, "killed")
		pass(time.Second)
		e := n.told()[0]
		if e.Plugin != "mycustom" || e.Worker != "tcp://127.0.0.1:1" || e.Pid != 1 || e.Code != -1 || e.Signal != "killed" ||
			e.Reason != launch.ReasonSignal || !slices.Equal(e.Stderr, []string{"last"}) || e.Err != nil {
			t.Errorf("told of %+v", e)
		}
		stop(t, s)
	})
}
