package wire

// This file has the messages of the worker stream that carry tasks.

// ComputeTask (scheduler to worker, "compute-task") assigns a task.
type ComputeTask struct {
	Key                  Key          `msg:"key"`
	RunID                int64        `msg:"run_id"`
	Priority             Priority     `msg:"priority"`
	StimulusID           string       `msg:"stimulus_id"`
	WhoHas               KeyAddresses `msg:"who_has"`
	Nbytes               KeySizes     `msg:"nbytes"`
	RunSpec              Opaque       `msg:"run_spec"`
	ResourceRestrictions Resources    `msg:"resource_restrictions"`
	Actor                bool         `msg:"actor"`
	Annotations          Opaque       `msg:"annotations"`
	SpanID               Opaque       `msg:"span_id"`
	// Runtime names what understands RunSpec ("go", "python", ...). gdask only;
	// empty means "python".
	Runtime string `msg:"runtime,omitempty"`
	// Timeout bounds one run of the task in seconds; 0 means none. gdask only.
	Timeout float64 `msg:"timeout,omitempty"`
}

// StartStop is one timed phase of a task; times are Unix seconds of the worker's clock.
type StartStop struct {
	Action string  `msg:"action"`
	Start  float64 `msg:"start"`
	Stop   float64 `msg:"stop"`
	Source string  `msg:"source,omitempty"`
}

// TaskFinished (worker to scheduler, "task-finished") reports a result that the worker holds.
type TaskFinished struct {
	Key        Key         `msg:"key"`
	RunID      int64       `msg:"run_id"`
	Nbytes     int64       `msg:"nbytes"`
	Type       Opaque      `msg:"type"`     // pickled class, or nil from Go workers
	Typename   string      `msg:"typename"` // Go workers send reflect.Type.String
	Metadata   Opaque      `msg:"metadata"`
	Thread     Opaque      `msg:"thread"`
	StartStops []StartStop `msg:"startstops,allownil"`
	Status     string      `msg:"status"` // "OK"
	StimulusID string      `msg:"stimulus_id"`
}

// TaskErred (worker to scheduler and scheduler to client, "task-erred").
type TaskErred struct {
	Key           Key         `msg:"key"`
	RunID         int64       `msg:"run_id,omitempty"`
	Exception     Opaque      `msg:"exception"`
	Traceback     Opaque      `msg:"traceback"`
	ExceptionText string      `msg:"exception_text,omitempty"`
	TracebackText string      `msg:"traceback_text,omitempty"`
	Thread        Opaque      `msg:"thread,omitzero"`
	StartStops    []StartStop `msg:"startstops,omitempty,allownil"`
	Status        string      `msg:"status,omitempty"` // "error" from workers
	StimulusID    string      `msg:"stimulus_id,omitempty"`
	// Deaths are those that the task is blamed for. gdask only.
	Deaths []WorkerDeath `msg:"gdask_deaths,omitempty,allownil"`
}

// WorkerDeath is how one worker ended while it had a task.
type WorkerDeath struct {
	Name    string `msg:"name"`
	Address string `msg:"address"`
	Host    string `msg:"host"`
	// Reported says that the worker's supervisor told how it ended; without
	// that only the end of its connection is known, and the fields below are empty.
	Reported bool   `msg:"reported"`
	ExitCode int    `msg:"exit_code"`
	Signal   string `msg:"signal"` // such as SIGKILL; "" when it exited by itself
	// OutOfMemory says that the system or the supervisor ended it for its memory.
	OutOfMemory bool     `msg:"oom"`
	LastLog     []string `msg:"last_log,allownil"` // its last lines, oldest first
}

// FreeKeys (scheduler to worker, "free-keys") releases or cancels tasks.
type FreeKeys struct {
	Keys       []Key  `msg:"keys"`
	StimulusID string `msg:"stimulus_id"`
}

// ReleaseWorkerData (worker to scheduler, "release-worker-data") answers free-keys and remove-replicas.
type ReleaseWorkerData struct {
	Key        Key    `msg:"key"`
	StimulusID string `msg:"stimulus_id"`
}

// AddKeys (worker to scheduler, "add-keys") reports replicas fetched from peers.
type AddKeys struct {
	Keys       []Key  `msg:"keys"`
	StimulusID string `msg:"stimulus_id"`
}

// LongRunning (worker to scheduler, "long-running") says that a task seceded.
type LongRunning struct {
	Key             Key     `msg:"key"`
	RunID           int64   `msg:"run_id"`
	ComputeDuration float64 `msg:"compute_duration"`
	StimulusID      string  `msg:"stimulus_id"`
}

// Reschedule (worker to scheduler, "reschedule") sends a task back.
type Reschedule struct {
	Key        Key    `msg:"key"`
	StimulusID string `msg:"stimulus_id"`
}

// RequestRefreshWhoHas (worker to scheduler) asks where keys are now.
type RequestRefreshWhoHas struct {
	Keys       []Key  `msg:"keys"`
	StimulusID string `msg:"stimulus_id"`
}

// RefreshWhoHas (scheduler to worker) answers it.
type RefreshWhoHas struct {
	WhoHas     KeyAddresses `msg:"who_has"`
	StimulusID string       `msg:"stimulus_id"`
}

// StealRequest (scheduler to worker) asks for a task back; StealResponse answers with its worker state.
type StealRequest struct {
	Key        Key    `msg:"key"`
	StimulusID string `msg:"stimulus_id"`
}

// StealResponse (worker to scheduler, "steal-response").
type StealResponse struct {
	Key        Key    `msg:"key"`
	State      string `msg:"state"`
	StimulusID string `msg:"stimulus_id"`
}

// AcquireReplicas (scheduler to worker) asks the worker to fetch copies.
type AcquireReplicas struct {
	WhoHas     KeyAddresses `msg:"who_has"`
	Nbytes     KeySizes     `msg:"nbytes"`
	StimulusID string       `msg:"stimulus_id"`
}

// RemoveReplicas (scheduler to worker) asks the worker to drop copies.
type RemoveReplicas struct {
	Keys       []Key  `msg:"keys"`
	StimulusID string `msg:"stimulus_id"`
}
