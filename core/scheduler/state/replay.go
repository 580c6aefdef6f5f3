package state

import "github.com/gdask/gdask/sdk/wire"

// Spec is the run spec of a task; false when the key is unknown, or is data that
// no task made.
func (m *Machine) Spec(k wire.Key) (wire.Opaque, bool) {
	t := m.tasks.Get(k)
	if t == nil || !t.hasSpec() {
		return wire.Opaque{}, false
	}
	return t.spec, true
}

// Blame is the first task whose failure made one of the keys fail; "" when none
// of them failed.
func (m *Machine) Blame(keys []wire.Key) wire.Key {
	for _, k := range keys {
		if t := m.tasks.Get(k); t != nil && t.cause() != nil {
			return t.cause().key
		}
	}
	return ""
}
