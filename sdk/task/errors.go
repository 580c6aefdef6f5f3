package task

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
)

// ErrReschedule sends a task back when its function returns it, also wrapped, to
// the scheduler, which may run it on another worker.
var ErrReschedule = errors.New("task: reschedule")

// PanicError is the error of a task whose function panicked.
type PanicError struct {
	// Value is what was passed to panic, as text.
	Value string
	// Stack is the stack of the goroutine at the panic.
	Stack string
}

// Error implements error.
func (e *PanicError) Error() string { return "panic: " + e.Value }

// UnknownFunctionError says that a worker cannot run a call.
type UnknownFunctionError struct {
	Name string    // the function that the caller named
	Want uint64    // the caller's signature
	Have *Function // the worker's function of that name; nil when there is none
}

// Error implements error: one sentence with what the caller wants, what this
// binary has and what to do.
func (e *UnknownFunctionError) Error() string {
	if e.Have == nil {
		return fmt.Sprintf("task: function %q with signature %016x is not registered in the worker's binary %s; "+
			"register it there under this name, or run the workers from the program that submits",
			e.Name, e.Want, executable())
	}
	return fmt.Sprintf("task: function %q has signature %016x at the caller, but %016x, %s, in the worker's binary %s; "+
		"build client and workers from the same source",
		e.Name, e.Want, e.Have.sig, e.Have.Signature(), executable())
}

// executable names this executable and what it was built from.
func executable() string {
	path, err := os.Executable()
	if err != nil {
		path = os.Args[0]
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return path
	}
	var text strings.Builder
	text.WriteString(path + " (" + info.Main.Path + " " + info.Main.Version)
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			text.WriteString(" " + s.Value)
		}
	}
	return text.String() + ", " + info.GoVersion + ")"
}
