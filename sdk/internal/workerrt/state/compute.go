package state

import (
	"slices"

	"github.com/gdask/gdask/sdk/wire"
)

// compute handles an assignment.
func (m *Machine) compute(msg *wire.ComputeTask) {
	t := m.ensure(msg.Key)
	t.RunID = msg.RunID
	switch t.State {
	case Released, Fetch, Missing, Error:
		m.stopFetch(t)
		t.Failure = nil
		m.toWaiting(t, msg)
	case Memory:
		m.sendFinished(t, nil)
	case Flight:
		m.stopWanting(t)
		t.prev, t.next, t.Msg = Flight, Waiting, msg
		m.enter(t, Resumed)
	case Cancelled, Resumed:
		t.next, t.Msg = Waiting, msg
		m.enter(t, Resumed)
	default: // assigned twice: the present run will do
	}
}

// toWaiting queues a task and asks for the inputs that are not here.
func (m *Machine) toWaiting(t *Task, msg *wire.ComputeTask) {
	t.Msg, t.wanted, t.Actor, t.moved = msg, false, msg.Actor, nil
	m.enter(t, Waiting)
	m.counter++
	t.prio = Priority{3: m.counter}
	copy(t.prio[:3], msg.Priority)
	t.epoch++
	t.missing = 0
	if len(msg.WhoHas) > 0 {
		m.wantInputs(t, msg)
	}
	if t.missing == 0 {
		m.toReady(t)
	}
}

func (m *Machine) wantInputs(t *Task, msg *wire.ComputeTask) {
	t.Deps = make([]*Task, 0, len(msg.WhoHas))
	for i := range msg.WhoHas {
		entry := &msg.WhoHas[i]
		d := m.ensure(entry.Key)
		if d == t {
			continue
		}
		t.Deps = append(t.Deps, d)
		d.users++
		if d.State == Memory {
			continue
		}
		if n := sizeIn(msg.Nbytes, i, entry.Key); n > 0 {
			d.Nbytes = n
		}
		t.missing++
		d.waiters = append(d.waiters, waiter{t, t.epoch})
		m.want(d, entry.Addresses, &t.prio)
	}
}

// sizeIn finds a key's size: nearly always the lists have the same order.
func sizeIn(sizes wire.KeySizes, i int, k wire.Key) int64 {
	if i < len(sizes) && sizes[i].Key == k {
		return sizes[i].Nbytes
	}
	for j := range sizes {
		if sizes[j].Key == k {
			return sizes[j].Nbytes
		}
	}
	return 0
}

// toReady queues a task whose inputs are all here.
func (m *Machine) toReady(t *Task) {
	if len(t.Msg.ResourceRestrictions) > 0 {
		m.enter(t, Constrained)
		m.claimOf(t.Msg.ResourceRestrictions).queue.push(t)
		return
	}
	m.enter(t, Ready)
	m.ready.push(t)
}

// schedule hands tasks to the executor.
func (m *Machine) schedule() {
	for m.executing < m.cfg.NThreads && len(m.rejoining) > 0 {
		t := m.rejoining[0]
		m.rejoining = m.rejoining[1:]
		m.executing++
		t.slot = true
		m.out.Rejoined = append(m.out.Rejoined, t.Key)
	}
	for !m.paused && m.executing < m.cfg.NThreads+m.runAhead {
		t := m.ready.top()
		if m.executing < m.cfg.NThreads {
			t = m.bestConstrained(t)
		}
		if t == nil {
			return
		}
		t.heap.remove(t)
		if m.lostInputs(t) {
			continue
		}
		m.take(t)
		for _, d := range t.Deps {
			m.Use(d)
		}
		t.slot = true
		m.enter(t, Executing)
		m.executing++
		m.out.Execute = append(m.out.Execute, t)
	}
}

// lostInputs sends a ready task back to waiting when inputs were dropped since.
func (m *Machine) lostInputs(t *Task) bool {
	t.missing = 0
	for _, d := range t.Deps {
		if d.State == Memory {
			continue
		}
		if t.missing == 0 {
			t.epoch++
			m.enter(t, Waiting)
		}
		t.missing++
		d.waiters = append(d.waiters, waiter{t, t.epoch})
		m.want(d, nil, &t.prio)
	}
	return t.missing > 0
}

// unstarted puts a task back that the executor gave back.
func (m *Machine) unstarted(k wire.Key) {
	t := m.tasks.Get(k)
	if t == nil || t.State != Executing {
		return
	}
	m.leaveSlot(t)
	m.toReady(t)
}

// leaveSlot frees what a running task occupies.
func (m *Machine) leaveSlot(t *Task) {
	t.Run = nil
	m.freeSlot(t)
	m.give(t)
}

