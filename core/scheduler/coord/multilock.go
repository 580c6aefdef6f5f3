package coord

import (
	"slices"

	"github.com/gdask/gdask/sdk/wire"
)

// MultiAcquire waits for Need of several locks, all at once. ID names the
// request until MultiRelease.
type MultiAcquire struct {
	Caller
	Locks []wire.Key
	ID    string
	Need  int
}

// MultiRelease gives the locks of a request back.
type MultiRelease struct {
	Caller
	ID string
}

// request stands in the lines of several locks; it holds those where it is
// first.
type request struct {
	Caller
	id    string
	locks []wire.Key
	need  int // locks that are missing
	done  bool
}

func (e MultiAcquire) apply(m *Machine) {
	locks := slices.Clone(e.Locks)
	slices.Sort(locks)
	locks = slices.Compact(locks)
	switch {
	case e.Need < 1 || e.Need > len(locks):
		m.refuse(e.Ticket, "ValueError", "multi-lock: %d of %d locks wanted; want at least 1 and at most all", e.Need, len(locks))
		return
	case m.requests[e.ID] != nil:
		m.refuse(e.Ticket, "ValueError", "multi-lock %s is acquired already, or waits; release it first", e.ID)
		return
	}
	slices.SortStableFunc(locks, func(a, b wire.Key) int { return len(m.locks[a]) - len(m.locks[b]) })
	r := &request{Caller: e.Caller, id: e.ID, locks: locks, need: e.Need}
	m.requests[r.id] = r
	m.hold(r.Owner, r)
	for _, l := range locks {
		m.locks[l] = append(m.locks[l], r)
		if len(m.locks[l]) == 1 {
			r.need--
		}
	}
	if r.need <= 0 {
		r.grant(m)
		return
	}
	m.wait(e.Caller, r)
}

// grant answers the request and leaves the lines that it does not need: those
// where it is not first, and free locks beyond the number wanted.
func (r *request) grant(m *Machine) {
	r.done = true
	m.served(r.Ticket)
	m.ok(r.Ticket)
	surplus := -r.need
	var keep, quit []wire.Key
	for _, l := range slices.Backward(r.locks) {
		first := m.locks[l][0] == r
		if first && surplus <= 0 {
			keep = append(keep, l)
			continue
		}
		if first {
			surplus--
		}
		quit = append(quit, l)
	}
	r.locks, r.need = keep, 0
	for _, l := range quit {
		r.quit(m, l)
	}
}

// quit leaves one line; the next one there comes first.
func (r *request) quit(m *Machine, l wire.Key) {
	users := m.locks[l]
	first := users[0] == r
	users = slices.DeleteFunc(users, func(x *request) bool { return x == r })
	if len(users) == 0 {
		delete(m.locks, l)
		return
	}
	m.locks[l] = users
	if !first {
		return
	}
	if next := users[0]; !next.done {
		if next.need--; next.need <= 0 {
			next.grant(m)
		}
	}
}

func (r *request) end(m *Machine) {
	delete(m.requests, r.id)
	locks := r.locks
	r.locks, r.done = nil, true
	for _, l := range locks {
		r.quit(m, l)
	}
}

func (e MultiRelease) apply(m *Machine) {
	r := m.requests[e.ID]
	if r == nil || !r.done {
		m.refuse(e.Ticket, "KeyError", "multi-lock %s is not acquired: it was released before, or its holder was taken for dead", e.ID)
		return
	}
	m.unhold(r.Owner, r)
	r.end(m)
	m.ok(e.Ticket)
}

func (r *request) leave(m *Machine, _ Ticket) {
	m.unhold(r.Owner, r)
	r.end(m)
}

func (r *request) lost(m *Machine, _ Owner) {
	if m.waiting[r.Ticket] != nil {
		m.evict([]Ticket{r.Ticket})
		return
	}
	r.end(m)
}

func (r *request) label() string { return "request " + r.id }
