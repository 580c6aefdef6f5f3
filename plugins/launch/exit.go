package launch

import (
	"fmt"
	"strings"
)

// Reason says in one word why a plugin did not start or has ended.
type Reason string

// Reasons.
const (
	ReasonSpawn     Reason = "spawn"     // the file could not be executed
	ReasonChecksum  Reason = "checksum"  // the file is not the pinned one
	ReasonHandshake Reason = "handshake" // it did not introduce itself as a plugin
	ReasonVersion   Reason = "version"   // its bootstrap or services are of another version
	ReasonTimeout   Reason = "timeout"   // it did not introduce itself in time
	ReasonConfig    Reason = "config"    // it refused its configuration
	ReasonStart     Reason = "start"     // its worker could not join the scheduler
	ReasonWorker    Reason = "worker"    // its worker gave up, the process still ran
	ReasonExit      Reason = "exit"      // it ended by itself with an exit code
	ReasonPanic     Reason = "panic"     // it ended with a Go panic
	ReasonSignal    Reason = "signal"    // a signal that we did not send ended it
	ReasonOOM       Reason = "oom"       // it exceeded its memory
	ReasonFrozen    Reason = "frozen"    // it stopped answering and was killed
	ReasonShutdown  Reason = "shutdown"  // it was asked to end
)

// Exit is how a process ended.
type Exit struct {
	Code     int      // exit code; -1 when a signal ended it
	Signal   string   // name of that signal, such as "killed"; "" none
	MaxRSS   int64    // most memory it had resident, in bytes; 0 unknown
	Panicked bool     // it printed a Go panic
	Stderr   []string // the last lines of its standard error, oldest first
}

// String is the exit for people.
func (e Exit) String() string {
	if e.Signal != "" {
		return "signal: " + e.Signal
	}
	return fmt.Sprintf("exit code %d", e.Code)
}

// Reason is what the exit itself tells.
func (e Exit) Reason() Reason {
	switch {
	case e.Panicked:
		return ReasonPanic
	case e.Signal != "":
		return ReasonSignal
	}
	return ReasonExit
}

// StartError says why a plugin did not start.
type StartError struct {
	Plugin string // its name
	Reason Reason
	Err    error
	Pid    int      // the process, when it lived long enough to serve; 0 otherwise
	Exit   *Exit    // how it ended by itself while it was being started; nil it did not
	Stderr []string // the last lines of its standard error, oldest first
}

// Error names the plugin, the reason and the end of its standard error.
func (e *StartError) Error() string {
	msg := fmt.Sprintf("start plugin %q: %v", e.Plugin, e.Err)
	if n := len(e.Stderr); n > 0 {
		msg += "; its last lines:\n  " + strings.Join(e.Stderr[max(0, n-8):], "\n  ")
	}
	return msg
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }
