package state

import (
	"slices"

	"github.com/gdask/gdask/sdk/wire"
)

// Underway finds what is processing of keys and of all that they wait for, by
// worker address. Keys that are not known come back as unknown.
func (m *Machine) Underway(keys []wire.Key) (on map[string][]wire.Key, unknown []wire.Key) {
	on = map[string][]wire.Key{}
	seen := map[*task]bool{}
	var stack []*task
	for _, k := range keys {
		if t := m.tasks.Get(k); t != nil {
			stack = append(stack, t)
		} else {
			unknown = append(unknown, k)
		}
	}
	for len(stack) > 0 {
		t := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[t] {
			continue
		}
		seen[t] = true
		switch t.state {
		case Waiting:
			for i := range t.deps {
				stack = append(stack, t.deps[i].to)
			}
		case Processing:
			on[t.on.address] = append(on[t.on.address], t.key)
		}
	}
	for _, ks := range on {
		slices.Sort(ks)
	}
	return on, unknown
}

// Run is a run of a task that is under way.
type Run struct {
	Worker  string // its address; "": it is with no worker
	ID      int64
	Seceded bool
}

// Run is the present run of a task.
func (m *Machine) Run(k wire.Key) (r Run) {
	if t := m.tasks.Get(k); t != nil && t.on != nil {
		r = Run{t.on.address, t.runID, t.is(seceded)}
	}
	return r
}

// Erred are the tasks that failed, not those that only depend on one, in no
// order and at most limit (0: all).
func (m *Machine) Erred(limit int) []wire.Key {
	var keys []wire.Key
	if m.counts[Erred] == 0 {
		return nil
	}
	for t := range m.tasks.All() {
		if c := t.cause(); t.state == Erred && c != nil && c.key == t.key {
			if keys = append(keys, t.key); len(keys) == limit {
				break
			}
		}
	}
	return keys
}
