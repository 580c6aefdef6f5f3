package scheduler

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/gdask/gdask/core/scheduler/coord"
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
	told     bool       // that the scheduler closes: its end is no loss
	leftAt   time.Time  // when the connection ended, while disconnected
	versions wire.Opaque
	host     string        // of its latest connection
	worker   string        // whose task it belongs to, or ""
	seen     *atomic.Int64 // Unix nanoseconds of the last message on conn
	behind   bool          // it misses events
}

// serveClient runs a client's stream until it ends.
func (s *Scheduler) serveClient(c *wire.Conn, m *wire.RegisterClient) {
	seen := new(atomic.Int64)
	seen.Store(time.Now().UnixNano())
	// The session is there before the client hears so: its requests come by other
	// connections.
	if s.loop.do(s.ctx, func() { s.loop.addClient(m, c).seen = seen }) != nil {
		return
	}
	// The first batch must have exactly one message, so it does not go through
	// the stream.
	if err := c.SendBatch([]wire.Msg{&wire.StreamStart{}}); err != nil {
		s.log.debug("client left during its registration", "client", m.Client, "error", err)
		s.loop.post(func() { s.loop.clientLeft(m.Client, c, false) })
		return
	}
	st := wire.NewStream(c)
	defer endStream(st)
	s.loop.post(func() {
		if ses := s.loop.clients[m.Client]; ses != nil && ses.conn == c {
			ses.out.attach(st)
		}
	})
	said := s.readClient(c, m.Client, seen)
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
func (l *loop) addClient(m *wire.RegisterClient, c *wire.Conn) *session {
	if old := l.clients[m.Client]; old != nil {
		if old.gdask && c.Peer().GDask > 0 {
			l.resumeClient(old, c)
			return old
		}
		l.forgetClient(old, "registered again")
	}
	ses := &session{id: m.Client, conn: c, gdask: c.Peer().GDask > 0, versions: m.Versions, host: remoteHost(c.NetConn()), worker: m.Worker}
	l.clients[m.Client] = ses
	l.totals.clientsAdded++
	l.apply(state.AddClient{ID: m.Client})
	l.peerEvent("add-client", "client", m.Client)
	l.hookClient("add_client", m.Client)
	l.s.log.info("client connected", "client", m.Client)
	return ses
}

func (l *loop) resumeClient(ses *session, c *wire.Conn) {
	if ses.conn != nil {
		_ = ses.conn.Close() // half open: the client knows better
	}
	ses.conn, ses.leftAt, ses.host = c, time.Time{}, remoteHost(c.NetConn())
	ses.out.stream, ses.out.batch = nil, nil // the client asks for the state of its keys itself
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
	if said || ses.told || !ses.gdask || l.s.set.ClientGrace < 0 {
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
	l.coordinate(coord.ClientGone{Client: ses.id, Host: ses.host})
	l.peerEvent("remove-client", "client", ses.id)
	l.topics.depart(ses.id, l.now)
	l.hookClient("remove_client", ses.id)
	l.s.log.info("client gone", "client", ses.id, "reason", why)
}

// checkClients forgets the clients whose grace period is over, and takes the
// connections of gdask clients for lost that have been silent for too long: they
// send heartbeats. gap is the time since the last check, as for workers.
func (l *loop) checkClients(gap time.Duration) {
	ttl := l.s.clientTTL(len(l.clients))
	for _, ses := range l.clients {
		if d := stopped(gap); d > 0 { // who tried to come back could not
			ses.seen.Add(int64(d))
			ses.leftAt = ses.leftAt.Add(d)
		}
		silent := l.now.Sub(time.Unix(0, ses.seen.Load()))
		switch {
		case ses.conn != nil && ses.gdask && ttl > 0 && silent > ttl:
			l.s.log.warn("client is silent; taking its connection for lost", "client", ses.id, "for", silent)
			_ = ses.conn.Close() // its reader reports the end
		case ses.conn == nil && l.now.Sub(ses.leftAt) > l.s.set.ClientGrace:
			l.forgetClient(ses, "did not come back in time")
		case ses.conn == nil:
			ses.out.batch = nil // nobody will read these
		}
	}
}

// forgetTaskClients ends the sessions of the tasks of a worker that is gone: these
// will run elsewhere.
func (l *loop) forgetTaskClients(worker string) {
	for _, ses := range l.clients {
		if ses.worker == worker {
			l.forgetClient(ses, "its worker is gone")
		}
	}
}

// clientTTL is how long a gdask client's connection may bring nothing; 0: for ever.
func (s *Scheduler) clientTTL(clients int) time.Duration {
	switch {
	case s.set.ClientTTL < 0:
		return 0
	case s.set.ClientTTL > 0:
		return s.set.ClientTTL
	}
	return time.Duration(6 * clientHeartbeat(clients) * float64(time.Second))
}

// clientHeartbeat is the interval at which clients should give a sign of life.
func clientHeartbeat(clients int) float64 { return 10 * heartbeatSeconds(clients) }
