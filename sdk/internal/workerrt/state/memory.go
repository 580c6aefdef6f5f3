package state

import "github.com/gdask/gdask/sdk/wire"

// place says where the value of a task is, in state Memory.
type place uint8

const (
	nowhere place = iota // there is none
	listed               // in memory, among those that may go to disk
	leaving              // in memory, being written
	pinned               // in memory for good: it cannot be written
	onDisk
)

// memory is what is known of the room that values take. The values that may go
// to disk are a list through their tasks, the least recently used one at its tail.
type memory struct {
	head, tail *Task
	leaving    int64 // bytes being written
	monitor
}

// Spill asks the shell to write a value; a Spilled or SpillFailed must follow.
type Spill struct {
	Key    wire.Key
	Data   any
	Nbytes int64
	Type   string

	task  *Task
	epoch uint32
}

// Spilled says that a value was written: Data stands for it from now on, and
// Disk is the size of its file.
type Spilled struct {
	Spill Spill
	Data  any
	Disk  int64
}

// SpillFailed says that a value could not be written and stays in memory: for
// ever, or until there may be room again.
type SpillFailed struct {
	Spill   Spill
	Forever bool
}

// Unspilled says that a value was read back for a task; From is what stood for it.
type Unspilled struct {
	Key  wire.Key
	From any
	Data any
}

// Lost says that the value that From stands for cannot be read back.
type Lost struct {
	Key  wire.Key
	From any
}

func (m *Machine) push(t *Task) {
	t.place, t.older, t.newer = listed, m.mem.head, nil
	if t.older != nil {
		t.older.newer = t
	} else {
		m.mem.tail = t
	}
	m.mem.head = t
}

func (m *Machine) unlink(t *Task) {
	if t.newer != nil {
		t.newer.older = t.older
	} else {
		m.mem.head = t.older
	}
	if t.older != nil {
		t.older.newer = t.newer
	} else {
		m.mem.tail = t.newer
	}
	t.older, t.newer = nil, nil
}

// keep counts a value that was just stored; disk is the size of its file when it
// is there already.
func (m *Machine) keep(t *Task, disk int64) {
	m.stats.InMemory++
	m.stats.Managed += t.Nbytes
	if disk > 0 {
		m.toDisk(t, disk)
		return
	}
	if t.Actor { // it is written nowhere
		m.makeRoom()
		return
	}
	m.push(t)
	if target := m.cfg.Memory.Target; target > 0 && t.Nbytes > target && m.mayWrite() {
		m.spill(t) // it would push everything else out
	}
	m.makeRoom()
}

// unkeep undoes keep.
func (m *Machine) unkeep(t *Task) {
	m.stats.InMemory--
	m.stats.Managed -= t.Nbytes
	switch t.place {
	case listed:
		m.unlink(t)
	case leaving:
		m.mem.leaving -= t.Nbytes
	case onDisk:
		m.fromDisk(t)
	}
	t.place = nowhere
}

// discard gives the file of a value up that nobody wants.
func (m *Machine) discard(e *Done) {
	if e.Disk > 0 {
		m.out.Drop = append(m.out.Drop, e.Data)
	}
}

func (m *Machine) toDisk(t *Task, disk int64) {
	t.place, t.disk = onDisk, disk
	m.stats.OnDisk++
	m.stats.SpilledMemory += t.Nbytes
	m.stats.SpilledDisk += disk
}

// fromDisk gives the file up.
func (m *Machine) fromDisk(t *Task) {
	m.stats.OnDisk--
	m.stats.SpilledMemory -= t.Nbytes
	m.stats.SpilledDisk -= t.disk
	t.disk = 0
	m.out.Drop = append(m.out.Drop, t.Data)
}

// Use counts the use of a value and makes it the most recently used one; a value
// on disk stays there, until it was read for a task.
func (m *Machine) Use(t *Task) {
	switch t.place {
	case listed:
		if m.mem.head != t {
			m.unlink(t)
			m.push(t)
		}
	case nowhere, onDisk:
		return
	}
	m.stats.Reads++
	m.stats.ReadBytes += t.Nbytes
}

// fast is how many bytes of values are in memory to stay.
func (m *Machine) fast() int64 { return m.stats.Managed - m.stats.SpilledMemory - m.mem.leaving }

// makeRoom has the least recently used values written while there are more than
// the target in memory.
func (m *Machine) makeRoom() {
	target := m.cfg.Memory.Target
	for target > 0 && m.fast() > target && m.mem.tail != nil && m.mayWrite() {
		m.spill(m.mem.tail)
	}
}

func (m *Machine) spill(t *Task) {
	m.unlink(t)
	t.place = leaving
	t.epoch++
	m.mem.leaving += t.Nbytes
	m.out.Spill = append(m.out.Spill, Spill{Key: t.Key, Data: t.Data, Nbytes: t.Nbytes, Type: t.Type, task: t, epoch: t.epoch})
}

// stillLeaving says that a value is the one that was asked to be written.
func (m *Machine) stillLeaving(s *Spill) bool {
	t := s.task
	return t != nil && t.place == leaving && t.epoch == s.epoch && m.tasks.Get(s.Key) == t
}

func (m *Machine) spilled(e *Spilled) {
	m.wrote()
	if !m.stillLeaving(&e.Spill) {
		m.out.Drop = append(m.out.Drop, e.Data)
		return
	}
	t := e.Spill.task
	m.mem.leaving -= t.Nbytes
	t.Data = e.Data
	m.toDisk(t, e.Disk)
}

func (m *Machine) spillFailed(e *SpillFailed) {
	if !e.Forever {
		m.backOff()
	}
	if !m.stillLeaving(&e.Spill) {
		return
	}
	t := e.Spill.task
	m.mem.leaving -= t.Nbytes
	if e.Forever {
		t.place = pinned
		m.makeRoom() // others must go in its place
		return
	}
	m.push(t)
}

func (m *Machine) unspilled(e *Unspilled) {
	t := m.tasks.Get(e.Key)
	if t == nil || t.place != onDisk || t.Data != e.From {
		return
	}
	if target := m.cfg.Memory.Target; target > 0 && t.Nbytes > target {
		return // it would push everything else out, and then go again
	}
	m.fromDisk(t)
	t.Data = e.Data
	m.push(t)
	m.makeRoom()
}

// lose takes back what was said of values whose files cannot be read, as if they
// had been dropped: the scheduler then has them computed again.
func (m *Machine) lose(lost []Lost) {
	for i := range lost {
		t := m.tasks.Get(lost[i].Key)
		if t == nil || t.place != onDisk || t.Data != lost[i].From {
			continue
		}
		m.out.Send = append(m.out.Send, &wire.ReleaseWorkerData{Key: t.Key, StimulusID: "spill-lost"})
		m.release(t)
	}
}
