package state

import "github.com/gdask/gdask/sdk/wire"

// ensure returns the task of that key, new when unknown.
func (m *Machine) ensure(k wire.Key) *Task {
	t := m.tasks.Get(k)
	if t == nil {
		t = m.tasks.Add(k)
		t.Key = k
	}
	return t
}

// freeKey ends a task, whatever its state: the scheduler does not want it here.
func (m *Machine) freeKey(k wire.Key, stimulus string) {
	t := m.tasks.Get(k)
	if t == nil {
		return
	}
	if t.State == Memory && m.cfg.AckFree {
		m.out.Send = append(m.out.Send, &wire.ReleaseWorkerData{Key: k, StimulusID: stimulus})
	}
	t.wanted = false
	m.end(t)
}

// end takes a task out of its state; what runs or is being copied is cancelled
// and ends later.
func (m *Machine) end(t *Task) {
	t.brought = nil
	switch t.State {
	case Executing, LongRunning:
		m.dropDeps(t)
		t.prev = t.State
		m.enter(t, Cancelled)
		m.out.Cancel = append(m.out.Cancel, t.Key)
	case Flight:
		if t.users > 0 { // a task waits for it
			return
		}
		t.prev = Flight
		m.enter(t, Cancelled)
	case Resumed:
		if t.next == Fetch && t.users > 0 {
			return
		}
		m.dropDeps(t)
		m.enter(t, Cancelled)
	case Cancelled:
	case Fetch, Missing:
		if t.users == 0 {
			m.release(t)
		}
	default:
		m.release(t)
	}
}

// release makes a task released, and forgotten when no task needs it.
func (m *Machine) release(t *Task) {
	if t.heap != nil {
		t.heap.remove(t)
	}
	m.stopFetch(t)
	m.dropDeps(t)
	if t.State == Memory {
		m.unkeep(t)
		if t.Actor {
			m.out.Ended = append(m.out.Ended, t.Data)
		}
	}
	t.Data, t.Msg, t.Failure, t.wanted, t.Actor, t.refusals = nil, nil, nil, false, false, 0
	m.enter(t, Released)
	t.epoch++
	m.forget(t)
	if t.State == Released && t.needed() {
		m.want(t, nil, &t.prio)
	}
}

// needed says that a waiting task still has t among what it waits for.
func (t *Task) needed() bool {
	for _, w := range t.waiters {
		if w.t.State == Waiting && w.t.epoch == w.epoch {
			return true
		}
	}
	return false
}

func (m *Machine) forget(t *Task) {
	if t.State == Released && t.users == 0 && m.tasks.Remove(t) {
		m.enter(t, Forgotten)
		t.waiters = nil
	}
}

// dropDeps lets go of a task's inputs. Copies of values stay until the scheduler
// frees them; what was not copied yet need not come any more.
func (m *Machine) dropDeps(t *Task) {
	deps := t.Deps
	t.Deps = nil
	for _, d := range deps {
		d.users--
		if d.users > 0 || d.wanted {
			continue
		}
		switch d.State {
		case Fetch, Missing:
			m.release(d)
		case Flight:
			d.prev = Flight
			m.enter(d, Cancelled)
		case Resumed:
			if d.next == Fetch {
				m.enter(d, Cancelled)
			}
		case Released:
			m.forget(d)
		}
	}
}

// removeReplicas drops copies unless a task here needs them or an actor lives here; then the scheduler
// is told that they stay.
func (m *Machine) removeReplicas(e *wire.RemoveReplicas) {
	var kept []wire.Key
	for _, k := range e.Keys {
		t := m.tasks.Get(k)
		switch {
		case t == nil:
		case t.State == Memory && (t.users > 0 || t.Actor):
			kept = append(kept, k)
		case t.State == Memory:
			m.out.Send = append(m.out.Send, &wire.ReleaseWorkerData{Key: k, StimulusID: e.StimulusID})
			m.release(t)
		case t.wanted && t.users == 0:
			t.wanted = false
			m.end(t)
		}
	}
	if len(kept) > 0 {
		m.out.Send = append(m.out.Send, &wire.AddKeys{Keys: kept, StimulusID: e.StimulusID})
	}
}

// steal gives a task up that has not begun; the answer says what it was.
func (m *Machine) steal(e *wire.StealRequest) {
	answer := &wire.StealResponse{Key: e.Key, StimulusID: e.StimulusID}
	if t := m.tasks.Get(e.Key); t != nil {
		answer.State = t.State.String()
		if t.queued() {
			m.release(t)
		}
	}
	m.out.Send = append(m.out.Send, answer)
}

// updateData stores values that a client scattered.
func (m *Machine) updateData(e *UpdateData) {
	for i := range e.Items {
		item := &e.Items[i]
		t := m.ensure(item.Key)
		if t.Actor { // what comes is a handle of it
			continue
		}
		if t.Running() { // its end decides
			t.brought = item
			continue
		}
		if t.State == Memory {
			m.unkeep(t)
		}
		if t.heap != nil {
			t.heap.remove(t)
		}
		assigned := t.queued() || t.State == Resumed
		m.stopFetch(t)
		m.toMemory(t, item.Data, item.Nbytes, 0, item.Type)
		if assigned {
			m.sendFinished(t, nil)
		}
	}
}

// reset forgets all but values: the scheduler that wanted the rest is gone.
func (m *Machine) reset() {
	all := make([]*Task, 0, m.tasks.Len())
	for t := range m.tasks.All() {
		all = append(all, t)
	}
	sortTasks(all)          // what is said does not depend on the order of a map
	for _, t := range all { // first those that need others
		if t.queued() || t.Running() || t.State == Error {
			m.end(t)
		}
	}
	for _, t := range all {
		t.wanted = false
		if t.State != Memory && t.State != Forgotten {
			m.end(t)
		}
	}
	m.refresh = nil
}
