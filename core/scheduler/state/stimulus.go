package state

// named is what story shows as the reason of a transition: the id that came
// with the event, or else the name of the event. Messages carry ids only.
func (m *Machine) named() string {
	if m.stimulus != "" {
		return m.stimulus
	}
	switch m.event.(type) {
	case TaskFinished:
		return "task-finished"
	case UpdateGraph:
		return "update-graph"
	case TaskErred:
		return "task-erred"
	case LongRunning:
		return "long-running"
	case Reschedule:
		return "reschedule"
	case StealResponse:
		return "steal-response"
	case AddKeys:
		return "add-keys"
	case ReleaseWorkerData:
		return "release-worker-data"
	case MissingData:
		return "missing-data"
	}
	return m.namedOther()
}

func (m *Machine) namedOther() string {
	switch m.event.(type) {
	case AddWorker:
		return "add-worker"
	case RemoveWorker:
		return "remove-worker"
	case WorkerStatus:
		return "worker-status-change"
	case Heartbeat:
		return "heartbeat"
	case RemoveClient:
		return "remove-client"
	case ClientDesiresKeys:
		return "client-desires-keys"
	case ClientReleasesKeys:
		return "client-releases-keys"
	case CancelKeys:
		return "cancel-keys"
	case RetryKeys:
		return "retry-keys"
	case UpdateData:
		return "update-data"
	case SetResources:
		return "set-resources"
	case SetRestrictions:
		return "set-restrictions"
	case Restart:
		return "restart"
	case Tick:
		return "tick"
	}
	return ""
}
