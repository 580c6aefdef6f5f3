package wire

// This file has the op names and the opaque fields of the messages.

// ops makes an empty message by op name. It is read only.
var ops = map[string]func() Msg{
	"update_data":               func() Msg { return new(UpdateData) },
	"compute-task":              func() Msg { return new(ComputeTask) },
	"task-finished":             func() Msg { return new(TaskFinished) },
	"task-erred":                func() Msg { return new(TaskErred) },
	"free-keys":                 func() Msg { return new(FreeKeys) },
	"release-worker-data":       func() Msg { return new(ReleaseWorkerData) },
	"add-keys":                  func() Msg { return new(AddKeys) },
	"long-running":              func() Msg { return new(LongRunning) },
	"reschedule":                func() Msg { return new(Reschedule) },
	"request-refresh-who-has":   func() Msg { return new(RequestRefreshWhoHas) },
	"refresh-who-has":           func() Msg { return new(RefreshWhoHas) },
	"steal-request":             func() Msg { return new(StealRequest) },
	"steal-response":            func() Msg { return new(StealResponse) },
	"acquire-replicas":          func() Msg { return new(AcquireReplicas) },
	"remove-replicas":           func() Msg { return new(RemoveReplicas) },
	"register-client":           func() Msg { return new(RegisterClient) },
	"stream-start":              func() Msg { return new(StreamStart) },
	"update-graph":              func() Msg { return new(UpdateGraph) },
	"client-releases-keys":      func() Msg { return new(ClientReleasesKeys) },
	"client-desires-keys":       func() Msg { return new(ClientDesiresKeys) },
	"heartbeat-client":          func() Msg { return new(HeartbeatClient) },
	"adjust-heartbeat-interval": func() Msg { return new(AdjustHeartbeatInterval) },
	"close-client":              func() Msg { return new(CloseClient) },
	"close-stream":              func() Msg { return new(CloseStream) },
	"cancel-keys":               func() Msg { return new(CancelKeys) },
	"report-key":                func() Msg { return new(ReportKey) },
	"key-in-memory":             func() Msg { return new(KeyInMemory) },
	"cancelled-keys":            func() Msg { return new(CancelledKeys) },
	"task-retried":              func() Msg { return new(TaskRetried) },
	"lost-data":                 func() Msg { return new(LostData) },
	"restart":                   func() Msg { return new(Restart) },
	"subscribe-topic":           func() Msg { return new(SubscribeTopic) },
	"unsubscribe-topic":         func() Msg { return new(UnsubscribeTopic) },
	"event":                     func() Msg { return new(Event) },
	"error":                     func() Msg { return new(Error) },
	"register-worker":           func() Msg { return new(RegisterWorker) },
	"worker-status-change":      func() Msg { return new(WorkerStatusChange) },
	"close":                     func() Msg { return new(CloseWorker) },
	"keep-alive":                func() Msg { return new(KeepAlive) },
	"remove-worker":             func() Msg { return new(RemoveWorker) },
	"log-event":                 func() Msg { return new(LogEvent) },
	"heartbeat_worker":          func() Msg { return new(HeartbeatWorker) },
	"get_data":                  func() Msg { return new(GetData) },
}

// Op implements Msg.
func (*ComputeTask) Op() string { return "compute-task" }

// EachOpaque implements Carrier.
func (z *ComputeTask) EachOpaque(f func(*Opaque)) {
	f(&z.RunSpec)
	f(&z.Annotations)
	f(&z.SpanID)
}

// Op implements Msg.
func (*TaskFinished) Op() string { return "task-finished" }

// EachOpaque implements Carrier.
func (z *TaskFinished) EachOpaque(f func(*Opaque)) {
	f(&z.Type)
	f(&z.Metadata)
	f(&z.Thread)
}

// Op implements Msg.
func (*TaskErred) Op() string { return "task-erred" }

// EachOpaque implements Carrier.
func (z *TaskErred) EachOpaque(f func(*Opaque)) {
	f(&z.Exception)
	f(&z.Traceback)
	f(&z.Thread)
}

// Op implements Msg.
func (*FreeKeys) Op() string { return "free-keys" }

// Op implements Msg.
func (*ReleaseWorkerData) Op() string { return "release-worker-data" }

// Op implements Msg.
func (*AddKeys) Op() string { return "add-keys" }

// Op implements Msg.
func (*LongRunning) Op() string { return "long-running" }

// Op implements Msg.
func (*Reschedule) Op() string { return "reschedule" }

// Op implements Msg.
func (*RequestRefreshWhoHas) Op() string { return "request-refresh-who-has" }

// Op implements Msg.
func (*RefreshWhoHas) Op() string { return "refresh-who-has" }

// Op implements Msg.
func (*StealRequest) Op() string { return "steal-request" }

// Op implements Msg.
func (*StealResponse) Op() string { return "steal-response" }

