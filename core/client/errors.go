package client

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gdask/gdask/sdk/wire"
)

// ErrClosed is why futures of a closed client have no result.
var ErrClosed = errors.New("client: closed; submit through a new client")

// ErrReleased is why a released future has no result.
var ErrReleased = errors.New("client: future was released; keep it until its result was read")

// TaskError is the failure of a task, as its worker saw it.
type TaskError struct {
	Key wire.Key
	// Message is the error's text.
	Message string
	// Stack is the worker's stack or traceback; "" when there is none.
	Stack string
	// Exception is the error as it travelled: a pickle from Python workers.
	Exception wire.Opaque
}

// Error is the message with the task's key.
func (e *TaskError) Error() string {
	return fmt.Sprintf("task %s: %s", KeyText(e.Key), e.Message)
}

// KilledWorkerError says that the workers that ran a task died more often than
// the scheduler's allowed-failures permits, so the task is blamed. Unwrap
// gives the [TaskError] with the text.
type KilledWorkerError struct {
	Task *TaskError
	// Attempts are the deaths that the task is blamed for, first to last; nil
	// from schedulers other than gdask's.
	Attempts []WorkerDeath
}

// WorkerDeath is how one worker ended while it had a task: who it was, its exit
// code or signal, whether it was for lack of memory, and its last log lines.
type WorkerDeath = wire.WorkerDeath

// Error is the scheduler's text, which names the last worker.
func (e *KilledWorkerError) Error() string { return e.Task.Error() }

// Unwrap gives the failure as a plain task error.
func (e *KilledWorkerError) Unwrap() error { return e.Task }

// CancelledError says that a future was cancelled, by this client or another,
// or that the scheduler does not know its key any more.
type CancelledError struct {
	Key    wire.Key
	Reason string // short cause such as "user" or "lost dependencies"
	Msg    string // explanation; may be ""
}

// Error names key and reason.
func (e *CancelledError) Error() string {
	text := fmt.Sprintf("%s cancelled for reason: %s", KeyText(e.Key), e.Reason)
	if e.Msg != "" {
		text += ": " + e.Msg
	}
	return text
}

// FuturesCancelledError says which of many futures were cancelled.
type FuturesCancelledError struct {
	ByReason map[string][]wire.Key
	errs     []error
}

// Error names the reasons and, of each, how many futures and some of them.
func (e *FuturesCancelledError) Error() string {
	var text strings.Builder
	text.WriteString("futures were cancelled")
	for _, reason := range slices.Sorted(maps.Keys(e.ByReason)) {
		keys := e.ByReason[reason]
		fmt.Fprintf(&text, "; for reason %s %d:", reason, len(keys))
		for i, k := range keys {
			if i == 10 {
				fmt.Fprintf(&text, " and %d more", len(keys)-i)
				break
			}
			text.WriteString(" " + KeyText(k))
		}
	}
	return text.String()
}

// Unwrap gives a [*CancelledError] for each.
func (e *FuturesCancelledError) Unwrap() []error { return e.errs }

// ConnectionError says that the scheduler was lost and did not come back in time.
type ConnectionError struct {
	Address string
	Err     error // what ended the last attempt
}

// Error names the scheduler and the cause.
func (e *ConnectionError) Error() string {
	return fmt.Sprintf("scheduler %s is lost: %v", e.Address, e.Err)
}

// Unwrap gives the cause.
func (e *ConnectionError) Unwrap() error { return e.Err }
