package state

import "github.com/gdask/gdask/sdk/wire"

// assigned is the task that a worker reports on, when the report is about its
// present run; else nil.
func (m *Machine) assigned(w *worker, k wire.Key, run int64) *task {
	t := m.tasks.Get(k)
	if t == nil || t.on != w || run != 0 && t.runID != run {
		return nil
	}
	return t
}

func (m *Machine) from(address string) *worker {
	w := m.workers[address]
	if w != nil {
		w.lastSeen = m.now
	}
	return w
}

func (e TaskFinished) apply(m *Machine) {
	m.stimulus = e.StimulusID
	w := m.from(e.Worker)
	if w == nil {
		return
	}
	t := m.assigned(w, e.Key, e.RunID)
	if t == nil { // of a run that was given up
		if t = m.tasks.Get(e.Key); t == nil || t.on != w && t.has.find(w) == nil {
			m.free(w, e.Key)
		}
		return
	}
	m.learn(t, e.TaskFinished)
	if m.stream != nil {
		m.stream.finished(e.TaskFinished, w.address, m.now)
	}
	m.resize(t, e.Nbytes)
	m.toMemory(t, w)
}

func (e TaskErred) apply(m *Machine) {
	m.stimulus = e.StimulusID
	w := m.from(e.Worker)
	if w == nil {
		return
	}
	t := m.assigned(w, e.Key, e.RunID)
	if t == nil {
		return
	}
	x := t.extra()
	if x.retries > 0 {
		x.retries--
		m.recommend(t, Released)
		return
	}
	x.erredOn = append(x.erredOn, w.address)
	if m.stream != nil {
		m.stream.erred(e.TaskErred, w.address, m.now)
	}
	m.fail(t, &cause{
		key: t.key, exception: e.Exception, traceback: e.Traceback,
		exceptionText: e.ExceptionText, tracebackText: e.TracebackText,
	})
	m.recommend(t, Erred)
}

func (e LongRunning) apply(m *Machine) {
	m.stimulus = e.StimulusID
	w := m.from(e.Worker)
	if w == nil {
		return
	}
	t := m.assigned(w, e.Key, e.RunID)
	if t == nil || t.is(seceded) {
		return
	}
	if e.ComputeDuration > 0 && e.ComputeDuration < maxSeconds {
		t.prefix.sample(e.ComputeDuration, m.tiny())
	}
	if t.is(stealing) {
		m.endSteal(t) // it has begun
	}
	m.unexpect(t, w)
	t.set(seceded)
	w.seceded++
	m.refresh(w)
}

func (e Reschedule) apply(m *Machine) {
	m.stimulus = e.StimulusID
	if w := m.from(e.Worker); w != nil {
		if t := m.assigned(w, e.Key, 0); t != nil {
			m.recommend(t, Released)
		}
	}
}

func (e AddKeys) apply(m *Machine) {
	m.stimulus = e.StimulusID
	w := m.from(e.Worker)
	if w == nil {
		return
	}
	for _, k := range e.Keys {
		if t := m.tasks.Get(k); t != nil && t.state == Memory {
			m.hold(t, w)
		} else if t == nil || t.on != w {
			m.free(w, k)
		}
	}
}

func (e ReleaseWorkerData) apply(m *Machine) {
	m.stimulus = e.StimulusID
	if w := m.from(e.Worker); w != nil {
		m.lose(w, e.Key)
	}
}

func (e MissingData) apply(m *Machine) {
	if w := m.workers[e.Worker]; w != nil {
		for _, k := range e.Keys {
			if t := m.tasks.Get(k); t != nil && t.has.find(w) != nil {
				m.free(w, k) // it may have the result again by now
				m.lose(w, k)
			}
		}
	}
}

// lose notes that a worker does not have a result; without any copy the task
// is released, and runs again where somebody needs it.
func (m *Machine) lose(w *worker, k wire.Key) {
	t := m.tasks.Get(k)
	if t != nil && m.unhold(t, w) && t.state == Memory && t.vanished() {
		m.recommend(t, Released)
	}
}

func (e RequestRefreshWhoHas) apply(m *Machine) {
	m.stimulus = e.StimulusID
	w := m.from(e.Worker)
	if w == nil {
		return
	}
	r := &wire.RefreshWhoHas{StimulusID: e.StimulusID}
	for _, k := range e.Keys {
		if t := m.tasks.Get(k); t != nil {
			r.WhoHas = append(r.WhoHas, wire.KeyAddress{Key: k, Addresses: t.addresses()})
		} else {
			m.free(w, k)
		}
	}
	if len(r.WhoHas) > 0 {
		m.toWorker(w, r)
	}
}
