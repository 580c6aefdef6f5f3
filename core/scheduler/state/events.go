package state

import (
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// Event is something that happened outside the machine. Its time is passed
// beside it; the machine has no clock.
type Event interface{ apply(m *Machine) }

// AddWorker is the registration of a worker. Register says whether it was accepted (see Output.Replies).
type AddWorker struct {
	Address, Name, Host string
	NThreads            int
	MemoryLimit         int64
	Resources           map[string]float64
	Runtimes            []string // empty: ["python"]
	Nanny               string
	Status              string // "init" until worker-status-change says running
	LocalDirectory      string
	ServerID            string
	Pid                 int
	Services            wire.Opaque
	Versions            wire.Opaque
	Held                wire.KeySizes // results that a reconnecting worker still holds
	StimulusID          string
}

// RemoveWorker says that a worker left or was lost. Expected removals count no suspicion.
type RemoveWorker struct {
	Address    string
	Expected   bool
	Reason     string
	StimulusID string
}

// WorkerExit adds what the supervisor knows of a worker's death, for KilledWorker
// errors. Without an address, the process id says which worker it was.
type WorkerExit struct {
	Address  string
	Pid      int
	ExitCode int
	Signal   string
	OOM      bool
	LastLog  []string
	Wanted   bool // somebody asked for it, or its work was done: it counts against no task
}

// WorkerStatus is what a worker does from now on: running, paused, closing_gracefully, closing, ...
type WorkerStatus struct {
	Address, Status, StimulusID string
}

// Heartbeat carries metrics and running durations of a worker.
type Heartbeat struct {
	Address   string
	Metrics   wire.Metrics
	Executing []KeyDuration
}

// KeyDuration is a running task and how long it runs (seconds).
type KeyDuration struct {
	Key     wire.Key
	Seconds float64
}

// AddClient and RemoveClient: a client's session began or ended.
type AddClient struct{ ID string }

// RemoveClient drops all wishes of the client.
type RemoveClient struct{ ID string }

// UpdateGraph says that a client submitted tasks and wants Keys.
type UpdateGraph struct {
	Client         string
	Tasks          []wire.TaskDef
	Keys           []wire.Key
	SubmittingTask wire.Key
	FifoTimeout    time.Duration
	StimulusID     string
}

// ClientDesiresKeys is the wish of a client for keys; this and the events of
// clients below mirror the wire messages of the same names.
type ClientDesiresKeys struct {
	Client string
	Keys   []wire.Key
}

// ClientReleasesKeys drops wishes.
type ClientReleasesKeys struct {
	Client string
	Keys   []wire.Key
}

// CancelKeys drops this client's wish (all clients' with Force) and those of dependents.
type CancelKeys struct {
	Client      string
	Keys        []wire.Key
	Force       bool
	Reason, Msg string
}

// RetryKeys runs erred tasks again, from their erred roots.
type RetryKeys struct {
	Client string
	Keys   []wire.Key
}

// ReportKey asks for a report of the key's state to the client.
type ReportKey struct {
	Client string
	Key    wire.Key
}

// TaskFinished is what a worker's stream said; so are the events below that
// embed a wire message.
type TaskFinished struct {
	Worker string
	*wire.TaskFinished
}

// TaskErred reports a failure.
type TaskErred struct {
	Worker string
	*wire.TaskErred
}

// LongRunning says that a task seceded.
type LongRunning struct {
	Worker string
	*wire.LongRunning
}

// Reschedule sends a task back.
type Reschedule struct {
	Worker string
	*wire.Reschedule
}

// StealResponse answers a request to give up a task.
type StealResponse struct {
	Worker string
	*wire.StealResponse
}

// AddKeys reports replicas.
type AddKeys struct {
	Worker string
	*wire.AddKeys
}

// ReleaseWorkerData reports dropped replicas.
type ReleaseWorkerData struct {
	Worker string
	*wire.ReleaseWorkerData
}

// RequestRefreshWhoHas asks for locations.
type RequestRefreshWhoHas struct {
	Worker string
	*wire.RequestRefreshWhoHas
}

// MissingData says that Worker was asked for Keys (by a client's gather) and did not have them.
type MissingData struct {
	Worker string
	Keys   []wire.Key
}

// UpdateData says that a client scattered data to workers.
type UpdateData struct {
	Client    string // whose wish; "" none
	WhoHas    wire.KeyAddresses
	Nbytes    wire.KeySizes
	Typenames map[wire.Key]string
}

// Restart forgets all tasks and tells all clients.
type Restart struct{ StimulusID string }

// Tick lets time-driven rules run (worker-ttl, no-workers-timeout).
type Tick struct{}
