package simulate

import (
	"fmt"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// client is a program that submits tasks and holds futures.
type client struct {
	w         *World
	id        string
	host      *worker // whose task it is, or nil
	link      *link
	trying    *link
	backlog   []any
	table     map[wire.Key]*entry
	list      []*entry // the same, in order
	frozen    []func() // what came while it stands still; nil: it does not
	asleep    bool
	gone      bool
	lapsed    bool // the scheduler forgot it once: any of its keys may be gone
	cuts      int
	settled   func() // to be called when all entries have come to an end
	successor *client
}

// status is what a future has come to.
type status uint8

const (
	pending status = iota
	finished
	erred
	cancelled
	lost
)

func (s status) String() string {
	return [...]string{"pending", "finished", "erred", "cancelled", "lost"}[s]
}

// ended says that nothing more is waited for.
func (s status) ended() bool { return s == finished || s == erred || s == cancelled }

// entry is a key that the client wants.
type entry struct {
	d       *def
	status  status
	workers []string
	text    string // of a failure
	// blurred says that messages of an earlier wish, or from before a lost
	// connection, may still come: their order proves nothing.
	blurred  bool
	got      bool // its value was fetched, and right
	fetching bool
}

// connect starts a client, on a worker when a task is the client.
func (w *World) connect(host *worker) *client {
	c := &client{w: w, id: fmt.Sprintf("client-%d", len(w.clients)), host: host, table: map[wire.Key]*entry{}}
	w.clients = append(w.clients, c)
	w.after(w.between(0, 5*time.Millisecond), func() { c.post(c.dial) })
	if host == nil {
		w.routinely(w.between(0, 100*time.Millisecond), c.live)
	}
	return c
}

// post has the client do something, now or when it goes on.
func (c *client) post(do func()) {
	switch {
	case c.gone:
	case c.host != nil:
		c.host.post(do)
	case c.asleep:
		c.frozen = append(c.frozen, do)
	default:
		do()
	}
}

func (c *client) dial() {
	if c.gone || c.link != nil || c.trying != nil {
		return
	}
	l := &link{w: c.w}
	c.trying = l
	l.send(&l.up, func() { c.w.sched.greet(c, l) })
}

// begin is the scheduler's word to start. A client that was here before asks
// for all that it wants.
func (c *client) begin(l *link) {
	if c.trying != l || c.gone {
		return
	}
	c.trying, c.link = nil, l
	unsaid := c.backlog
	c.backlog = nil
	for _, m := range unsaid {
		c.say(m)
	}
	if c.cuts > 0 {
		c.askAgain()
	}
}

// askAgain wants every key again and asks what became of it.
func (c *client) askAgain() {
	var keys []wire.Key
	for _, e := range c.list {
		if e.status == cancelled || e.status == erred {
			continue
		}
		keys = append(keys, e.d.key)
		if e.status == finished {
			e.status = lost
		}
	}
	if len(keys) == 0 {
		return
	}
	c.say(state.ClientDesiresKeys{Client: c.id, Keys: keys})
	for _, k := range keys {
		c.say(state.ReportKey{Client: c.id, Key: k})
	}
}

// say tells the scheduler something, once there is a connection.
func (c *client) say(m any) {
	l := c.link
	if l == nil {
		c.backlog = append(c.backlog, m)
		return
	}
	l.send(&l.up, func() { c.w.sched.fromClient(c, l, m) })
}

// cutOff ends the connection; the client comes back.
func (c *client) cutOff(slow bool) {
	l := c.link
	if l == nil {
		return
	}
	l.breakOff(slow, func() { c.post(func() { c.lostLink(l) }) }, func() { c.w.sched.clientEnded(c, l) })
}

func (c *client) lostLink(l *link) {
	if c.link != l {
		return
	}
	c.link = nil
	c.cuts++
	for _, e := range c.list {
		e.blurred = true
	}
	c.w.after(c.w.between(0, 2*clientGrace*2/3), func() { c.post(c.dial) })
}

// leave ends the client: with a word, or without when it is killed.
func (c *client) leave(killed bool) {
	if c.gone {
		return
	}
	if !killed && c.link != nil {
		c.say(&wire.CloseClient{})
	}
	c.gone = true
	for _, l := range []*link{c.link, c.trying} {
		if l != nil && (killed || l == c.trying) {
			l.breakOff(c.w.chance(20), func() { c.w.sched.clientEnded(c, l) })
		}
	}
}
