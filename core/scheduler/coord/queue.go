package coord

import (
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// QueueCreate makes a queue or takes part in one that is there. At most Max
// items fit; zero or less means no limit.
type QueueCreate struct {
	Caller
	Name wire.Key
	Max  int
}

// QueueRelease gives a part taken with QueueCreate back; with the last one the
// queue and its content go.
type QueueRelease struct {
	Owner Owner
	Name  wire.Key
}

// QueuePut waits for room and appends.
type QueuePut struct {
	Caller
	Name   wire.Key
	Record Record
}

// QueueGet takes Batch items, waiting for them; 0 is one item, All takes what is
// there without waiting.
type QueueGet struct {
	Caller
	Name  wire.Key
	Batch int
	All   bool
}

// QueueReturn puts records back in front that did not reach their getter.
type QueueReturn struct {
	Owner   Owner
	Name    wire.Key
	Records []Record
}

// QueueSize asks for the number of items.
type QueueSize struct {
	Caller
	Name wire.Key
}

// FutureReceived says that a getter of a future has entered its own wish.
type FutureReceived struct {
	Client string
	Name   wire.Key
	Key    wire.Key
}

type queue struct {
	name     wire.Key
	max      int
	items    fifo[Record]
	parts    map[Owner]int // by who created it
	getters  fifo[getter]
	putters  fifo[putter]
	deserted time.Time // when the last part went without being given back
}

type getter struct {
	Caller
	n   int
	got []Record
}

type putter struct {
	Caller
	record Record
}

func (q *queue) client() string { return "queue-" + q.name.String() }

func (e QueueCreate) apply(m *Machine) {
	q := m.queues[e.Name]
	if q == nil {
		q = &queue{name: e.Name, max: e.Max, parts: map[Owner]int{}}
		m.queues[e.Name] = q
	}
	q.parts[e.Owner.owner()]++
	m.hold(e.Owner, q)
	m.ok(e.Ticket)
}

// find answers with an error when there is no such queue.
func (m *Machine) findQueue(c Caller, name wire.Key) *queue {
	q := m.queues[name]
	if q == nil {
		m.refuse(c.Ticket, "KeyError", "no queue %s; it was never created, or the last user closed it", name)
	}
	return q
}

func (e QueuePut) apply(m *Machine) {
	q := m.findQueue(e.Caller, e.Name)
	if q == nil {
		return
	}
	if e.Record.Key != "" {
		m.wish(q.client(), e.Record.Key)
	}
	q.putters.push(putter{e.Caller, e.Record})
	m.hold(e.Owner, q)
	q.settle(m)
	if q.putters.isLast(func(p putter) bool { return p.Ticket == e.Ticket }) {
		m.wait(e.Caller, q)
	}
}

func (e QueueGet) apply(m *Machine) {
	q := m.findQueue(e.Caller, e.Name)
	switch {
	case q == nil:
		return
	case e.Batch < 0:
		m.refuse(e.Ticket, "ValueError", "get %d items of queue %s; give 1 or more", e.Batch, e.Name)
		return
	case e.All:
		q.getAll(m, e.Caller)
		return
	}
	q.getters.push(getter{Caller: e.Caller, n: max(e.Batch, 1)})
	m.hold(e.Owner, q)
	q.settle(m)
	if q.getters.isLast(func(g getter) bool { return g.Ticket == e.Ticket }) {
		m.wait(e.Caller, q)
	}
}

// getAll hands over what is there unless others wait for it.
func (q *queue) getAll(m *Machine, c Caller) {
	var got []Record
	for q.getters.len() == 0 && q.items.len() > 0 {
		got = append(got, q.items.all()...)
		q.items.clear()
		q.settle(m) // putters move up
	}
	q.handOver(m, c, got)
}

// settle serves both lines as far as content and room allow.
func (q *queue) settle(m *Machine) {
	for {
		switch {
		case q.getters.len() > 0 && q.items.len() > 0:
			g := q.getters.first()
			g.got = append(g.got, q.items.pop())
			if len(g.got) == g.n {
				done := q.getters.pop()
				m.unhold(done.Owner, q)
				q.handOver(m, done.Caller, done.got)
			}
		case q.putters.len() > 0 && (q.max <= 0 || q.items.len() < q.max):
			p := q.putters.pop()
			q.items.push(p.record)
			m.unhold(p.Owner, q)
			m.served(p.Ticket)
			m.ok(p.Ticket)
		default:
			return
		}
	}
}

// handOver answers with records. The wish for a future stays until its getter
// says that it has one of its own.
func (q *queue) handOver(m *Machine, c Caller, got []Record) {
	for _, r := range got {
		if r.Key != "" {
			m.pass(passage{q.client(), r.Key}, c.Owner)
		}
	}
	m.served(c.Ticket)
	m.answer(Answer{Ticket: c.Ticket, OK: true, Records: got})
}

func (q *queue) leave(m *Machine, t Ticket) {
	if g, ok := q.getters.quit(func(g getter) bool { return g.Ticket == t }); ok {
		q.items.putBack(g.got...)
		m.unhold(g.Owner, q)
		q.settle(m)
		return
	}
	if p, ok := q.putters.quit(func(p putter) bool { return p.Ticket == t }); ok {
		m.unhold(p.Owner, q)
		q.drop(m, p.record)
	}
}

func (q *queue) drop(m *Machine, rs ...Record) {
	for _, r := range rs {
		if r.Key != "" {
			m.unwish(q.client(), r.Key)
		}
	}
}

func (e QueueReturn) apply(m *Machine) {
	q := m.queues[e.Name]
	for _, r := range e.Records {
		if r.Key == "" {
			continue
		}
		p := passage{"queue-" + e.Name.String(), r.Key}
		if m.arrive(p, e.Owner) && q == nil {
			m.unwish(p.client, r.Key)
		}
	}
	if q != nil {
		q.items.putBack(e.Records...)
		q.settle(m)
	}
}

func (e QueueSize) apply(m *Machine) {
	if q := m.findQueue(e.Caller, e.Name); q != nil {
		m.answer(Answer{Ticket: e.Ticket, OK: true, N: q.items.len()})
	}
}

func (e QueueRelease) apply(m *Machine) {
	q := m.queues[e.Name]
	if q == nil {
		return
	}
	o := e.Owner.owner()
	if q.parts[o] == 0 { // Dask's clients do not say by which name they created it
		o = q.unnamedPart()
	}
	if q.parts[o] == 0 {
		return
	}
	m.unhold(o, q)
	if q.parts[o]--; q.parts[o] == 0 {
		delete(q.parts, o)
	}
	if len(q.parts) == 0 {
		q.close(m)
	}
}

// unnamedPart is the oldest part of an owner without a name, if there is one.
func (q *queue) unnamedPart() (first Owner) {
	for p := range q.parts {
		if p.Client == "" && (first == Owner{} || byAge(p, first) < 0) {
			first = p
		}
	}
	return first
}

func (q *queue) close(m *Machine) {
	delete(m.queues, q.name)
	for _, g := range q.getters.all() {
		m.unhold(g.Owner, q)
		m.served(g.Ticket)
		q.drop(m, g.got...)
		m.refuse(g.Ticket, "RuntimeError", "queue %s was closed while you waited for an item", q.name)
	}
	for _, p := range q.putters.all() {
		m.unhold(p.Owner, q)
		m.served(p.Ticket)
		q.drop(m, p.record)
		m.refuse(p.Ticket, "RuntimeError", "queue %s was closed while you waited for room", q.name)
	}
	q.drop(m, q.items.all()...)
	q.items.clear()
	q.getters.clear()
	q.putters.clear()
}

func (q *queue) lost(m *Machine, o Owner) {
	delete(q.parts, o)
	var tickets []Ticket
	for _, g := range q.getters.all() {
		if g.Owner.owner() == o {
			tickets = append(tickets, g.Ticket)
		}
	}
	for _, p := range q.putters.all() {
		if p.Owner.owner() == o {
			tickets = append(tickets, p.Ticket)
		}
	}
	m.evict(tickets)
	q.deserted = m.now
}

// validate forgets an empty queue whose users have all died.
func (q *queue) validate(m *Machine) {
	if len(q.parts)+q.items.len()+q.getters.len()+q.putters.len() == 0 && m.now.Sub(q.deserted) > m.c.Linger {
		q.close(m)
	}
}

// evict ends the waits of an owner that is gone.
func (m *Machine) evict(tickets []Ticket) {
	for _, t := range tickets {
		if m.depart(t) {
			m.refuse(t, "RuntimeError", "the session that waited was given up by the scheduler")
		}
	}
}

func (q *queue) label() string { return "queue " + string(q.name) }
