package wire

// This file has registration, heartbeat and lifecycle messages of workers.

// RegisterWorker (worker to scheduler, "register-worker") opens the worker stream.
type RegisterWorker struct {
	Address        string    `msg:"address"`
	Status         string    `msg:"status"`
	NThreads       int       `msg:"nthreads"`
	Name           Opaque    `msg:"name"` // str or int
	Now            float64   `msg:"now"`
	Resources      Resources `msg:"resources,allownil"`
	MemoryLimit    Number    `msg:"memory_limit"` // bytes; 0 or nil none
	LocalDirectory string    `msg:"local_directory"`
	Services       Opaque    `msg:"services"`
	Nanny          Opaque    `msg:"nanny"` // str or nil
	Pid            int       `msg:"pid"`
	Versions       Opaque    `msg:"versions"`
	Metrics        Metrics   `msg:"metrics"`
	Extra          Opaque    `msg:"extra"`
	ServerID       string    `msg:"server_id"`
	StimulusID     string    `msg:"stimulus_id"`
	Reply          bool      `msg:"reply"`
	// Runtimes are the run-spec runtimes that the worker serves. gdask only;
	// absent means ["python"].
	Runtimes []string `msg:"runtimes,omitempty,allownil"`
	// Held are the keys of results that a reconnecting worker still has. gdask only.
	Held KeySizes `msg:"held,omitzero"`
}

// RegisterWorkerReply answers it as a plain map.
type RegisterWorkerReply struct {
	Status            string  `msg:"status"`
	Time              float64 `msg:"time"`
	HeartbeatInterval float64 `msg:"heartbeat-interval"`
	WorkerPlugins     Opaque  `msg:"worker-plugins"`
	Message           string  `msg:"message,omitempty"`
	Warning           string  `msg:"warning,omitempty"`
	Error             string  `msg:"error,omitempty"`
}

// WorkerStatusChange (both ways, "worker-status-change").
type WorkerStatusChange struct {
	Status     string `msg:"status"`
	StimulusID string `msg:"stimulus_id"`
}

// CloseWorker (scheduler to worker, "close").
type CloseWorker struct {
	Reason string `msg:"reason,omitempty"`
}

// KeepAlive (worker to scheduler, "keep-alive", every 60 s).
type KeepAlive struct{}

// RemoveWorker (scheduler to worker, "remove-worker"): a peer left.
type RemoveWorker struct {
	Worker     string `msg:"worker"`
	StimulusID string `msg:"stimulus_id"`
}

// LogEvent (worker to scheduler, "log-event").
type LogEvent struct {
	Topic Opaque `msg:"topic"`
	Msg   Opaque `msg:"msg"`
}

// HeartbeatWorker (worker to scheduler, RPC "heartbeat_worker").
type HeartbeatWorker struct {
	Address    string  `msg:"address"`
	Now        float64 `msg:"now"`
	Metrics    Metrics `msg:"metrics"`
	Executing  Opaque  `msg:"executing"` // key to seconds
	Extensions Opaque  `msg:"extensions"`
}

// HeartbeatReply answers it; Status is "OK" or "missing".
type HeartbeatReply struct {
	Status            string  `msg:"status"`
	Time              float64 `msg:"time"`
	HeartbeatInterval float64 `msg:"heartbeat-interval"`
}

// GetData (any to worker, RPC "get_data"): after an OK the asker sends the bare string "OK".
type GetData struct {
	Keys KeySet `msg:"keys"`
	Who  string `msg:"who"`
}

// GetDataReply answers it; Status is "OK" or "busy".
type GetDataReply struct {
	Status string  `msg:"status"`
	Data   DataMap `msg:"data"`
}
