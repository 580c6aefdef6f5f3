package state

import "github.com/gdask/gdask/sdk/wire"

// State is what a worker knows of a task; its String is Dask's name.
type State uint8

// The states of a task.
const (
	Released    State = iota // known, nothing is done about it
	Waiting                  // to be run, inputs are missing
	Ready                    // to be run when a slot is free
	Constrained              // to be run when a slot and its resources are free
	Executing                // handed to the executor
	LongRunning              // seceded: runs without a slot
	Rescheduled              // asked to be run elsewhere; passes at once
	Fetch                    // an input to be copied from a peer
	Flight                   // being copied
	Missing                  // wanted, but nobody is known to have it
	Memory                   // its value is here
	Error                    // its function failed
	Cancelled                // no longer wanted, but still running or being copied
	Resumed                  // cancelled, then wanted for another purpose
	Forgotten                // not in the machine any more
)

var stateNames = [...]string{
	"released", "waiting", "ready", "constrained", "executing", "long-running", "rescheduled",
	"fetch", "flight", "missing", "memory", "error", "cancelled", "resumed", "forgotten",
}

// String is Dask's name of the state.
func (s State) String() string { return stateNames[s] }

// Priority orders tasks: the scheduler's triple and a counter of the machine,
// so that equal tasks run in the order in which they came.
type Priority [4]float64

func (p *Priority) less(q *Priority) bool {
	for i := range p {
		if p[i] != q[i] {
			return p[i] < q[i]
		}
	}
	return false
}

// Task is one task or one input. The shell reads the exported fields while it
// owns the machine and changes none but Run.
type Task struct {
	Key   wire.Key
	State State
	// Actor says that Data is an object that lives here: it is never copied or
	// written to disk, and Output.Ended tells its end.
	Actor  bool
	RunID  int64
	Msg    *wire.ComputeTask // how to run it; nil for inputs and when it is done
	Deps   []*Task           // inputs, while it is to be run or runs
	Data   any               // the value in memory; never looked at here
	Nbytes int64
	Run    any // the shell's own, while the executor has the task
	// Type is the name of the value's type, "" when unknown.
	Type string
	// Failure is why it failed, in state Error.
	Failure *Failure

	prio     Priority
	heap     *taskHeap // the queue it is in
	index    int
	prev     State // Cancelled, Resumed: Executing, LongRunning or Flight
	next     State // Resumed: Waiting or Fetch
	slot     bool  // counts as executing
	wanted   bool  // copied on the scheduler's order, not only as an input
	place    place // of the value, in state Memory
	refusals uint8 // of holders to send it
	epoch    uint32
	missing  int32          // inputs that are not in memory, in state Waiting
	users    int32          // tasks that have it in Deps
	claimed  wire.Resources // taken while it runs
	brought  *Item          // a value that came from elsewhere while its function ran
	waiters  []waiter
	moved    *moved  // the transfers of inputs that it was the reason of
	whoHas   []*peer // known while Fetch, Flight or Missing
	from     *peer   // the peer it is being copied from

	older, newer *Task // in the list of values that may go to disk
	disk         int64 // bytes of the value's file
}

// waiter is a task that waits for an input; it is stale when the task's epoch
// has moved on.
type waiter struct {
	t     *Task
	epoch uint32
}

// Running says that the executor has the task.
func (t *Task) Running() bool {
	switch t.State {
	case Executing, LongRunning:
		return true
	case Cancelled, Resumed:
		return t.prev != Flight
	}
	return false
}

// queued says that the task is to be run and has not begun.
func (t *Task) queued() bool {
	return t.State == Waiting || t.State == Ready || t.State == Constrained
}
