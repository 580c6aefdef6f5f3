package state

import (
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// Event is something that happened. Besides the types of this file these
// messages of the scheduler are events: *wire.ComputeTask, *wire.FreeKeys,
// *wire.AcquireReplicas, *wire.RemoveReplicas, *wire.RefreshWhoHas,
// *wire.StealRequest and *wire.RemoveWorker.
type Event any

// Done says that the executor is finished with a task. Exactly one of a value
// (Failure nil), a Failure, Reschedule and Lost is its outcome.
type Done struct {
	Key        wire.Key
	Data       any
	Nbytes     int64
	Type       string
	Start      float64 // Unix seconds
	Stop       float64
	Failure    *Failure
	Reschedule bool
	// Disk is the size of the value's file when the value is on disk already.
	Disk int64
	// Lost are inputs that could not be read back, so that the task did not run.
	Lost []Lost
}

// worked says that there is a value.
func (e *Done) worked() bool { return e.Failure == nil && !e.Reschedule && len(e.Lost) == 0 }

// Failure is why a task failed.
type Failure struct {
	Exception     wire.Opaque // for Python clients
	Traceback     wire.Opaque
	Text          string
	TracebackText string
}

// Unstarted gives a task back that the executor had not begun.
type Unstarted struct{ Key wire.Key }

// Gathered is the outcome of a Gather.
type Gathered struct {
	Peer  string
	Keys  []wire.Key // all that were asked for
	Items []Item     // what came
	Busy  bool       // the peer has too much to do
	Err   error      // the peer is considered gone
	Start float64    // Unix seconds
	Stop  float64
}

// Item is a value that came from elsewhere.
type Item struct {
	Key    wire.Key
	Data   any
	Nbytes int64
	Type   string
	// Err says that the value cannot be used as it comes from there; when nobody
	// has a better one after some attempts, the tasks that wait for it fail.
	Err error
}

// PeerRetry says that a busy peer may be asked again.
type PeerRetry struct{ Peer string }

// FindMissing asks the scheduler again for all that is missing; the shell sends
// it about once a second.
type FindMissing struct{}

// UpdateData brings values that a client scattered.
type UpdateData struct{ Items []Item }

// Pause stops the start of tasks and copies; Unpause goes on.
type Pause struct{}

// Unpause ends a Pause.
type Unpause struct{}

// Secede says that a running task leaves its slot, or its place among those that
// wait for one; Seconds is how long it ran.
type Secede struct {
	Key     wire.Key
	Seconds float64
}

// Rejoin says that a seceded task wants a slot again; Output.Rejoined grants it.
type Rejoin struct{ Key wire.Key }

// Reset says that the scheduler is gone: only values are kept.
type Reset struct{}

// RunAhead sets how many tasks beyond the slots the executor may be given, so
// that very short tasks need not be handed over one by one.
type RunAhead struct{ Tasks int }

// Output is what the shell must do. It is valid until the second Take from now.
type Output struct {
	Execute  []*Task    // to run, in this order
	Cancel   []wire.Key // whose contexts end
	Rejoined []wire.Key // that have a slot again
	Gather   []Gather
	Send     []wire.Msg // to the scheduler, in this order
	Timers   []Timer
	Spill    []Spill // values to be written
	Drop     []any   // what stood for values on disk that are not needed any more
	Memory   MemoryOrders
	Ended    []any // the values of actors that nobody wants any more
}

// Empty says that there is nothing to do.
func (o *Output) Empty() bool {
	return len(o.Execute)+len(o.Cancel)+len(o.Rejoined)+len(o.Gather)+len(o.Send)+len(o.Timers)+len(o.Spill)+len(o.Drop)+len(o.Ended) == 0 && o.Memory == MemoryOrders{}
}

// Gather asks for Keys from Peer; a Gathered must follow.
type Gather struct {
	Peer   string
	Keys   []wire.Key
	Nbytes int64
}

// Timer asks for an event after some time.
type Timer struct {
	After time.Duration
	Event Event
}
