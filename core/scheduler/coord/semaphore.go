package coord

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// SemaphoreRegister makes a semaphore or takes part in one that is there. A
// lease of an unnamed owner ends Timeout after its last refresh; 0: never.
type SemaphoreRegister struct {
	Caller
	Name    wire.Key
	Max     int
	Timeout time.Duration
}

// SemaphoreAcquire waits for a lease. It may be repeated with the same id.
type SemaphoreAcquire struct {
	Caller
	Name  wire.Key
	Lease string
}

// SemaphoreRelease gives a lease back. Only a strict one fails for a lease that
// is not there.
type SemaphoreRelease struct {
	Caller
	Name   wire.Key
	Lease  string
	Strict bool
}

// SemaphoreRefresh says that leases are still in use; the answer names those
// that are lost.
type SemaphoreRefresh struct {
	Caller
	Name   wire.Key
	Leases []string
}

// SemaphoreValue asks for the number of leases.
type SemaphoreValue struct {
	Caller
	Name wire.Key
}

// SemaphoreClose ends a semaphore, its leases and its line.
type SemaphoreClose struct {
	Caller
	Name wire.Key
}

type semaphore struct {
	name     wire.Key
	max      int
	timeout  time.Duration
	parts    map[Owner]struct{} // who registered
	leases   map[string]*lease
	line     fifo[applicant]
	asked    map[string]Ticket // who waits for a lease
	deserted time.Time

	acquired, released int64
	average            time.Duration // of waits, the latest weighing half
}

type lease struct {
	owner Owner
	until time.Time // zero: as long as the owner lives
}

type applicant struct {
	Caller
	lease string
	since time.Time
}

func (e SemaphoreRegister) apply(m *Machine) {
	s := m.semaphores[e.Name]
	switch {
	case e.Max < 1:
		m.refuse(e.Ticket, "ValueError", "semaphore %s: %d leases at most; give 1 or more", e.Name, e.Max)
		return
	case s == nil:
		s = &semaphore{name: e.Name, max: e.Max, timeout: e.Timeout, parts: map[Owner]struct{}{}, leases: map[string]*lease{}, asked: map[string]Ticket{}}
		m.semaphores[e.Name] = s
	case s.idle():
		s.max, s.timeout = e.Max, e.Timeout
	case s.max != e.Max:
		m.refuse(e.Ticket, "ValueError", "Inconsistent max leases: %d, expected: %d", e.Max, s.max)
		return
	}
	o := e.Owner.owner()
	if _, known := s.parts[o]; !known {
		s.parts[o] = struct{}{}
		m.hold(o, s)
	}
	m.ok(e.Ticket)
}

func (e SemaphoreAcquire) apply(m *Machine) {
	s := m.semaphores[e.Name]
	if s == nil {
		m.refuse(e.Ticket, "RuntimeError", "Semaphore or Lock `%s` not known.", e.Name)
		return
	}
	s.deserted = m.now
	if l := s.leases[e.Lease]; l != nil { // asked again after the answer was lost
		s.renew(m, l, e.Owner)
		m.ok(e.Ticket)
		return
	}
	s.supersede(m, e.Lease)
	s.line.push(applicant{e.Caller, e.Lease, m.now})
	s.asked[e.Lease] = e.Ticket
	m.hold(e.Owner, s)
	s.grant(m)
	if s.line.isLast(func(a applicant) bool { return a.Ticket == e.Ticket }) {
		m.wait(e.Caller, s)
	}
}

// supersede ends an earlier wait for the same lease: its caller has gone on.
func (s *semaphore) supersede(m *Machine, id string) {
	if t, waits := s.asked[id]; waits && m.depart(t) {
		m.answer(Answer{Ticket: t, Late: true})
	}
}

// grant gives leases to those who wait, in order.
func (s *semaphore) grant(m *Machine) {
	for s.line.len() > 0 && len(s.leases) < s.max {
		a := s.line.pop()
		delete(s.asked, a.lease)
		m.unhold(a.Owner, s)
		l := &lease{}
		s.leases[a.lease] = l
		s.renew(m, l, a.Owner)
		s.acquired++
		s.waited(m, a)
		m.served(a.Ticket)
		m.ok(a.Ticket)
	}
}

func (s *semaphore) waited(m *Machine, a applicant) { s.average = (s.average + m.now.Sub(a.since)) / 2 }

// renew makes o the owner of a lease. One whose session is known needs no
// refresh: the lease lives as long as the session.
func (s *semaphore) renew(m *Machine, l *lease, o Owner) {
	if l.owner != (Owner{}) {
		m.unhold(l.owner, s)
	}
	l.owner, l.until = o.owner(), time.Time{}
	m.hold(o, s)
	if o.Client == "" && s.timeout > 0 {
		l.until = m.now.Add(s.timeout)
	}
}

// suspect gives the leases of a connection that ended two intervals of refresh:
// an owner that lives shows itself by then on another connection.
func (s *semaphore) suspect(m *Machine, o Owner) {
	soon := m.now.Add(2 * s.timeout / 5)
	for _, l := range s.leases {
		if l.owner == o && l.until.After(soon) {
			l.until = soon
		}
	}
}

