package state

import (
	"errors"
	"fmt"
	"maps"
)

// Check verifies the invariants of the machine; tests call it after events.
func (m *Machine) Check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	users := make(map[*Task]int)
	var slots, long, fetching, missing, memory int
	var managed int64
	var held holdings
	for t := range m.tasks.All() {
		if m.tasks.Get(t.Key) != t {
			bad("task %q is stored under another key", t.Key)
		}
		for _, d := range t.Deps {
			users[d]++
		}
		if t.slot {
			slots++
		}
		switch t.State {
		case Fetch:
			fetching++
		case Missing:
			missing++
		case Memory:
			memory++
			managed += t.Nbytes
			held.add(t)
		case LongRunning:
			long++
		case Cancelled, Resumed:
			if t.prev == LongRunning {
				long++
			}
		}
		if err := m.checkTask(t); err != nil {
			errs = append(errs, err)
		}
	}
	for t := range m.tasks.All() {
		if users[t] != int(t.users) {
			bad("task %q has %d users, counts %d", t.Key, users[t], t.users)
		}
	}
	if slots != m.executing || long != m.longRunning || fetching != m.fetching || missing != m.missingInputs {
		bad("slots %d/%d, long-running %d/%d, fetch %d/%d, missing %d/%d", slots, m.executing, long, m.longRunning,
			fetching, m.fetching, missing, m.missingInputs)
	}
	if memory != m.stats.InMemory || managed != m.stats.Managed {
		bad("in memory %d/%d, bytes %d/%d", memory, m.stats.InMemory, managed, m.stats.Managed)
	}
	if err := m.checkMemory(held); err != nil {
		errs = append(errs, err)
	}
	free := make(map[string]float64)
	maps.Copy(free, m.cfg.Resources)
	for t := range m.tasks.All() {
		for name, n := range t.claimed {
			free[name] -= n
		}
	}
	for name, n := range m.free {
		if d := free[name] - n; d > 1e-9 || d < -1e-9 {
			bad("resource %s: %v free, but %v that no task has", name, n, free[name])
		}
		if n < 0 || n > m.cfg.Resources[name] {
			bad("resource %s: %v free of %v", name, n, m.cfg.Resources[name])
		}
	}
	return errors.Join(errs...)
}

// checkTask verifies what must be true of one task.
func (m *Machine) checkTask(t *Task) error {
	problem := ""
	switch t.State {
	case Released:
		if t.users == 0 {
			problem = "released and needed by nobody"
		}
	case Waiting:
		if t.missing <= 0 || t.Msg == nil || t.heap != nil {
			problem = "waits for nothing"
		} else if n := t.absent(); n != int(t.missing) {
			problem = fmt.Sprintf("waits for %d inputs, %d are absent", t.missing, n)
		}
	case Ready, Constrained:
		if t.heap == nil || t.heap.items[t.index] != t || t.Msg == nil {
			problem = "is in no queue"
		}
	case Fetch:
		if len(t.whoHas) == 0 || t.users == 0 && !t.wanted {
			problem = "has no source or no user"
		}
	case Flight:
		if t.from == nil || t.users == 0 && !t.wanted {
			problem = "flies for nobody"
		}
	case Executing:
		if !t.slot || t.Msg == nil {
			problem = "has no slot"
		}
	case Memory, Error:
		if t.slot || len(t.Deps) > 0 || t.heap != nil || len(t.whoHas) > 0 {
			problem = "is not done"
		}
	case Rescheduled, Forgotten:
		problem = "should not be here"
	}
	if problem == "" && t.slot != (t.Running() && t.slot) {
		problem = "occupies a slot"
	}
	if problem == "" {
		return nil
	}
	return fmt.Errorf("task %q, %s: %s", t.Key, t.State, problem)
}

// absent counts the inputs that a waiting task has still to get.
func (t *Task) absent() int {
	n := 0
	for _, d := range t.Deps {
		for _, w := range d.waiters {
			if w.t == t && w.epoch == t.epoch && d.State != Memory {
				n++
			}
		}
	}
	return n
}

// holdings are where the values are, counted anew.
type holdings struct {
	listed, onDisk                int
	leaving, spilledMemory, files int64
}

func (h *holdings) add(t *Task) {
	switch t.place {
	case listed:
		h.listed++
	case leaving:
		h.leaving += t.Nbytes
	case onDisk:
		h.onDisk++
		h.spilledMemory += t.Nbytes
		h.files += t.disk
	}
}

// checkMemory verifies the list of values that may go to disk, and the counts.
func (m *Machine) checkMemory(h holdings) error {
	n := 0
	var newer *Task
	for t := m.mem.head; t != nil; newer, t = t, t.older {
		if n++; t.place != listed || t.newer != newer || t.State != Memory {
			return fmt.Errorf("value of %q, %s: is not listed as it should be", t.Key, t.State)
		}
	}
	if m.mem.tail != newer || n != h.listed {
		return fmt.Errorf("%d values are listed, %d should be", n, h.listed)
	}
	s := &m.stats
	if h.leaving != m.mem.leaving || h.onDisk != s.OnDisk || h.spilledMemory != s.SpilledMemory || h.files != s.SpilledDisk {
		return fmt.Errorf("leaving %d/%d, on disk %d/%d, bytes %d/%d, of files %d/%d", h.leaving, m.mem.leaving, h.onDisk, s.OnDisk,
			h.spilledMemory, s.SpilledMemory, h.files, s.SpilledDisk)
	}
	return nil
}
