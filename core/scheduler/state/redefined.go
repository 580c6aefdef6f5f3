package state

import (
	"fmt"

	"github.com/gdask/gdask/sdk/wire"
)

// keepFirst leaves a task as it is that is defined again, and warns when the new
// definition has other inputs: two different tasks share a key.
func (m *Machine) keepFirst(t *task, d *wire.TaskDef) {
	if !t.hasSpec() || t.is(inGraph) || t.hasInputs(d.Dependencies) || len(m.out.Warnings) >= 100 {
		return
	}
	m.out.Warnings = append(m.out.Warnings, fmt.Sprintf(
		"key %s was submitted again with other dependencies (%d now, %d before); the first task stays: "+
			"give different tasks different keys", t.key, len(d.Dependencies), len(t.deps)))
}

// hasInputs says whether the inputs of a task are these; repetitions do not count.
func (t *task) hasInputs(keys []wire.Key) bool {
	if len(keys) < len(t.deps) {
		return false
	}
	have := make(map[wire.Key]bool, len(t.deps)) // true once it was among keys
	for i := range t.deps {
		have[t.deps[i].to.key] = false
	}
	left := len(have)
	for _, k := range keys {
		seen, ok := have[k]
		if !ok {
			return false
		}
		if !seen {
			have[k] = true
			left--
		}
	}
	return left == 0
}