func (e SemaphoreRelease) apply(m *Machine) {
	s := m.semaphores[e.Name]
	switch {
	case s != nil && s.leases[e.Lease] != nil:
		s.end(m, e.Lease)
		s.grant(m)
		m.ok(e.Ticket)
	case e.Strict:
		m.refuse(e.Ticket, "RuntimeError", "semaphore or lock %s: the lease %s is not there: it was released before, or its holder was taken for dead", e.Name, e.Lease)
	default:
		m.note("release of lease %s of %s, which is not there: it was released before, or was not refreshed in time", e.Lease, e.Name)
		m.ok(e.Ticket)
	}
}

func (s *semaphore) end(m *Machine, id string) {
	m.unhold(s.leases[id].owner, s)
	delete(s.leases, id)
	s.released++
	s.deserted = m.now
}

func (e SemaphoreRefresh) apply(m *Machine) {
	a := Answer{Ticket: e.Ticket, OK: true}
	s := m.semaphores[e.Name]
	for _, id := range e.Leases {
		switch {
		case s == nil:
			a.Lost = append(a.Lost, id)
		case s.leases[id] != nil:
			s.renew(m, s.leases[id], e.Owner)
		case s.line.len() == 0 && len(s.leases) < s.max: // late, but nobody else has it
			s.leases[id] = &lease{}
			s.renew(m, s.leases[id], e.Owner)
		default:
			a.Lost = append(a.Lost, id)
			m.note("lease %s of %s was not refreshed in time and is another's now", id, e.Name)
		}
	}
	m.answer(a)
}

func (e SemaphoreValue) apply(m *Machine) {
	a := Answer{Ticket: e.Ticket, OK: true}
	if s := m.semaphores[e.Name]; s != nil {
		a.N = len(s.leases)
	}
	m.answer(a)
}

func (e SemaphoreClose) apply(m *Machine) {
	if s := m.semaphores[e.Name]; s != nil {
		if n := len(s.leases); n > 0 {
			m.note("semaphore %s closed with %d leases that were not released", s.name, n)
		}
		s.close(m)
	}
	m.ok(e.Ticket)
}

func (s *semaphore) close(m *Machine) {
	delete(m.semaphores, s.name)
	for o := range s.parts {
		m.unhold(o, s)
	}
	for _, l := range s.leases {
		m.unhold(l.owner, s)
	}
	for _, a := range s.line.all() {
		m.unhold(a.Owner, s)
		m.served(a.Ticket)
		m.refuse(a.Ticket, "RuntimeError", "semaphore %s was closed while you waited for a lease", s.name)
	}
	s.parts, s.leases, s.asked = nil, nil, nil
	s.line.clear()
}

func (s *semaphore) leave(m *Machine, t Ticket) {
	a, ok := s.line.quit(func(a applicant) bool { return a.Ticket == t })
	if !ok {
		return
	}
	delete(s.asked, a.lease)
	s.waited(m, a)
	m.unhold(a.Owner, s)
}

// lost takes the leases of an owner that is gone. Those of an unnamed one, whose
// end is only presumed, stay until their time is over.
func (s *semaphore) lost(m *Machine, o Owner) {
	delete(s.parts, o)
	var tickets []Ticket
	for _, a := range s.line.all() {
		if a.Owner.owner() == o {
			tickets = append(tickets, a.Ticket)
		}
	}
	m.evict(tickets)
	if o.Client == "" {
		s.suspect(m, o)
	}
	for id, l := range s.leases {
		switch {
		case l.owner != o:
		case o.Client != "" || l.until.IsZero():
			s.end(m, id)
		default:
			m.hold(o, s)
		}
	}
	s.deserted = m.now
	s.grant(m)
}

// idle says that nobody holds the semaphore, waits for it or has registered it.
func (s *semaphore) idle() bool { return len(s.parts)+len(s.leases)+s.line.len() == 0 }

// prolong gives all leases that end by themselves more time.
func (s *semaphore) prolong(d time.Duration) {
	for _, l := range s.leases {
		if !l.until.IsZero() {
			l.until = l.until.Add(d)
		}
	}
}

// validate ends leases whose time is over and forgets a semaphore that nobody
// uses any more.
func (s *semaphore) validate(m *Machine) {
	for _, id := range slices.Sorted(maps.Keys(s.leases)) { // notes come in one order
		if l := s.leases[id]; !l.until.IsZero() && m.now.After(l.until) {
			m.note("lease %s of %s was not refreshed in time", id, s.name)
			s.end(m, id)
		}
	}
	s.grant(m)
	if s.idle() && m.now.Sub(s.deserted) > m.c.Linger {
		s.close(m)
	}
}

// SemaphoreFigures are the figures of one semaphore.
type SemaphoreFigures struct {
	Name                 string
	Max, Active, Pending int
	Acquired, Released   int64
	AveragePending       time.Duration
}

// Semaphores are the figures of all semaphores, by name.
func (m *Machine) Semaphores() []SemaphoreFigures {
	out := make([]SemaphoreFigures, 0, len(m.semaphores))
	for _, s := range m.semaphores {
		out = append(out, SemaphoreFigures{
			Name: s.name.String(), Max: s.max, Active: len(s.leases), Pending: s.line.len(),
			Acquired: s.acquired, Released: s.released, AveragePending: s.average,
		})
	}
	slices.SortFunc(out, func(a, b SemaphoreFigures) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (s *semaphore) label() string { return "semaphore " + string(s.name) }
