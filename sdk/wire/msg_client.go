package wire

// This file has the messages of the client stream.

// RegisterClient (client to scheduler, "register-client") opens the stream.
type RegisterClient struct {
	Client   string `msg:"client"`
	Versions Opaque `msg:"versions"`
	Reply    bool   `msg:"reply"`
	// Worker is the worker whose task the client belongs to; it ends with the worker.
	Worker string `msg:"gdask_worker,omitempty"`
}

// StreamStart (scheduler to client, "stream-start") must travel alone in the first batch.
type StreamStart struct {
	Warning string `msg:"warning"`
	Error   string `msg:"error"`
}

// UpdateGraph (client to scheduler, "update-graph") submits tasks. A Python
// client fills ExprSer, a Go client Tasks.
type UpdateGraph struct {
	ExprSer          Opaque   `msg:"expr_ser"`
	Keys             KeySet   `msg:"keys"`
	InternalPriority Opaque   `msg:"internal_priority"`
	SubmittingTask   Key      `msg:"submitting_task"` // nil on the wire when empty
	FifoTimeout      Duration `msg:"fifo_timeout"`
	Actors           Opaque   `msg:"actors"`
	Code             Opaque   `msg:"code"`
	Annotations      Opaque   `msg:"annotations"`
	SpanMetadata     Opaque   `msg:"span_metadata"`
	// Tasks is the graph of a gdask client, in submission order.
	Tasks TaskDefs `msg:"gdask_tasks,omitzero"`
}

// TaskDef is one task of a graph as the scheduler sees it: all but RunSpec is
// read, RunSpec is for the worker.
type TaskDef struct {
	Key          Key       `msg:"key"`
	RunSpec      Opaque    `msg:"run_spec"`
	Runtime      string    `msg:"runtime,omitempty"`
	Dependencies []Key     `msg:"dependencies,omitempty,allownil"`
	Order        int64     `msg:"order,omitempty"`    // position from static ordering; smaller first
	Priority     float64   `msg:"priority,omitempty"` // user priority; higher first
	Retries      int       `msg:"retries,omitempty"`
	Workers      []string  `msg:"workers,omitempty,allownil"` // addresses, names or hosts
	AllowOther   bool      `msg:"allow_other_workers,omitempty"`
	Resources    Resources `msg:"resources,omitzero"`
	Actor        bool      `msg:"actor,omitempty"`
	Timeout      float64   `msg:"timeout,omitempty"` // seconds for one run; 0 none
	Annotations  Opaque    `msg:"annotations,omitzero"`
}

// ClientReleasesKeys and ClientDesiresKeys change a client's wishes.
type ClientReleasesKeys struct {
	Keys   []Key  `msg:"keys"`
	Client string `msg:"client"`
}

// ClientDesiresKeys (client to scheduler, "client-desires-keys").
type ClientDesiresKeys struct {
	Keys   []Key  `msg:"keys"`
	Client string `msg:"client,omitempty"`
}

// HeartbeatClient (client to scheduler, "heartbeat-client").
type HeartbeatClient struct{}

// AdjustHeartbeatInterval (scheduler to client) answers it; seconds.
type AdjustHeartbeatInterval struct {
	Interval float64 `msg:"interval"`
}

// CloseClient (client to scheduler, "close-client") ends the session for good.
type CloseClient struct{}

// CloseStream ends a batched stream ("close-stream").
type CloseStream struct{}

// CancelKeys (client to scheduler, "cancel-keys").
type CancelKeys struct {
	Keys   []Key  `msg:"keys"`
	Force  bool   `msg:"force"`
	Reason string `msg:"reason"`
	Msg    string `msg:"msg"`
}

// ReportKey (client to scheduler, "report-key") asks for a key's current state.
type ReportKey struct {
	Key Key `msg:"key"`
}

// KeyInMemory (scheduler to client, "key-in-memory").
type KeyInMemory struct {
	Key      Key      `msg:"key"`
	Type     Opaque   `msg:"type"`
	Workers  []string `msg:"workers,omitempty,allownil"`
	Typename string   `msg:"typename,omitempty"` // gdask only
	Nbytes   int64    `msg:"nbytes,omitempty"`   // gdask only
}

// CancelledKeys (scheduler to client, "cancelled-keys").
type CancelledKeys struct {
	Keys   []Key  `msg:"keys"`
	Reason string `msg:"reason"`
	Msg    string `msg:"msg"`
}

// TaskRetried (scheduler to client, "task-retried").
type TaskRetried struct {
	Key Key `msg:"key"`
}

// LostData (scheduler to client, "lost-data").
type LostData struct {
	Key Key `msg:"key"`
}

// Restart (scheduler to client, "restart"): all futures are cancelled. The fields
// are those of the requests to schedulers and nannies that have the same name.
type Restart struct {
	Timeout        Opaque `msg:"timeout,omitzero"`
	WaitForWorkers Opaque `msg:"wait_for_workers,omitzero"`
	Client         string `msg:"client,omitempty"`
	StimulusID     string `msg:"stimulus_id,omitempty"`
	Reason         string `msg:"reason,omitempty"`
}

// EachOpaque implements Carrier.
func (z *Restart) EachOpaque(f func(*Opaque)) {
	f(&z.Timeout)
	f(&z.WaitForWorkers)
}

// SubscribeTopic begins, UnsubscribeTopic ends a client's interest in the events
// of a topic; Event is one of them.
type SubscribeTopic struct {
	Topic  string `msg:"topic"`
	Client string `msg:"client"`
}

// UnsubscribeTopic (client to scheduler, "unsubscribe-topic").
type UnsubscribeTopic struct {
	Topic  string `msg:"topic"`
	Client string `msg:"client"`
}

// Event (scheduler to client, "event"); Event is [time, msg].
type Event struct {
	Topic string `msg:"topic"`
	Event Opaque `msg:"event"`
}

// Error (scheduler to client, "error") reports a failure of the stream itself.
type Error struct {
	Message string `msg:"message"`
}
