package state

import (
	"slices"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// keptFailures is how many failed tasks are remembered, as in Dask.
const keptFailures = 100

// FailedTask is what is remembered of a task that failed of its own, also when it
// was tried again or forgotten since.
type FailedTask struct {
	Key                          wire.Key
	At                           time.Time
	ErredOn                      []string // addresses of workers
	ExceptionText, TracebackText string
}

// failures are the latest failed tasks in a ring.
type failures struct {
	ring []FailedTask
	next int // the oldest, once the ring is full
}

func (f *failures) add(one FailedTask) {
	if len(f.ring) < keptFailures {
		f.ring = append(f.ring, one)
		return
	}
	f.ring[f.next] = one
	f.next = (f.next + 1) % keptFailures
}

// remember notes a task that failed, unless only an input of it did.
func (m *Machine) remember(t *task, c *cause) {
	if c == nil || c.key != t.key {
		return
	}
	m.failed.add(FailedTask{
		Key: t.key, At: m.now, ErredOn: slices.Clone(t.extra().erredOn),
		ExceptionText: c.exceptionText, TracebackText: c.tracebackText,
	})
}

// Failures are the latest failed tasks, newest first.
func (m *Machine) Failures() []FailedTask {
	out := slices.Concat(m.failed.ring[m.failed.next:], m.failed.ring[:m.failed.next])
	slices.Reverse(out)
	return out
}
