package state

import (
	"slices"

	"github.com/gdask/gdask/sdk/wire"
)

// want makes sure that an input comes: addresses are those that the scheduler
// named (nil: none new).
func (m *Machine) want(d *Task, addresses []string, prio *Priority) {
	switch d.State {
	case Released, Error:
		d.prio, d.Failure = *prio, nil
		m.setWhoHas(d, addresses)
		m.toFetch(d)
	case Missing:
		m.addWhoHas(d, addresses)
		if len(d.whoHas) > 0 {
			m.stopMissing(d)
			m.toFetch(d)
		}
	case Fetch:
		known := len(d.whoHas)
		m.addWhoHas(d, addresses)
		if !prio.less(&d.prio) && len(d.whoHas) == known {
			return
		}
		if prio.less(&d.prio) {
			d.prio = *prio
		}
		m.fetching--
		m.toFetch(d) // again, with the new sources and priority
	case Cancelled:
		if d.prev == Flight {
			m.enter(d, Flight)
			return
		}
		d.next = Fetch
		m.enter(d, Resumed)
		m.setWhoHas(d, addresses)
	}
}

// toFetch queues a task at all peers that have it, or makes it missing.
func (m *Machine) toFetch(t *Task) {
	if len(t.whoHas) == 0 {
		m.toMissing(t)
		return
	}
	m.enter(t, Fetch)
	t.epoch++
	m.fetching++
	for _, p := range t.whoHas {
		p.push(t)
	}
}

func (m *Machine) toMissing(t *Task) {
	m.enter(t, Missing)
	m.missingInputs++
	m.refresh = append(m.refresh, t.Key)
}

func (m *Machine) stopMissing(t *Task) {
	if t.State == Missing {
		m.missingInputs--
		m.enter(t, Released)
	}
}

// stopFetch takes a task out of the states of inputs.
func (m *Machine) stopFetch(t *Task) {
	switch t.State {
	case Fetch:
		m.fetching--
		t.epoch++ // its entries at the peers are stale now
		m.enter(t, Released)
	case Missing:
		m.stopMissing(t)
	}
	m.setWhoHas(t, nil)
}

// stopWanting is for a copy in flight that turns out to be wanted otherwise.
func (m *Machine) stopWanting(t *Task) { t.wanted = false }

func (m *Machine) setWhoHas(t *Task, addresses []string) {
	for _, p := range t.whoHas {
		delete(p.has, t)
	}
	t.whoHas = t.whoHas[:0]
	m.addWhoHas(t, addresses)
}

func (m *Machine) addWhoHas(t *Task, addresses []string) {
	for _, a := range addresses {
		if a == m.cfg.Address {
			continue
		}
		p := m.peer(a)
		if _, ok := p.has[t]; ok {
			continue
		}
		p.has[t] = struct{}{}
		t.whoHas = append(t.whoHas, p)
	}
}

func (m *Machine) dropSource(t *Task, p *peer) {
	delete(p.has, t)
	if i := slices.Index(t.whoHas, p); i >= 0 {
		t.whoHas = slices.Delete(t.whoHas, i, i+1)
	}
}

// gathered handles what came from a peer and what did not.
func (m *Machine) gathered(e *Gathered) {
	p := m.peer(e.Peer)
	if p.inFlight {
		p.inFlight = false
		m.flights--
		m.flightBytes -= p.bytes
	}
	m.noteTransfer(e)
	for i := range e.Items {
		m.arrived(&e.Items[i], p)
	}
	for _, k := range e.Keys {
		if t := m.tasks.Get(k); t != nil && t.from == p {
			m.notArrived(t, p, e)
		}
	}
	switch {
	case e.Busy && !p.busy:
		p.busy = true
		m.out.Timers = append(m.out.Timers, Timer{m.cfg.BusyRetry, &PeerRetry{p.address}})
	case e.Err != nil:
		m.peerGone(p.address)
	}
	m.added()
}

