// Package workertest gives test kits the machine that every gdask worker runs
// on: events in, instructions out, without sockets, clocks or goroutines. A
// test feeds it what a scheduler and peers say, plays executor and peers
// itself, and looks at what the worker would do:
//
//	m := workertest.New(workertest.Config{Address: "tcp://10.0.0.1:1", NThreads: 2})
//	err := m.Apply(&wire.ComputeTask{Key: wire.StrKey("x"), RunID: 1})
//	out := m.Take() // out.Execute has the task; answer with a Done event
//
// One goroutine at a time owns a machine. The messages of package wire that a
// scheduler sends to workers (compute-task, free-keys, acquire-replicas,
// remove-replicas, refresh-who-has, steal-request, remove-worker) are events,
// as pointers; the others are the types of this package.
package workertest

import "github.com/gdask/gdask/sdk/internal/workerrt/state"

// Machine is all that a worker knows of its tasks, with the rules of what
// follows from an event. Its method Check verifies its invariants.
type Machine = state.Machine

// Config has the machine's settings; zero fields take the defaults.
type Config = state.Config

// Task is one task or one input of a machine.
type Task = state.Task

// State is what a worker knows of a task; its String is Dask's name.
type State = state.State

// The states of a task that test kits look for; String names the others.
const (
	Ready       = state.Ready
	Executing   = state.Executing
	LongRunning = state.LongRunning
	Memory      = state.Memory
	Error       = state.Error
	Cancelled   = state.Cancelled
	Resumed     = state.Resumed
)

// Stats are counts of the present moment.
type Stats = state.Stats

// Output is what a worker must do after an event. Its slices are valid until
// the second Take from now.
type Output = state.Output

// Gather asks for keys from a peer; a Gathered must follow.
type Gather = state.Gather

// Spill asks to write a value; a Spilled or SpillFailed must follow.
type Spill = state.Spill

// MemoryLimits say when values go to disk.
type MemoryLimits = state.MemoryLimits

// MemoryOrders are what a sample of the process's memory leads to.
type MemoryOrders = state.MemoryOrders

// Timer asks for an event after some time.
type Timer = state.Timer

// New returns an empty machine.
func New(c Config) *Machine { return state.New(c) }
