package scheduler

import (
	"errors"
	"time"

	"github.com/gdask/gdask/core/scheduler/coord"
	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// errCallerLeft ends a request whose caller does not wait any more.
var errCallerLeft = errors.New("the caller left")

// coordination is the machine of queues, locks and their like, and who waits
// for its answers. The loop owns it.
type coordination struct {
	m       *coord.Machine
	waiting map[coord.Ticket]chan coord.Answer
	last    coord.Ticket
	unknown []unknownKey
}

// unknownKey is a request that names a task which the scheduler does not know
// yet: the graph may still be on its way by the client's stream.
type unknownKey struct {
	ticket coord.Ticket
	key    wire.Key
	event  coord.Event
}

func newCoordination(set Settings) coordination {
	return coordination{m: coord.New(set.Coord), waiting: map[coord.Ticket]chan coord.Answer{}}
}

// coordinate applies an event and does what follows from it. On the loop.
func (l *loop) coordinate(e coord.Event) {
	l.coord.m.Apply(l.now, e)
	o := l.coord.m.Take()
	for _, w := range o.Wishes {
		switch {
		case w.Key == "":
			l.apply(state.RemoveClient{ID: w.Client})
		case w.On:
			l.apply(state.ClientDesiresKeys{Client: w.Client, Keys: []wire.Key{w.Key}})
		default:
			l.apply(state.ClientReleasesKeys{Client: w.Client, Keys: []wire.Key{w.Key}})
		}
	}
	for _, a := range o.Answers {
		l.answerTicket(a)
	}
	for _, n := range o.Notes {
		l.s.log.warn("coordination", "note", n)
	}
}

// answerTicket never blocks: each ticket has room for its one answer.
func (l *loop) answerTicket(a coord.Answer) {
	if ch := l.coord.waiting[a.Ticket]; ch != nil {
		delete(l.coord.waiting, a.Ticket)
		ch <- a
	}
}

// retryUnknown applies the requests whose tasks have become known.
func (l *loop) retryUnknown() {
	left := l.coord.unknown[:0]
	var known []coord.Event
	for _, u := range l.coord.unknown {
		if _, ok := l.m.State(u.key); ok {
			known = append(known, u.event)
		} else {
			left = append(left, u)
		}
	}
	clear(l.coord.unknown[len(left):])
	l.coord.unknown = left
	for _, e := range known {
		l.coordinate(e)
	}
	l.flush()
}

// asking is one request of the machine.
type asking struct {
	make    func(coord.Caller) coord.Event
	key     wire.Key      // a task that must be known first, or ""
	timeout time.Duration // negative: no limit
}

// ask makes a request and waits for the answer: until the time is over, the
// caller leaves or the scheduler closes.
func (c *call) ask(a asking) (coord.Answer, error) {
	c.talk.used = true
	ch := make(chan coord.Answer, 1)
	caller := coord.Caller{Owner: c.talk.owner, NoWait: a.timeout == 0}
	caller.Owner.Client = c.str("client")
	unknown := false
	err := c.s.loop.do(c.ctx, func() {
		if n := caller.Owner.Client; n != "" && c.s.loop.clients[n] == nil {
			caller.Owner.Client = ""
			unknown = c.talk.c.Peer().GDask > 0
		}
		if !unknown {
			caller.Ticket = c.s.loop.enter(caller, ch, a)
		}
	})
	if unknown { // what it gets would be taken back at once
		err = asPython("RuntimeError", "the scheduler does not know client %s; it may be coming back after it lost its connection: try again", c.str("client"))
	}
	if err != nil {
		return coord.Answer{}, err
	}
	select {
	case answer := <-ch:
		return answer, refusal(answer)
	default:
	}
	return c.await(caller.Ticket, ch, a.timeout)
}

// enter enters one request.
func (l *loop) enter(caller coord.Caller, ch chan coord.Answer, a asking) coord.Ticket {
	l.coord.last++
	caller.Ticket = l.coord.last
	l.coord.waiting[caller.Ticket] = ch
	e := a.make(caller)
	if _, known := l.m.State(a.key); a.key != "" && !known {
		l.coord.unknown = append(l.coord.unknown, unknownKey{caller.Ticket, a.key, e})
		return caller.Ticket
	}
	l.coordinate(e)
	return caller.Ticket
}

func (c *call) await(t coord.Ticket, ch chan coord.Answer, timeout time.Duration) (coord.Answer, error) {
	ctx, cancel := c.talk.watch(c.ctx)
	defer cancel()
	var over <-chan time.Time
	if timeout >= 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case a := <-ch:
		c.left = ctx.Err() != nil
		return a, refusal(a)
	case <-over:
		if err := c.s.loop.do(c.ctx, func() { c.s.loop.expire(t) }); err != nil {
			return coord.Answer{}, err
		}
		a := <-ch // there now, if it was not before
		return a, refusal(a)
	case <-ctx.Done():
		return c.leave(t, ch)
	}
}

// leave gives a wait up. What was granted in the meantime is to be undone.
func (c *call) leave(t coord.Ticket, ch chan coord.Answer) (coord.Answer, error) {
	if err := c.s.loop.do(c.ctx, func() { c.s.loop.abandon(t) }); err != nil {
		return coord.Answer{}, err
	}
	c.left = true
	select {
	case a := <-ch:
		return a, refusal(a)
	default:
		return coord.Answer{}, errCallerLeft
	}
}

// expire ends a request whose time is over; its answer follows.
func (l *loop) expire(t coord.Ticket) {
	if l.dropUnknown(t) {
		l.answerTicket(coord.Answer{Ticket: t, Late: true})
		return
	}
	l.coordinate(coord.Expire{Ticket: t})
}

// abandon ends a request whose caller left.
func (l *loop) abandon(t coord.Ticket) {
	delete(l.coord.waiting, t)
	if !l.dropUnknown(t) {
		l.coordinate(coord.Leave{Ticket: t})
	}
}

func (l *loop) dropUnknown(t coord.Ticket) bool {
	for i, u := range l.coord.unknown {
		if u.ticket == t {
			l.coord.unknown = append(l.coord.unknown[:i], l.coord.unknown[i+1:]...)
			return true
		}
	}
	return false
}

func refusal(a coord.Answer) error {
	if a.Err != nil {
		return asPython(a.Err.Class, "%s", a.Err.Text)
	}
	return nil
}

// later applies an event when the loop comes to it.
func (s *Scheduler) later(e coord.Event) { s.loop.post(func() { s.loop.coordinate(e) }) }

// conversationEnded tells the machine of the end of a connection that may have
// been the only thing known of a holder.
func (s *Scheduler) conversationEnded(v *conversation) {
	if v.used {
		s.later(coord.ConnEnded{Owner: v.owner})
	}
}

// boundOf is the field timeout: a number of seconds, a text such as "2 s", or
// nothing for a wait without limit, which is negative.
func (c *call) boundOf(absent time.Duration) time.Duration {
	d := c.duration("timeout", absent)
	if c.has("timeout") && c.float("timeout", 0) < 0 {
		return 0
	}
	return d
}

// done is ask for requests that answer nothing.
func (c *call) done(e func(coord.Caller) coord.Event) (any, error) {
	_, err := c.ask(asking{make: e, timeout: -1})
	return nil, err
}

// granted is ask for requests that answer whether they were granted in time.
func (c *call) granted(e func(coord.Caller) coord.Event) (any, error) {
	a, err := c.ask(asking{make: e, timeout: c.boundOf(-1)})
	return a.OK, err
}
