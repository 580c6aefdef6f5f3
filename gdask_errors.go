package gdask

import (
	"errors"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/actor"
)

// TaskError is the failure of a task: its message and the worker's stack.
type TaskError = client.TaskError

// KilledWorkerError says that a task was blamed for the death of several workers.
// Its Attempts tell of each how it ended.
type KilledWorkerError = client.KilledWorkerError

// WorkerDeath is how one worker ended while it had a task.
type WorkerDeath = client.WorkerDeath

// CancelledError says that a future was cancelled, and why.
type CancelledError = client.CancelledError

// FuturesCancelledError says which of many futures were cancelled, by reason.
type FuturesCancelledError = client.FuturesCancelledError

// ConnectionError says that the scheduler was lost and did not come back in time.
type ConnectionError = client.ConnectionError

// ActorLostError says that an actor's state was lost with its worker.
type ActorLostError = actor.LostError

// ActorCallError is the failure of an actor's method, as its worker saw it.
type ActorCallError = actor.CallError

// Errors of what clients share by name.
var (
	ErrNotFound = client.ErrNotFound // no queue, dataset or metadata of that name
	ErrExists   = client.ErrExists   // there is a dataset of that name already
	ErrNotHeld  = client.ErrNotHeld  // released before, or the holder was taken for dead
)

// Errors of futures that can have no result any more.
var (
	ErrClosed   = client.ErrClosed   // the client was closed
	ErrReleased = client.ErrReleased // the future was released
	// ErrNoneLeft says that a Completed has given all its futures back.
	ErrNoneLeft = errors.New("gdask: no future is left")
)
