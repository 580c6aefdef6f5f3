// Package coord is the scheduler's part of queues, variables, semaphores and
// locks, events and multi-locks as a pure machine: requests in, answers out. It
// does no I/O, reads no clock and starts no goroutine; one goroutine owns a
// [Machine].
//
// All lines are first come, first served. What a caller holds belongs to its
// [Owner] and is given back when the owner is gone.
package coord

import (
	"fmt"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// Config are the times of the machine; zero values are Dask's defaults.
type Config struct {
	// Validate is the time between two looks at leases; default 10 s.
	Validate time.Duration
	// Linger is how long a primitive stays that nobody holds, waits for, or has
	// put anything into; default 10 min.
	Linger time.Duration
}

// Machine is the state of all primitives.
type Machine struct {
	c   Config
	now time.Time // of the event under way

	queues     map[wire.Key]*queue
	variables  map[wire.Key]*variable
	semaphores map[wire.Key]*semaphore
	flags      map[wire.Key]*flag
	locks      map[wire.Key][]*request // the first of each list holds the lock
	requests   map[string]*request

	waiting map[Ticket]line
	held    map[Owner]map[holding]int
	ended   map[Owner]ending // connections that ended while they held something
	gone    map[string]time.Time
	wishes  map[string]map[wire.Key]int // by pseudo-client
	passing map[passage][]Owner         // futures on their way to a getter
	tokens  map[string]tokenOf
	counter uint64
	checked time.Time

	out Output
}

// New returns a machine without primitives.
func New(c Config) *Machine {
	if c.Validate <= 0 {
		c.Validate = 10 * time.Second
	}
	if c.Linger <= 0 {
		c.Linger = 10 * time.Minute
	}
	return &Machine{
		c: c, queues: map[wire.Key]*queue{}, variables: map[wire.Key]*variable{},
		semaphores: map[wire.Key]*semaphore{}, flags: map[wire.Key]*flag{},
		locks: map[wire.Key][]*request{}, requests: map[string]*request{},
		waiting: map[Ticket]line{}, held: map[Owner]map[holding]int{}, ended: map[Owner]ending{},
		gone: map[string]time.Time{}, wishes: map[string]map[wire.Key]int{},
		passing: map[passage][]Owner{}, tokens: map[string]tokenOf{},
	}
}

// Event is a request, or something that happened to a caller.
type Event interface{ apply(m *Machine) }

// Ticket names a request until it is answered. It is never used again.
type Ticket uint64

// Caller is who makes a request.
type Caller struct {
	Ticket Ticket
	Owner  Owner
	NoWait bool // answer at once, if need be with Late
}

// Record is what queues and variables hold: the key of a future or a value.
type Record struct {
	Key   wire.Key // "" for a value
	Value wire.Opaque
}

// Answer is the answer to one request. Of the fields beside Err and Late only
// those are set that the request is about.
type Answer struct {
	Ticket  Ticket
	Err     *Error
	Late    bool // the time was over before the request could be granted
	OK      bool
	N       int
	Records []Record
	Token   string
	Lost    []string // lease ids
}

// Error is a refusal, with the class that a Python client shall see.
type Error struct{ Class, Text string }

// Error implements error.
func (e *Error) Error() string { return e.Text }

// Wish says that a pseudo-client wants a key or does not want it any more. An
// empty key: the pseudo-client wants nothing and may be forgotten.
type Wish struct {
	Client string
	Key    wire.Key
	On     bool
}

// Output is what the shell must do, in order.
type Output struct {
	Wishes  []Wish
	Answers []Answer
	Notes   []string // for the log: what a user may wonder about
}

// Apply handles one event that happened at now and appends to the output.
func (m *Machine) Apply(now time.Time, e Event) {
	m.now = now
	e.apply(m)
}

// Take returns the output since the last Take.
func (m *Machine) Take() Output {
	o := m.out
	m.out = Output{}
	return o
}

func (m *Machine) answer(a Answer) { m.out.Answers = append(m.out.Answers, a) }

func (m *Machine) ok(t Ticket) { m.answer(Answer{Ticket: t, OK: true}) }

func (m *Machine) refuse(t Ticket, class, format string, args ...any) {
	m.answer(Answer{Ticket: t, Err: &Error{class, fmt.Sprintf(format, args...)}})
}

func (m *Machine) note(format string, args ...any) {
	m.out.Notes = append(m.out.Notes, fmt.Sprintf(format, args...))
}

// line is where a caller waits.
type line interface {
	// leave takes a ticket out; what it already had goes back.
	leave(m *Machine, t Ticket)
}

// Expire says that the time of a request is over.
type Expire struct{ Ticket Ticket }

// Leave says that a caller does not wait any more; it gets no answer.
type Leave struct{ Ticket Ticket }

func (e Expire) apply(m *Machine) {
	if m.depart(e.Ticket) {
		m.answer(Answer{Ticket: e.Ticket, Late: true})
	}
}

func (e Leave) apply(m *Machine) { m.depart(e.Ticket) }

func (m *Machine) depart(t Ticket) bool {
	l := m.waiting[t]
	if l == nil {
		return false
	}
	delete(m.waiting, t)
	l.leave(m, t)
	return true
}

// wait enters a caller into a line, or answers that there is no time.
func (m *Machine) wait(c Caller, l line) {
	if c.NoWait {
		l.leave(m, c.Ticket)
		m.answer(Answer{Ticket: c.Ticket, Late: true})
		return
	}
	m.waiting[c.Ticket] = l
}

// served takes a caller that was answered off the list of those who wait.
func (m *Machine) served(t Ticket) { delete(m.waiting, t) }
