package state

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gdask/gdask/sdk/wire"
)

// claim is the queue of the tasks that need the same resources. One queue for
// each need, so that a task that must wait for one resource does not keep
// others from those that are free.
type claim struct {
	name  string
	needs wire.Resources
	queue taskHeap
}

func (m *Machine) claimOf(needs wire.Resources) *claim {
	parts := make([]string, 0, len(needs))
	for name, n := range needs {
		parts = append(parts, name+"="+strconv.FormatFloat(n, 'g', -1, 64))
	}
	slices.Sort(parts)
	name := strings.Join(parts, ",")
	for _, c := range m.constrained {
		if c.name == name {
			return c
		}
	}
	c := &claim{name: name, needs: needs}
	m.constrained = append(m.constrained, c)
	return c
}

// bestConstrained is the first task in order of t and the heads of all queues
// whose resources are free.
func (m *Machine) bestConstrained(t *Task) *Task {
	for _, c := range m.constrained {
		head := c.queue.top()
		if head == nil || t != nil && !head.prio.less(&t.prio) || !m.fits(c.needs) {
			continue
		}
		t = head
	}
	return t
}

func (m *Machine) fits(needs wire.Resources) bool {
	for name, n := range needs {
		if m.free[name] < n {
			return false
		}
	}
	return true
}

// take claims the task's resources, give returns them.
func (m *Machine) take(t *Task) {
	if len(t.Msg.ResourceRestrictions) == 0 {
		return
	}
	for name, n := range t.Msg.ResourceRestrictions {
		m.free[name] -= n
	}
	t.claimed = t.Msg.ResourceRestrictions
}

func (m *Machine) give(t *Task) {
	for name, n := range t.claimed {
		m.free[name] += n
	}
	t.claimed = nil
}