// arrived stores one copied value.
func (m *Machine) arrived(item *Item, p *peer) {
	t := m.tasks.Get(item.Key)
	if t == nil || t.from != p {
		return
	}
	t.from = nil
	switch {
	case t.State == Cancelled && t.prev == Flight:
		m.release(t)
	case t.State == Resumed && t.prev == Flight && item.Err == nil:
		m.toMemory(t, item.Data, item.Nbytes, 0, item.Type)
		m.sendFinished(t, nil)
	case t.State == Resumed && t.prev == Flight:
		m.setWhoHas(t, nil)
		m.toWaiting(t, t.Msg)
	case t.State == Flight && item.Err == nil:
		m.toMemory(t, item.Data, item.Nbytes, 0, item.Type)
		m.slabs.added = append(m.slabs.added, t.Key)
	case t.State == Flight: // cannot be used from there
		m.dropSource(t, p)
		m.enter(t, Released)
		if t.refusals++; t.refusals >= maxRefusals && len(t.whoHas) == 0 {
			m.giveUp(t, item)
			return
		}
		m.toFetch(t)
	}
}

// maxRefusals is how often holders may say that they cannot send a value in a
// usable form before the search for it ends.
const maxRefusals = 3

// giveUp ends the search: the tasks that wait for the value here fail. The scheduler, which may know of other
// holders, tries them again where they have retries.
func (m *Machine) giveUp(t *Task, item *Item) {
	t.wanted, t.refusals = false, 0
	waiting := t.waiters
	t.waiters = nil
	t.users++ // it stays until all have let go
	for _, w := range waiting {
		if w.t.State == Waiting && w.t.epoch == w.epoch {
			m.fail(w.t, &Failure{Text: item.Err.Error(), Exception: wire.StringOpaque(item.Err.Error())}, nil)
		}
	}
	t.users--
	m.forget(t)
}

// added tells the scheduler of new copies, in one message.
func (m *Machine) added() {
	if len(m.slabs.added) > 0 {
		m.out.Send = append(m.out.Send, &wire.AddKeys{Keys: m.slabs.added})
		m.slabs.added = nil
	}
}

// notArrived handles one key that was asked for in vain.
func (m *Machine) notArrived(t *Task, p *peer, e *Gathered) {
	t.from = nil
	if !e.Busy {
		m.dropSource(t, p)
	}
	switch {
	case t.State == Cancelled && t.prev == Flight:
		m.release(t)
	case t.State == Resumed && t.prev == Flight:
		m.setWhoHas(t, nil)
		m.toWaiting(t, t.Msg)
	case t.State == Flight:
		m.enter(t, Released)
		m.toFetch(t)
		if e.Busy && len(t.whoHas) == 1 {
			m.refresh = append(m.refresh, t.Key) // there may be copies by now
		}
	}
}

// acquire starts copies that the scheduler ordered.
func (m *Machine) acquire(e *wire.AcquireReplicas) {
	for i := range e.WhoHas {
		t := m.ensure(e.WhoHas[i].Key)
		if t.State == Memory || t.queued() || t.State == Executing || t.State == LongRunning {
			continue
		}
		t.wanted = true
		if n := sizeIn(e.Nbytes, i, t.Key); n > 0 {
			t.Nbytes = n
		}
		m.counter++
		prio := Priority{1, 0, 0, m.counter} // after all inputs of tasks
		m.want(t, e.WhoHas[i].Addresses, &prio)
	}
}

// refreshed handles new locations.
func (m *Machine) refreshed(e *wire.RefreshWhoHas) {
	for i := range e.WhoHas {
		t := m.tasks.Get(e.WhoHas[i].Key)
		if t == nil {
			continue
		}
		switch t.State {
		case Flight:
			m.addWhoHas(t, e.WhoHas[i].Addresses)
		case Fetch, Missing:
			m.stopFetch(t)
			m.setWhoHas(t, e.WhoHas[i].Addresses)
			if len(t.whoHas) > 0 {
				m.toFetch(t)
				continue
			}
			m.enter(t, Missing) // FindMissing asks again
			m.missingInputs++
		}
	}
}

func (m *Machine) findMissing() {
	if m.missingInputs == 0 {
		return
	}
	m.refresh = m.refresh[:0]
	for t := range m.tasks.All() {
		if t.State == Missing {
			m.refresh = append(m.refresh, t.Key)
		}
	}
	slices.Sort(m.refresh)
}
