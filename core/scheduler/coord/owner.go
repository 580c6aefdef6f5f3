package coord

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// Owner is who holds something: the session of a client where the request named
// it, else the connection that the request came by, and the host at its end.
type Owner struct {
	Client string
	Conn   uint64
	Host   string
}

// owner drops what does not identify it.
func (o Owner) owner() Owner {
	if o.Client != "" {
		return Owner{Client: o.Client}
	}
	return o
}

// holding is something that an owner has.
type holding interface {
	// lost takes back all that an owner has of it.
	lost(m *Machine, o Owner)
	// label orders what an owner has: it is given back in the same order always.
	label() string
}

// ending is the end of a connection.
type ending struct{ at time.Time }

// sameEnd is how close together the end of an unnamed owner's connection and the
// end of a session from its host must be to be taken for the same death.
const sameEnd = 5 * time.Second

func (m *Machine) hold(o Owner, h holding) {
	o = o.owner()
	hs := m.held[o]
	if hs == nil {
		hs = map[holding]int{}
		m.held[o] = hs
	}
	hs[h]++
}

func (m *Machine) unhold(o Owner, h holding) {
	o = o.owner()
	hs := m.held[o]
	if hs == nil { // it is being lost
		return
	}
	if hs[h]--; hs[h] > 0 {
		return
	}
	delete(hs, h)
	if len(hs) == 0 {
		delete(m.held, o)
		delete(m.ended, o)
	}
}

// ClientGone says that a client's session ended for good.
type ClientGone struct{ Client, Host string }

// WorkerGone says that a worker's session ended.
type WorkerGone struct{ Host string }

// ConnEnded says that a connection ended that requests had come by.
type ConnEnded struct{ Owner Owner }

func (e ClientGone) apply(m *Machine) {
	m.lose(Owner{Client: e.Client})
	m.sessionEnded(e.Host)
}

func (e WorkerGone) apply(m *Machine) { m.sessionEnded(e.Host) }

func (e ConnEnded) apply(m *Machine) {
	o := Owner{Conn: e.Owner.Conn, Host: e.Owner.Host}
	if len(m.held[o]) == 0 {
		return
	}
	if at, ok := m.gone[o.Host]; ok && m.now.Sub(at) <= sameEnd {
		m.lose(o)
		return
	}
	m.ended[o] = ending{m.now}
	for h := range m.held[o] {
		if s, ok := h.(*semaphore); ok {
			s.suspect(m, o)
		}
	}
}

// sessionEnded gives up the unnamed owners whose connections ended just now: they
// were part of the same process.
func (m *Machine) sessionEnded(host string) {
	if host == "" {
		return
	}
	m.gone[host] = m.now
	var dead []Owner
	for o, e := range m.ended {
		if o.Host == host && m.now.Sub(e.at) <= sameEnd {
			dead = append(dead, o)
		}
	}
	slices.SortFunc(dead, byAge)
	for _, o := range dead {
		m.lose(o)
	}
}

// byAge orders owners, those of older connections first.
func byAge(a, b Owner) int {
	return cmp.Or(cmp.Compare(a.Conn, b.Conn), strings.Compare(a.Host, b.Host), strings.Compare(a.Client, b.Client))
}

// lose takes back all that an owner holds.
func (m *Machine) lose(o Owner) {
	hs := m.held[o]
	delete(m.held, o)
	delete(m.ended, o)
	for _, h := range slices.SortedFunc(maps.Keys(hs), func(a, b holding) int { return strings.Compare(a.label(), b.label()) }) {
		h.lost(m, o)
	}
}

// wish has a pseudo-client want a key once more.
func (m *Machine) wish(client string, k wire.Key) {
	ks := m.wishes[client]
	if ks == nil {
		ks = map[wire.Key]int{}
		m.wishes[client] = ks
	}
	ks[k]++
	m.out.Wishes = append(m.out.Wishes, Wish{client, k, true})
}

// unwish takes one wish back.
func (m *Machine) unwish(client string, k wire.Key) {
	ks := m.wishes[client]
	if ks[k] == 0 {
		return
	}
	if ks[k]--; ks[k] > 0 {
		return
	}
	delete(ks, k)
	m.out.Wishes = append(m.out.Wishes, Wish{client, k, false})
	if len(ks) == 0 {
		delete(m.wishes, client)
		m.out.Wishes = append(m.out.Wishes, Wish{Client: client})
	}
}

// Tick lets time pass: leases end, what nobody uses is forgotten.
type Tick struct {
	// Stopped is how long the scheduler itself stood still just now: what refreshes
	// leases is still unread, so that time does not count against them.
	Stopped time.Duration
}

func (e Tick) apply(m *Machine) {
	if e.Stopped > 0 {
		for _, s := range m.semaphores {
			s.prolong(e.Stopped)
		}
	}
	if m.now.Sub(m.checked) < m.c.Validate {
		return
	}
	m.checked = m.now
	for _, k := range slices.Sorted(maps.Keys(m.semaphores)) {
		m.semaphores[k].validate(m)
	}
	for _, k := range slices.Sorted(maps.Keys(m.queues)) {
		m.queues[k].validate(m)
	}
	for host, at := range m.gone {
		if m.now.Sub(at) > sameEnd {
			delete(m.gone, host)
		}
	}
}
