package coord

import (
	"slices"

	"github.com/gdask/gdask/sdk/wire"
)

// passage is a future on its way from a queue to a getter: the queue's wish
// keeps it alive until the getter has entered one.
type passage struct {
	client string
	key    wire.Key
}

func (m *Machine) pass(p passage, o Owner) {
	o = o.owner()
	m.passing[p] = append(m.passing[p], o)
	m.hold(o, p)
}

// arrive ends one passage to an owner. A named owner that has none takes that
// of an unnamed one: Dask's clients ask without their name and confirm with it.
func (m *Machine) arrive(p passage, o Owner) bool {
	o = o.owner()
	os := m.passing[p]
	i := slices.Index(os, o)
	if i < 0 {
		i = slices.IndexFunc(os, func(x Owner) bool { return x.Client == "" })
	}
	if i < 0 {
		return false
	}
	m.unhold(os[i], p)
	m.setPassing(p, slices.Delete(os, i, i+1))
	return true
}

func (m *Machine) setPassing(p passage, os []Owner) {
	if len(os) == 0 {
		delete(m.passing, p)
		return
	}
	m.passing[p] = os
}

func (p passage) lost(m *Machine, o Owner) {
	os := m.passing[p]
	left := slices.DeleteFunc(slices.Clone(os), func(x Owner) bool { return x == o })
	m.setPassing(p, left)
	for range len(os) - len(left) {
		m.unwish(p.client, p.key)
	}
}

func (e FutureReceived) apply(m *Machine) {
	p := passage{"queue-" + e.Name.String(), e.Key}
	if m.arrive(p, Owner{Client: e.Client}) {
		m.unwish(p.client, p.key)
	}
}

func (p passage) label() string { return "passage " + p.client + " " + string(p.key) }
