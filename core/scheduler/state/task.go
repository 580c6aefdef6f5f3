package state

import (
	"time"

	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/wire/keytable"
)

type flags uint16

const (
	actor     flags = 1 << iota
	lostDeps        // an input was forgotten: it can never run again
	seceded         // long-running on its worker
	inGraph         // created by the graph being read
	visited         // by the walk under way
	specified       // has a run spec; without it is pure data
	stealing        // its worker was asked to give it up
	copying         // a worker was asked to fetch a copy
)

// task is one key. A million of them are held at once: rare things are in more.
type task struct {
	key        wire.Key
	spec       wire.Opaque
	prefix     *prefix
	group      *group
	limits     *limits
	deps       []edge
	dependents []edge
	has        links[*worker]
	wants      links[*client]
	more       *extra
	typ        *kind
	on         *worker
	priority   [3]float64
	expected   float64 // seconds added to on's occupancy
	nbytes     int64   // -1 while unknown
	runID      int64
	onPos      int32
	waiters    int32 // dependents in an active state
	waitingOn  int32 // while waiting: inputs not in memory
	stamp      uint32
	state, rec State
	flags      flags
	suspicious uint8
}

// extra is what few tasks have.
type extra struct {
	annotations wire.Opaque
	timeout     float64
	retries     int
	cause       *cause // why it is erred
	erredOn     []string
	deaths      []*exit
	parkedAt    time.Time // when it came to no-worker
	pinned      int       // copies that somebody asked for; 0: one
	lost        string    // why it can never run (again), for the clients who want it
	home        *worker   // where an actor lives
}

// cause is a failure, shared by all tasks that it fails.
type cause struct {
	key                          wire.Key
	exception, traceback         wire.Opaque
	exceptionText, tracebackText string
	deaths                       []*exit // that the task is blamed for
}

// kind is the type of results, shared by the tasks of a name.
type kind struct {
	class wire.Opaque
	name  string
}

func (t *task) is(f flags) bool { return t.flags&f != 0 }
func (t *task) set(f flags)     { t.flags |= f }
func (t *task) unset(f flags)   { t.flags &^= f }
func (t *task) hasSpec() bool   { return t.flags&specified != 0 }

// needed says that a client or a task under way wants the result.
func (t *task) needed() bool { return t.waiters > 0 || t.wants.first.to != nil }

// unreferenced says that nothing at all refers to the task, so that it may be forgotten.
func (t *task) unreferenced() bool { return t.wants.first.to == nil && len(t.dependents) == 0 }

func (t *task) extra() *extra {
	if t.more == nil {
		t.more = &extra{}
	}
	return t.more
}

func (t *task) cause() *cause {
	if t.more == nil {
		return nil
	}
	return t.more.cause
}

// doom makes a task one that can never run again. The first reason stays.
func (t *task) doom(why string) {
	t.set(lostDeps)
	if x := t.extra(); x.lost == "" {
		x.lost = why
	}
}

// whyLost is the reason of doom, or that the task's own data is gone.
func (t *task) whyLost() string {
	if t.more != nil && t.more.lost != "" {
		return t.more.lost
	}
	return "the last copy of " + t.key.String() + " is gone, and no task makes it; scatter it again"
}

func (t *task) size(m *Machine) int64 {
	if t.nbytes < 0 {
		return m.c.DefaultDataSize
	}
	return t.nbytes
}

// maxAddresses bounds the holders told with one key; more only cost room.
const maxAddresses = 20

// addresses are the holders of the result. The slice is shared.
func (t *task) addresses() []string {
	n := t.has.len()
	if n <= 1 {
		if n == 0 {
			return nil
		}
		return t.has.first.to.self
	}
	r := make([]string, min(n, maxAddresses))
	for i := range r {
		r[i] = t.has.at((i + int(t.waiters)) % n).address
	}
	return r
}

// before orders tasks by priority.
func before(a, b *task) int {
	for i := range a.priority {
		if a.priority[i] < b.priority[i] {
			return -1
		}
		if a.priority[i] > b.priority[i] {
			return 1
		}
	}
	return 0
}

func newTasks() *keytable.Table[task] {
	return keytable.New(func(t *task) wire.Key { return t.key })
}

func (m *Machine) newTask(k wire.Key) *task {
	t := m.tasks.Add(k)
	t.key, t.nbytes, t.rec, t.onPos = k, -1, noRec, -1
	t.group = m.groupOf(k)
	t.prefix = t.group.prefix
	t.group.tasks++
	m.counts[Released]++
	t.prefix.counts[Released]++
	t.group.counts[Released]++
	return t
}

// client is who wants results.
type client struct {
	id    string
	wants []*task
	since time.Time
}

func (m *Machine) client(id string) *client {
	c := m.clients[id]
	if c == nil {
		c = &client{id: id, since: m.now}
		m.clients[id] = c
	}
	return c
}

func (m *Machine) want(c *client, t *task) {
	if t.wants.find(c) == nil {
		t.wants.add(c, len(c.wants))
		c.wants = append(c.wants, t)
	}
}

// unwant drops a wish; false when there was none.
func (m *Machine) unwant(c *client, t *task) bool {
	l := t.wants.find(c)
	if l == nil {
		return false
	}
	pos, end := int(l.pos), len(c.wants)-1
	t.wants.drop(l)
	if pos != end {
		moved := c.wants[end]
		c.wants[pos] = moved
		moved.wants.find(c).pos = int32(pos)
	}
	c.wants[end] = nil
	c.wants = c.wants[:end]
	return true
}
