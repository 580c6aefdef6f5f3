package actor

import (
	"fmt"

	"github.com/gdask/gdask/sdk/wire"
)

// Stopping is in the answers of a worker that is ending.
const Stopping = "worker: stopping"

// Lost is how the scheduler's own report of a lost actor reads, in Dask's words.
const Lost = "Worker holding Actor was lost"

// LostError says that the worker where an actor lived is gone, and its state
// with it.
type LostError struct {
	Key     wire.Key
	Address string // "" when not known
	Err     error  // what was seen of it; may be nil
}

// Error names the actor and its worker.
func (e *LostError) Error() string {
	text := Lost + ": " + e.Key.String()
	if e.Address != "" {
		text += " on " + e.Address
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text + "; create it anew"
}

// Unwrap gives the cause.
func (e *LostError) Unwrap() error { return e.Err }

// CallError is the failure of a method, as the actor's worker saw it.
type CallError struct {
	Key       wire.Key
	Method    string
	Message   string
	Stack     string      // the worker's stack; "" when there is none
	Exception wire.Opaque // the error as it travelled: a pickle from Python workers
}

// Error is the message with actor and method.
func (e *CallError) Error() string {
	return fmt.Sprintf("actor %s, %s: %s", e.Key, e.Method, e.Message)
}
