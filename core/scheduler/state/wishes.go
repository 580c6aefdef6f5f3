package state

import (
	"maps"
	"slices"

	"github.com/gdask/gdask/sdk/wire"
)

// fireAndForget is the pseudo-client of tasks whose results nobody reads. It
// loses its wish as soon as the task is done.
const fireAndForget = "fire-and-forget"

// letGo ends that wish for a task that has a result or has failed.
func (m *Machine) letGo(t *task) {
	if t.state != Memory && t.state != Erred {
		return
	}
	if c := m.clients[fireAndForget]; c != nil && m.unwant(c, t) {
		m.afterUnwant(t)
	}
}

func (e AddClient) apply(m *Machine) { m.client(e.ID) }

func (e RemoveClient) apply(m *Machine) {
	c := m.clients[e.ID]
	if c == nil {
		return
	}
	m.unwantAll(c)
	delete(m.clients, e.ID)
}

func (m *Machine) unwantAll(c *client) {
	for len(c.wants) > 0 {
		t := c.wants[len(c.wants)-1]
		m.unwant(c, t)
		m.afterUnwant(t)
	}
}

// afterUnwant lets go of a task that may have lost its last wish.
func (m *Machine) afterUnwant(t *task) {
	switch {
	case t.state == Forgotten || t.wants.len() > 0:
	case t.unreferenced():
		m.recommend(t, Forgotten)
	case !t.needed():
		m.recommend(t, unneeded)
	}
}

// report tells a client of a key that has come to an end already.
func (m *Machine) report(c *client, t *task) {
	switch t.state {
	case Memory:
		m.toClient(c, m.inMemory(t))
	case Erred:
		m.toClient(c, t.erredMessage())
	}
}

func (m *Machine) cancelled(c *client, k wire.Key, reason, msg string) {
	m.toClient(c, &wire.CancelledKeys{Keys: []wire.Key{k}, Reason: reason, Msg: msg})
}

func (e ClientDesiresKeys) apply(m *Machine) {
	c := m.client(e.Client)
	for _, k := range e.Keys {
		t := m.tasks.Get(k)
		if t == nil {
			m.cancelled(c, k, "unknown", "the scheduler does not know the key")
			continue
		}
		m.want(c, t)
		m.report(c, t)
		if t.state == Released {
			m.recommend(t, Waiting)
		}
		m.letGo(t)
	}
}

func (e ClientReleasesKeys) apply(m *Machine) {
	c := m.clients[e.Client]
	if c == nil {
		return
	}
	for _, k := range e.Keys {
		if t := m.tasks.Get(k); t != nil && m.unwant(c, t) {
			m.afterUnwant(t)
		}
	}
}

func (e ReportKey) apply(m *Machine) {
	c := m.clients[e.Client]
	if c == nil {
		return
	}
	if t := m.tasks.Get(e.Key); t != nil {
		m.report(c, t)
		return
	}
	m.cancelled(c, e.Key, "unknown", "the scheduler does not know the key")
}

func (e CancelKeys) apply(m *Machine) {
	c := m.clients[e.Client]
	var list []*task
	for _, k := range e.Keys {
		if t := m.tasks.Get(k); t != nil {
			list = append(list, t)
		} else if c != nil {
			m.cancelled(c, k, e.Reason, e.Msg)
		}
	}
	seen := map[*task]bool{}
	for len(list) > 0 {
		t := list[len(list)-1]
		list = list[:len(list)-1]
		if seen[t] {
			continue
		}
		seen[t] = true
		others := t.wants.len() > 0 && (c == nil || t.wants.len() > 1 || t.wants.find(c) == nil)
		if e.Force || !others {
			for i := range t.dependents {
				list = append(list, t.dependents[i].to)
			}
		}
		m.cancel(t, c, &e)
	}
}

// cancel drops the wish of one client, or of all, and tells them.
func (m *Machine) cancel(t *task, c *client, e *CancelKeys) {
	for i := t.wants.len() - 1; i >= 0; i-- {
		w := t.wants.at(i)
		if w != c && !e.Force {
			continue
		}
		m.unwant(w, t)
		m.cancelled(w, t.key, e.Reason, e.Msg)
	}
	m.afterUnwant(t)
}

func (e RetryKeys) apply(m *Machine) {
	var list []*task
	for _, k := range e.Keys {
		if t := m.tasks.Get(k); t != nil && t.state == Erred {
			list = append(list, t)
		}
	}
	seen := map[*task]bool{}
	for len(list) > 0 {
		t := list[len(list)-1]
		list = list[:len(list)-1]
		if seen[t] {
			continue
		}
		seen[t] = true
		root := true
		for i := range t.deps {
			if d := t.deps[i].to; d.state == Erred {
				list = append(list, d)
				root = false
			}
		}
		if root {
			m.recommend(t, Released)
		}
	}
}

func (e Restart) apply(m *Machine) {
	m.stimulus = e.StimulusID
	for _, id := range slices.Sorted(maps.Keys(m.clients)) {
		c := m.clients[id]
		m.toClient(c, &wire.Restart{})
		m.unwantAll(c)
	}
	m.settle()
	for _, k := range m.Keys() { // data that nobody has asked for
		m.recommend(m.tasks.Get(k), unneeded)
	}
}
