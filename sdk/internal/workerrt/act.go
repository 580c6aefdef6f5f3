package workerrt

import (
	"context"
	"time"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
	"github.com/gdask/gdask/sdk/wire"
)

// begins precedes a batch of events.
func (w *Worker) begins() { w.m.SetNow(time.Now().UnixNano()) }

// handle is one event, under the inbox's ownership.
func (w *Worker) handle(e state.Event) {
	switch e := e.(type) {
	case []wire.Msg: // a batch of the scheduler's stream
		for _, msg := range e {
			w.handleMsg(msg)
		}
		return
	case func():
		e()
		return
	case *state.Done:
		w.pace.add(e.Stop - e.Start)
		if a, ok := e.Data.(*actor); ok {
			defer w.born(a)
		}
	}
	w.apply(e)
}

func (w *Worker) apply(e state.Event) {
	if err := w.m.Handle(e); err != nil {
		w.logs.Error("event ignored", "error", err)
	}
}

// handleMsg is one message of the scheduler.
func (w *Worker) handleMsg(msg wire.Msg) {
	switch msg := msg.(type) {
	case *wire.ComputeTask:
	case *wire.FreeKeys:
		w.revoke(msg.Keys...)
	case *wire.StealRequest:
		w.revoke(msg.Key)
	case *wire.RemoveWorker:
		if cancel := w.gathers[msg.Worker]; cancel != nil {
			cancel()
		}
		w.pool.Forget(msg.Worker)
	case *wire.AcquireReplicas, *wire.RemoveReplicas, *wire.RefreshWhoHas:
	default:
		w.control(msg)
		return
	}
	w.apply(msg)
}

// revoke takes jobs back that no slot has begun, so that the machine may give
// them up like any waiting task.
func (w *Worker) revoke(keys ...wire.Key) {
	for _, k := range keys {
		t := w.m.Task(k)
		if t == nil || t.State != state.Executing {
			continue
		}
		if j, ok := t.Run.(*Job); ok && j.phase.CompareAndSwap(phaseQueued, phaseRevoked) {
			j.letGo()
			t.Run = nil
			w.apply(&state.Unstarted{Key: k})
		}
	}
}

// settle follows a batch of events: start what can start, then do what the
// machine says.
func (w *Worker) settle() {
	if ahead, ok := w.pace.ahead(w.set.NThreads); ok {
		w.apply(state.RunAhead{Tasks: ahead})
	}
	w.m.Settle()
	o := w.m.Take()
	if w.watchers.on.Load() {
		w.handOut()
	}
	w.cancelJobs(o)
	for _, t := range o.Execute {
		j := w.newJob(t)
		t.Run = j
		w.jobs = append(w.jobs, j)
	}
	if len(w.jobs) > 0 {
		w.exec.submit(w.jobs)
		clear(w.jobs)
		w.jobs = w.jobs[:0]
	}
	if st := w.stream.Load(); st != nil && len(o.Send) > 0 {
		st.Send(o.Send...)
	}
	for _, g := range o.Gather {
		w.startGather(g)
	}
	for _, t := range o.Timers {
		w.startTimer(t)
	}
	w.obey(o)
	for _, v := range o.Ended {
		if a, ok := v.(*actor); ok {
			w.bury(a)
		}
	}
	if s := w.m.Stats(); *w.stats.Load() != s {
		changed := s // or each s would be an allocation
		w.stats.Store(&changed)
	}
}

func (w *Worker) cancelJobs(o *state.Output) {
	for _, k := range o.Cancel {
		if t := w.m.Task(k); t != nil {
			if j, ok := t.Run.(*Job); ok {
				j.ctx.cancel(context.Canceled)
			}
		}
	}
	for _, k := range o.Rejoined {
		if t := w.m.Task(k); t != nil {
			if j, ok := t.Run.(*Job); ok && j.rejoined != nil {
				close(j.rejoined)
				j.rejoined = nil
			}
		}
	}
}

// startTimer posts an event later.
func (w *Worker) startTimer(t state.Timer) {
	w.wg.Go(func() {
		timer := time.NewTimer(t.After)
		defer timer.Stop()
		select {
		case <-timer.C:
			w.inbox.post(t.Event)
		case <-w.ctx.Done():
		}
	})
}

// finished brings a job's outcome to the machine.
func (w *Worker) finished(j *Job) {
	if j.seceded {
		w.exec.shrink()
	}
	if j.done.Failure != nil && w.exec.isClosed() {
		return // cancelled by the worker's end; the scheduler has it run elsewhere
	}
	w.totals.tasks.Add(1)
	if j.done.Failure != nil {
		w.totals.failed.Add(1)
	}
	w.inbox.post(&j.done)
}