// Op implements Msg.
func (*AcquireReplicas) Op() string { return "acquire-replicas" }

// Op implements Msg.
func (*RemoveReplicas) Op() string { return "remove-replicas" }

// Op implements Msg.
func (*RegisterClient) Op() string { return "register-client" }

// EachOpaque implements Carrier.
func (z *RegisterClient) EachOpaque(f func(*Opaque)) {
	f(&z.Versions)
}

// Op implements Msg.
func (*StreamStart) Op() string { return "stream-start" }

// Op implements Msg.
func (*UpdateGraph) Op() string { return "update-graph" }

// EachOpaque implements Carrier.
func (z *UpdateGraph) EachOpaque(f func(*Opaque)) {
	f(&z.ExprSer)
	f(&z.InternalPriority)
	f(&z.Actors)
	f(&z.Code)
	f(&z.Annotations)
	f(&z.SpanMetadata)
	for i := range z.Tasks {
		z.Tasks[i].EachOpaque(f)
	}
}

// EachOpaque implements Carrier.
func (z *TaskDef) EachOpaque(f func(*Opaque)) {
	f(&z.RunSpec)
	f(&z.Annotations)
}

// Op implements Msg.
func (*ClientReleasesKeys) Op() string { return "client-releases-keys" }

// Op implements Msg.
func (*ClientDesiresKeys) Op() string { return "client-desires-keys" }

// Op implements Msg.
func (*HeartbeatClient) Op() string { return "heartbeat-client" }

// Op implements Msg.
func (*AdjustHeartbeatInterval) Op() string { return "adjust-heartbeat-interval" }

// Op implements Msg.
func (*CloseClient) Op() string { return "close-client" }

// Op implements Msg.
func (*CloseStream) Op() string { return "close-stream" }

// Op implements Msg.
func (*CancelKeys) Op() string { return "cancel-keys" }

// Op implements Msg.
func (*ReportKey) Op() string { return "report-key" }

// Op implements Msg.
func (*KeyInMemory) Op() string { return "key-in-memory" }

// EachOpaque implements Carrier.
func (z *KeyInMemory) EachOpaque(f func(*Opaque)) {
	f(&z.Type)
}

// Op implements Msg.
func (*CancelledKeys) Op() string { return "cancelled-keys" }

// Op implements Msg.
func (*TaskRetried) Op() string { return "task-retried" }

// Op implements Msg.
func (*LostData) Op() string { return "lost-data" }

// Op implements Msg.
func (*Restart) Op() string { return "restart" }

// Op implements Msg.
func (*SubscribeTopic) Op() string { return "subscribe-topic" }

// Op implements Msg.
func (*UnsubscribeTopic) Op() string { return "unsubscribe-topic" }

// Op implements Msg.
func (*Event) Op() string { return "event" }

// EachOpaque implements Carrier.
func (z *Event) EachOpaque(f func(*Opaque)) {
	f(&z.Event)
}

// Op implements Msg.
func (*Error) Op() string { return "error" }

// Op implements Msg.
func (*RegisterWorker) Op() string { return "register-worker" }

// EachOpaque implements Carrier.
func (z *RegisterWorker) EachOpaque(f func(*Opaque)) {
	f(&z.Name)
	f(&z.Services)
	f(&z.Nanny)
	f(&z.Versions)
	f(&z.Extra)
}

// EachOpaque implements Carrier.
func (z *RegisterWorkerReply) EachOpaque(f func(*Opaque)) {
	f(&z.WorkerPlugins)
}

// Op implements Msg.
func (*WorkerStatusChange) Op() string { return "worker-status-change" }

// Op implements Msg.
func (*CloseWorker) Op() string { return "close" }

// Op implements Msg.
func (*KeepAlive) Op() string { return "keep-alive" }

// Op implements Msg.
func (*RemoveWorker) Op() string { return "remove-worker" }

// Op implements Msg.
func (*LogEvent) Op() string { return "log-event" }

// EachOpaque implements Carrier.
func (z *LogEvent) EachOpaque(f func(*Opaque)) {
	f(&z.Topic)
	f(&z.Msg)
}

// Op implements Msg.
func (*HeartbeatWorker) Op() string { return "heartbeat_worker" }

// EachOpaque implements Carrier.
func (z *HeartbeatWorker) EachOpaque(f func(*Opaque)) {
	f(&z.Executing)
	f(&z.Extensions)
}

// Op implements Msg.
func (*GetData) Op() string { return "get_data" }

// EachOpaque implements Carrier.
func (z *GetDataReply) EachOpaque(f func(*Opaque)) { z.Data.EachOpaque(f) }

// Op implements Msg.
func (*UpdateData) Op() string { return "update_data" }

// EachOpaque implements Carrier.
func (z *UpdateData) EachOpaque(f func(*Opaque)) { z.Data.EachOpaque(f) }
