package simulate

import (
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// clientGrace is how long the scheduler keeps the wishes of a client whose
// connection ended.
const clientGrace = 3 * time.Second

// clientSession is a client as the scheduler knows it.
type clientSession struct {
	client *client
	link   *link // nil while disconnected
	left   int   // how often the connection ended
}

// greet begins a session, or gives one a new connection.
func (s *scheduler) greet(c *client, l *link) {
	if ses := s.clients[c.id]; ses != nil {
		ses.link = l
	} else {
		s.clients[c.id] = &clientSession{client: c, link: l}
		s.apply(state.AddClient{ID: c.id})
	}
	l.send(&l.down, func() { c.post(func() { c.begin(l) }) })
}

// clientEnded is the end of a client's stream.
func (s *scheduler) clientEnded(c *client, l *link) {
	ses := s.clients[c.id]
	if ses == nil || ses.link != l {
		return
	}
	ses.link = nil
	ses.left++
	left := ses.left
	s.w.after(clientGrace, func() {
		if s.clients[c.id] == ses && ses.link == nil && ses.left == left {
			s.forget(c)
		}
	})
}

func (s *scheduler) forget(c *client) {
	delete(s.clients, c.id)
	c.lapsed = true
	s.apply(state.RemoveClient{ID: c.id})
}

// fromClient handles a message of a client's stream.
func (s *scheduler) fromClient(c *client, l *link, m any) {
	ses := s.clients[c.id]
	if ses == nil || ses.link != l {
		return
	}
	switch m := m.(type) {
	case state.Event:
		s.apply(m)
	case *wire.CloseClient:
		delete(s.clients, c.id)
		s.apply(state.RemoveClient{ID: c.id})
		l.breakOff(false)
	}
}

// toClient sends a message; what a disconnected client misses it asks for
// itself when it is back.
func (s *scheduler) toClient(id string, m wire.Msg) {
	ses := s.clients[id]
	if ses == nil || ses.link == nil {
		return
	}
	s.w.note("scheduler> ", id, m)
	s.w.stats.Messages++
	l, c := ses.link, ses.client
	l.send(&l.down, func() {
		c.post(func() {
			if c.link == l {
				c.read(m)
			}
		})
	})
}

// fetch has the scheduler fetch a value for a client; then gets it, or nil.
func (s *scheduler) fetch(k wire.Key, then func(any)) {
	holders := s.m.WhoHas([]wire.Key{k})[0].Addresses
	if len(holders) == 0 {
		s.w.after(s.w.delay(), func() { then(nil) })
		return
	}
	a := holders[s.w.rng.IntN(len(holders))]
	s.w.ask(a, []wire.Key{k}, func(got answer) {
		if got.err == nil && !got.busy && len(got.items) == 0 && s.sessions[a] != nil {
			s.apply(state.MissingData{Worker: a, Keys: []wire.Key{k}})
		}
		var v any
		if len(got.items) == 1 {
			v = told(got.items[0], s.w.oracle.defs[k])
		}
		s.w.after(s.w.delay(), func() { then(v) })
	})
}
