package scheduler

import (
	"context"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// session is one client as the loop knows it. It outlives its connection by the
// grace period when the client is gdask's.
type session struct {
	id       string
	gdask    bool
	out      outlet
	conn     *wire.Conn // nil while disconnected
	gone     bool       // forgotten; outputs for it are dropped
	leftAt   time.Time  // when the connection ended, while disconnected
	versions wire.Opaque
}

// serveClient runs a client's stream until it ends.
func (s *Scheduler) serveClient(c *wire.Conn, m *wire.RegisterClient) {
	// The first batch must have exactly one message, so it does not go through
	// the stream.
	if err := c.SendBatch([]wire.Msg{&wire.StreamStart{}}); err != nil {
		s.log.debug("client left during its registration", "client", m.Client, "error", err)
		return
	}
	st := wire.NewStream(c)
	defer endStream(st)
	if s.loop.do(s.ctx, func() { s.loop.addClient(m, c, st) }) != nil {
		return
	}
	said := s.readClient(c, m.Client)
	s.loop.post(func() { s.loop.clientLeft(m.Client, c, said) })
}

// endStream ends a stream's writer without further ado.
func endStream(st *wire.Stream) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = st.Close(ctx, false)
	<-st.Done()
}

// addClient begins a session, or gives one that lost its connection a new one.
func (l *loop) addClient(m *wire.RegisterClient, c *wire.Conn, st *wire.Stream) {
	if old := l.clients[m.Client]; old != nil {
		if old.gdask && c.Peer().GDask > 0 {
			l.resumeClient(old, c, st)
			return
		}
		l.forgetClient(old, "registered again")
	}
	ses := &session{id: m.Client, conn: c, gdask: c.Peer().GDask > 0, versions: m.Versions}
	ses.out.stream = st
	l.clients[m.Client] = ses
	l.totals.clientsAdded++
	l.apply(state.AddClient{ID: m.Client})
	l.event("all", eventFields("add-client", "client", m.Client))
	l.hookClient("add_client", m.Client)
	l.s.log.info("client connected", "client", m.Client)
}

func (l *loop) resumeClient(ses *session, c *wire.Conn, st *wire.Stream) {
	if ses.conn != nil {
		_ = ses.conn.Close() // half open: the client knows better
	}
	ses.conn, ses.leftAt = c, time.Time{}
	ses.out.batch = nil // the client asks for the state of its keys itself
	ses.out.attach(st)
	l.s.log.info("client is back", "client", ses.id)
}

// clientLeft ends a session at once when the client said so, else after the
// grace period.
func (l *loop) clientLeft(id string, c *wire.Conn, said bool) {
	ses := l.clients[id]
	if ses == nil || ses.conn != c {
		return
	}
	ses.conn = nil
	if said || !ses.gdask || l.s.set.ClientGrace < 0 {
		l.forgetClient(ses, "closed")
		return
	}
	ses.leftAt = l.now
	ses.out.stream, ses.out.batch = nil, nil
	l.s.log.warn("client lost its connection", "client", id, "wishes kept for", l.s.set.ClientGrace)
}

func (l *loop) forgetClient(ses *session, why string) {
	if ses.conn != nil {
		_ = ses.conn.Close()
		ses.conn = nil
	}
	ses.gone = true
	ses.out.drop()
	delete(l.clients, ses.id)
	l.totals.clientsRemoved++
	l.topics.forget(ses.id)
	l.apply(state.RemoveClient{ID: ses.id})
	l.event("all", eventFields("remove-client", "client", ses.id))
	l.hookClient("remove_client", ses.id)
	l.s.log.info("client gone", "client", ses.id, "reason", why)
}

// checkClients forgets the clients whose grace period is over.
func (l *loop) checkClients() {
	for _, ses := range l.clients {
		switch {
		case ses.conn == nil && l.now.Sub(ses.leftAt) > l.s.set.ClientGrace:
			l.forgetClient(ses, "did not come back in time")
		case ses.conn == nil:
			ses.out.batch = nil // nobody will read these
		}
	}
}

// clientHeartbeat is the interval at which clients should give a sign of life.
func clientHeartbeat(clients int) float64 { return 10 * heartbeatSeconds(clients) }
