package workertest

import "github.com/gdask/gdask/sdk/internal/workerrt/state"

// Event is something that happened: a type of this file, or a message of the
// scheduler.
type Event = state.Event

// Done (a pointer) says that the executor is finished with a task.
type Done = state.Done

// Failure is why a task failed.
type Failure = state.Failure

// Unstarted (a pointer) gives a task back that the executor had not begun.
type Unstarted = state.Unstarted

// Gathered (a pointer) is the outcome of a Gather.
type Gathered = state.Gathered

// Item is a value that came from elsewhere.
type Item = state.Item

// PeerRetry (a pointer) says that a busy peer may be asked again.
type PeerRetry = state.PeerRetry

// UpdateData (a pointer) brings values that a client scattered.
type UpdateData = state.UpdateData

// Secede (a pointer) says that a running task leaves its slot.
type Secede = state.Secede

// Rejoin (a pointer) says that a seceded task wants a slot again.
type Rejoin = state.Rejoin

// FindMissing (a value) has the machine ask again for all that is missing.
type FindMissing = state.FindMissing

// Pause (a value) stops the start of tasks and copies; Unpause goes on.
type Pause = state.Pause

// Unpause (a value) ends a Pause.
type Unpause = state.Unpause

// Reset (a value) says that the scheduler is gone: only values are kept.
type Reset = state.Reset

// RunAhead (a value) sets how many tasks beyond the slots the executor may be
// given.
type RunAhead = state.RunAhead

// Spilled (a pointer) says that a value was written.
type Spilled = state.Spilled

// SpillFailed (a pointer) says that a value could not be written.
type SpillFailed = state.SpillFailed

// Unspilled (a pointer) says that a value was read back for a task.
type Unspilled = state.Unspilled

// Lost says that a value that was written cannot be read back: in Done, or as
// the event []Lost.
type Lost = state.Lost

// MemorySample is a look at the memory of the process.
type MemorySample = state.MemorySample
