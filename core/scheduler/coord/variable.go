package coord

import (
	"slices"
	"strconv"

	"github.com/gdask/gdask/sdk/wire"
)

// VariableSet sets a variable.
type VariableSet struct {
	Caller
	Name   wire.Key
	Record Record
}

// VariableGet waits until the variable is set. With a future comes a token that
// keeps it alive until VariableReceived.
type VariableGet struct {
	Caller
	Name wire.Key
}

// VariableReceived says that the getter has a wish of its own.
type VariableReceived struct{ Token string }

// VariableDelete unsets a variable; those who wait go on waiting.
type VariableDelete struct{ Name wire.Key }

type variable struct {
	name    wire.Key
	set     bool
	record  Record
	getters []Caller
}

func (v *variable) client() string { return "variable-" + v.name.String() }

// tokenOf is a future on its way from a variable to a getter.
type tokenOf struct {
	token, client string
	key           wire.Key
	owner         Owner
}

func (m *Machine) variable(name wire.Key) *variable {
	v := m.variables[name]
	if v == nil {
		v = &variable{name: name}
		m.variables[name] = v
	}
	return v
}

func (e VariableSet) apply(m *Machine) {
	v := m.variable(e.Name)
	if e.Record.Key != "" {
		m.wish(v.client(), e.Record.Key)
	}
	v.unset(m)
	v.set, v.record = true, e.Record
	m.ok(e.Ticket)
	getters := v.getters
	v.getters = nil
	for _, g := range getters {
		m.unhold(g.Owner, v)
		m.served(g.Ticket)
		v.tell(m, g)
	}
}

func (v *variable) unset(m *Machine) {
	if v.set && v.record.Key != "" {
		m.unwish(v.client(), v.record.Key)
	}
	v.set, v.record = false, Record{}
}

func (v *variable) tell(m *Machine, c Caller) {
	a := Answer{Ticket: c.Ticket, OK: true, Records: []Record{v.record}}
	if k := v.record.Key; k != "" {
		m.counter++
		t := tokenOf{token: strconv.FormatUint(m.counter, 16), client: v.client(), key: k, owner: c.Owner.owner()}
		a.Token, m.tokens[t.token] = t.token, t
		m.wish(t.client, k)
		m.hold(c.Owner, t)
	}
	m.answer(a)
}

func (e VariableGet) apply(m *Machine) {
	v := m.variable(e.Name)
	if v.set {
		v.tell(m, e.Caller)
		return
	}
	v.getters = append(v.getters, e.Caller)
	m.hold(e.Owner, v)
	m.wait(e.Caller, v)
}

func (v *variable) leave(m *Machine, t Ticket) {
	i := slices.IndexFunc(v.getters, func(c Caller) bool { return c.Ticket == t })
	if i < 0 {
		return
	}
	m.unhold(v.getters[i].Owner, v)
	v.getters = slices.Delete(v.getters, i, i+1)
	v.forget(m)
}

func (v *variable) forget(m *Machine) {
	if !v.set && len(v.getters) == 0 {
		delete(m.variables, v.name)
	}
}

func (v *variable) lost(m *Machine, o Owner) { m.evict(ticketsOf(v.getters, o)) }

// ticketsOf are the tickets of those of an owner.
func ticketsOf(cs []Caller, o Owner) (ts []Ticket) {
	for _, c := range cs {
		if c.Owner.owner() == o {
			ts = append(ts, c.Ticket)
		}
	}
	return ts
}

func (e VariableReceived) apply(m *Machine) {
	if t, ok := m.tokens[e.Token]; ok {
		m.unhold(t.owner, t)
		t.end(m)
	}
}

func (t tokenOf) end(m *Machine) {
	delete(m.tokens, t.token)
	m.unwish(t.client, t.key)
}

func (t tokenOf) lost(m *Machine, _ Owner) { t.end(m) }

func (e VariableDelete) apply(m *Machine) {
	if v := m.variables[e.Name]; v != nil {
		v.unset(m)
		v.forget(m)
	}
}

func (v *variable) label() string { return "variable " + string(v.name) }

func (t tokenOf) label() string { return "token " + t.token }
