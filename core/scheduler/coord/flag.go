package coord

import (
	"slices"

	"github.com/gdask/gdask/sdk/wire"
)

// FlagSet sets a flag. FlagSet, FlagClear, FlagWait and FlagIsSet are the requests
// of Dask's Event. A flag that is not set and that nobody waits for takes no memory.
type FlagSet struct {
	Caller
	Name wire.Key
}

// FlagClear unsets the flag.
type FlagClear struct {
	Caller
	Name wire.Key
}

// FlagWait waits until the flag is set.
type FlagWait struct {
	Caller
	Name wire.Key
}

// FlagIsSet asks.
type FlagIsSet struct {
	Caller
	Name wire.Key
}

type flag struct {
	name    wire.Key
	set     bool
	waiters []Caller
}

func (m *Machine) flag(name wire.Key) *flag {
	f := m.flags[name]
	if f == nil {
		f = &flag{name: name}
		m.flags[name] = f
	}
	return f
}

func (e FlagSet) apply(m *Machine) {
	f := m.flag(e.Name)
	f.set = true
	waiters := f.waiters
	f.waiters = nil
	for _, w := range waiters {
		m.unhold(w.Owner, f)
		m.served(w.Ticket)
		m.ok(w.Ticket)
	}
	m.ok(e.Ticket)
}

func (e FlagClear) apply(m *Machine) {
	if f := m.flags[e.Name]; f != nil {
		f.set = false
		f.forget(m)
	}
	m.ok(e.Ticket)
}

func (e FlagWait) apply(m *Machine) {
	f := m.flag(e.Name)
	if f.set {
		m.ok(e.Ticket)
		return
	}
	f.waiters = append(f.waiters, e.Caller)
	m.hold(e.Owner, f)
	m.wait(e.Caller, f)
}

func (e FlagIsSet) apply(m *Machine) {
	f := m.flags[e.Name]
	m.answer(Answer{Ticket: e.Ticket, OK: f != nil && f.set})
}

func (f *flag) forget(m *Machine) {
	if !f.set && len(f.waiters) == 0 {
		delete(m.flags, f.name)
	}
}

func (f *flag) leave(m *Machine, t Ticket) {
	i := slices.IndexFunc(f.waiters, func(c Caller) bool { return c.Ticket == t })
	if i < 0 {
		return
	}
	m.unhold(f.waiters[i].Owner, f)
	f.waiters = slices.Delete(f.waiters, i, i+1)
	f.forget(m)
}

func (f *flag) lost(m *Machine, o Owner) { m.evict(ticketsOf(f.waiters, o)) }

func (f *flag) label() string { return "flag " + string(f.name) }
