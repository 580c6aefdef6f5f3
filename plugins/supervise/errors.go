package supervise

import (
	"fmt"
	"strings"

	"github.com/gdask/gdask/plugins/launch"
)

// ExitError says how and why a plugin process ended without being asked to.
type ExitError struct {
	Plugin  string        // name of the class
	Worker  string        // address of the worker that ran in it; "" none
	Pid     int           // process id; 0 when it did not start
	Reason  launch.Reason // why
	Code    int           // exit code; -1 when a signal ended it
	Signal  string        // name of that signal; "" none
	OOM     bool          // there is evidence that memory ran out
	Stderr  []string      // the last lines of its standard error, oldest first
	Restart bool          // it is going to be started again
	Wanted  bool          // it was asked to end, or its work was done: nobody is to blame
	Err     error         // what the plugin itself said; nil nothing
}

// Error tells the story in one sentence and the last lines.
func (e *ExitError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "plugin %q", e.Plugin)
	if e.Pid != 0 {
		fmt.Fprintf(&b, " (process %d)", e.Pid)
	}
	b.WriteString(" ended unexpectedly: " + e.cause())
	if e.OOM && e.Reason != launch.ReasonOOM {
		b.WriteString(", probably for lack of memory")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if n := len(e.Stderr); n > 0 {
		b.WriteString("; its last lines:\n  " + strings.Join(e.Stderr[max(0, n-8):], "\n  "))
	}
	return b.String()
}

// Unwrap returns what the plugin itself said.
func (e *ExitError) Unwrap() error { return e.Err }

func (e *ExitError) cause() string {
	switch {
	case e.Reason == launch.ReasonOOM:
		return "it exceeded its memory limit"
	case e.Reason == launch.ReasonFrozen:
		return "it stopped answering"
	case e.Reason == launch.ReasonWorker:
		return "its worker gave up"
	case e.Signal != "":
		return "signal: " + e.Signal
	case e.Reason == launch.ReasonPanic:
		return "panic"
	case e.Pid == 0:
		return "it did not start"
	}
	return fmt.Sprintf("exit code %d", e.Code)
}