func (m *Machine) freeSlot(t *Task) {
	if t.slot {
		m.executing--
		t.slot = false
	}
}

// done handles the end of a run.
func (m *Machine) done(e *Done) {
	t := m.tasks.Get(e.Key)
	if t == nil || !t.Running() {
		m.discard(e)
		return
	}
	was := t.State
	if was == LongRunning || was != Executing && t.prev == LongRunning {
		m.longRunning--
		m.stopRejoining(t)
	}
	m.leaveSlot(t)
	m.lose(e.Lost)
	brought := t.brought
	t.brought = nil
	switch {
	case brought != nil && (was == Cancelled || !e.worked()):
		m.discard(e)
		m.useBrought(t, brought, was != Cancelled && (was != Resumed || t.next == Waiting))
	case was == Cancelled:
		m.discard(e)
		m.release(t)
	case was == Resumed && e.worked():
		m.resumedDone(t, e)
	case was == Resumed && t.next == Waiting:
		m.toWaiting(t, t.Msg)
	case was == Resumed:
		t.Msg = nil
		m.toFetch(t)
	case len(e.Lost) > 0: // again, with the inputs from elsewhere
		m.dropDeps(t)
		m.toWaiting(t, t.Msg)
	case e.Reschedule:
		m.out.Send = append(m.out.Send, &wire.Reschedule{Key: t.Key})
		m.release(t)
	case e.Failure != nil:
		m.fail(t, e.Failure, e)
	default:
		m.toMemory(t, e.Data, e.Nbytes, e.Disk, e.Type)
		m.sendFinished(t, e)
	}
}

// useBrought stores the value that came while a function ran in vain.
func (m *Machine) useBrought(t *Task, item *Item, assigned bool) {
	m.toMemory(t, item.Data, item.Nbytes, 0, item.Type)
	if assigned {
		m.sendFinished(t, nil)
	}
}

// resumedDone keeps the value of a cancelled run that succeeded all the same.
func (m *Machine) resumedDone(t *Task, e *Done) {
	next := t.next
	m.toMemory(t, e.Data, e.Nbytes, e.Disk, e.Type)
	if next == Waiting {
		m.sendFinished(t, e)
		return
	}
	m.out.Send = append(m.out.Send, &wire.AddKeys{Keys: []wire.Key{t.Key}})
}

func (m *Machine) fail(t *Task, why *Failure, e *Done) {
	m.dropDeps(t)
	t.Failure, t.Msg = why, nil
	m.enter(t, Error)
	m.sendErred(t, e)
}

// toMemory stores a value, whose file has disk bytes when it is on disk already,
// and wakes those who wait for it.
func (m *Machine) toMemory(t *Task, data any, nbytes, disk int64, typ string) {
	m.dropDeps(t)
	if len(t.whoHas) > 0 {
		m.setWhoHas(t, nil)
	}
	t.Data, t.Nbytes, t.Type, t.Msg = data, nbytes, typ, nil
	m.enter(t, Memory)
	m.keep(t, disk)
	waiting := t.waiters
	t.waiters = nil
	for _, w := range waiting {
		if w.t.State != Waiting || w.t.epoch != w.epoch {
			continue
		}
		if w.t.missing--; w.t.missing == 0 {
			m.toReady(w.t)
		}
	}
}

// secede frees the slot of a running task: the first time, and again after a
// rejoin that was granted or given up.
func (m *Machine) secede(e *Secede) {
	t := m.tasks.Get(e.Key)
	if t == nil {
		return
	}
	switch t.State {
	case Executing:
		m.freeSlot(t) // its resources stay its own: it goes on using them
		m.enter(t, LongRunning)
		m.longRunning++
		m.out.Send = append(m.out.Send, &wire.LongRunning{Key: t.Key, RunID: t.RunID, ComputeDuration: e.Seconds})
	case LongRunning:
		m.stopRejoining(t)
		m.freeSlot(t)
	case Cancelled, Resumed: // a function that does not heed its context
		if t.prev == Executing {
			m.freeSlot(t)
			t.prev = LongRunning
			m.longRunning++
		}
	}
}

func (m *Machine) rejoin(k wire.Key) {
	t := m.tasks.Get(k)
	switch {
	case t == nil:
	case t.State != LongRunning || t.slot: // cancelled, let it find out without a wait; or it has one
		m.out.Rejoined = append(m.out.Rejoined, k)
	case !slices.Contains(m.rejoining, t):
		m.rejoining = append(m.rejoining, t)
	}
}

func (m *Machine) stopRejoining(t *Task) {
	for i, r := range m.rejoining {
		if r == t {
			m.rejoining = append(m.rejoining[:i:i], m.rejoining[i+1:]...)
			return
		}
	}
}
