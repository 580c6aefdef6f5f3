package simulate

import (
	"fmt"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/worker/workertest"
)

// appendWords says in a few words what an event or a message is. Everything
// that matters to the machines is in them, for they make the history's hash.
func appendWords(b []byte, what any) []byte {
	switch x := what.(type) {
	case string:
		return append(b, x...)
	case state.Event:
		return appendEvent(b, x)
	case wire.Msg:
		return appendMessage(b, x)
	case *workertest.Done:
		b = appendKeys(append(b, "done"...), x.Key)
		if x.Failure != nil {
			b = append(append(b, " failed: "...), x.Failure.Text...)
		}
		if x.Reschedule {
			b = append(b, " reschedule"...)
		}
		for _, l := range x.Lost {
			b = appendKeys(append(b, " without"...), l.Key)
		}
		return b
	case *workertest.Gathered:
		b = append(append(b, "gathered from "...), x.Peer...)
		if x.Busy {
			b = append(b, " busy"...)
		}
		if x.Err != nil {
			b = append(append(b, " failed: "...), x.Err.Error()...)
		}
		b = append(appendKeys(b, x.Keys...), " got"...)
		for i := range x.Items {
			b = appendKeys(b, x.Items[i].Key)
		}
		return b
	case *workertest.UpdateData:
		b = append(b, "update-data"...)
		for i := range x.Items {
			b = appendKeys(b, x.Items[i].Key)
		}
		return b
	case *workertest.Unstarted:
		return appendKeys(append(b, "unstarted"...), x.Key)
	case *workertest.Secede:
		return appendKeys(append(b, "secede"...), x.Key)
	case *workertest.Rejoin:
		return appendKeys(append(b, "rejoin"...), x.Key)
	case *workertest.Spilled:
		return appendKeys(append(b, "spilled"...), x.Spill.Key)
	case *workertest.SpillFailed:
		return appendKeys(append(b, "could not spill"...), x.Spill.Key)
	case *workertest.Unspilled:
		return appendKeys(append(b, "unspilled"...), x.Key)
	case []workertest.Lost:
		return appendKeys(append(b, "lost file"...), x[0].Key)
	}
	return fmt.Appendf(b, "%T", what)
}

func appendKeys(b []byte, ks ...wire.Key) []byte {
	for _, k := range ks {
		b = append(b, ' ')
		if s, ok := k.Str(); ok {
			b = append(b, s...)
			continue
		}
		b = append(b, k.String()...)
	}
	return b
}

func appendEvent(b []byte, e state.Event) []byte {
	on := func(worker string, m wire.Msg) []byte {
		return appendMessage(append(append(b, worker...), ": "...), m)
	}
	switch e := e.(type) {
	case state.TaskFinished:
		return on(e.Worker, e.TaskFinished)
	case state.TaskErred:
		return on(e.Worker, e.TaskErred)
	case state.LongRunning:
		return on(e.Worker, e.LongRunning)
	case state.Reschedule:
		return on(e.Worker, e.Reschedule)
	case state.StealResponse:
		return on(e.Worker, e.StealResponse)
	case state.AddKeys:
		return on(e.Worker, e.AddKeys)
	case state.ReleaseWorkerData:
		return on(e.Worker, e.ReleaseWorkerData)
	case state.RequestRefreshWhoHas:
		return on(e.Worker, e.RequestRefreshWhoHas)
	case state.UpdateGraph:
		b = append(append(b, "update-graph of "...), e.Client...)
		for i := range e.Tasks {
			b = appendKeys(b, e.Tasks[i].Key)
		}
		return appendKeys(append(b, " wants"...), e.Keys...)
	case state.ClientDesiresKeys:
		return appendKeys(append(append(b, e.Client...), " desires"...), e.Keys...)
	case state.ClientReleasesKeys:
		return appendKeys(append(append(b, e.Client...), " releases"...), e.Keys...)
	case state.CancelKeys:
		return appendKeys(fmt.Appendf(b, "%s cancels (force %v)", e.Client, e.Force), e.Keys...)
	case state.RetryKeys:
		return appendKeys(append(append(b, e.Client...), " retries"...), e.Keys...)
	}
	return appendRareEvent(b, e)
}

func appendRareEvent(b []byte, e state.Event) []byte {
	switch e := e.(type) {
	case state.Heartbeat:
		return append(append(b, "heartbeat of "...), e.Address...)
	case state.ReportKey:
		return appendKeys(append(append(b, e.Client...), " asks about"...), e.Key)
	case state.MissingData:
		return appendKeys(append(append(b, e.Worker...), " has not"...), e.Keys...)
	case state.UpdateData:
		b = append(append(b, e.Client...), " scattered"...)
		for _, k := range e.WhoHas {
			b = fmt.Appendf(appendKeys(b, k.Key), "=%v", k.Addresses)
		}
		return b
	case state.AddWorker:
		b = append(append(b, "add-worker "...), e.Address...)
		for _, h := range e.Held {
			b = appendKeys(b, h.Key)
		}
		return b
	}
	return fmt.Appendf(b, "%T%+v", e, e)
}

func appendMessage(b []byte, m wire.Msg) []byte {
	b = append(b, m.Op()...)
	switch m := m.(type) {
	case *wire.ComputeTask:
		b = fmt.Appendf(appendKeys(b, m.Key), " run %d", m.RunID)
		for _, d := range m.WhoHas {
			b = fmt.Appendf(appendKeys(b, d.Key), "=%v", d.Addresses)
		}
		return b
	case *wire.TaskFinished:
		return fmt.Appendf(appendKeys(b, m.Key), " run %d", m.RunID)
	case *wire.TaskErred:
		return fmt.Appendf(appendKeys(b, m.Key), " run %d: %s", m.RunID, m.ExceptionText)
	case *wire.FreeKeys:
		return appendKeys(b, m.Keys...)
	case *wire.AddKeys:
		return appendKeys(b, m.Keys...)
	case *wire.ReleaseWorkerData:
		return appendKeys(b, m.Key)
	case *wire.LongRunning:
		return appendKeys(b, m.Key)
	case *wire.Reschedule:
		return appendKeys(b, m.Key)
	case *wire.StealRequest:
		return append(append(appendKeys(b, m.Key), ' '), m.StimulusID...)
	case *wire.StealResponse:
		return fmt.Appendf(appendKeys(b, m.Key), " %s %q", m.StimulusID, m.State)
	case *wire.RequestRefreshWhoHas:
		return appendKeys(b, m.Keys...)
	}
	return appendOtherMessage(b, m)
}

func appendOtherMessage(b []byte, m wire.Msg) []byte {
	places := func(ks wire.KeyAddresses) []byte {
		for _, k := range ks {
			b = fmt.Appendf(appendKeys(b, k.Key), "=%v", k.Addresses)
		}
		return b
	}
	switch m := m.(type) {
	case *wire.RefreshWhoHas:
		return places(m.WhoHas)
	case *wire.AcquireReplicas:
		return places(m.WhoHas)
	case *wire.RemoveReplicas:
		return appendKeys(b, m.Keys...)
	case *wire.RemoveWorker:
		return append(append(b, ' '), m.Worker...)
	case *wire.WorkerStatusChange:
		return append(append(b, ' '), m.Status...)
	case *wire.KeyInMemory:
		return fmt.Appendf(appendKeys(b, m.Key), "=%v", m.Workers)
	case *wire.LostData:
		return appendKeys(b, m.Key)
	case *wire.TaskRetried:
		return appendKeys(b, m.Key)
	case *wire.CancelledKeys:
		return append(append(appendKeys(b, m.Keys...), ' '), m.Reason...)
	}
	return b
}
