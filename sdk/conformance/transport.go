package conformance

import (
	"context"
	"net"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/gdask/gdask/sdk/comm"
)

// patience bounds every wait of the suite. It is not a measure of speed.
const patience = 20 * time.Second

// Transport tests a comm protocol. newTransport returns a fresh transport and an
// address to listen on which may be bound many times at once (one with port 0,
// or an empty one); what it needs to clean up it registers with t.
func Transport(t *testing.T, newTransport func(t *testing.T) (comm.Transport, string)) {
	t.Helper()
	for _, rule := range transportRules {
		t.Run(rule.name, func(t *testing.T) {
			s := &transportSuite{T: t}
			s.tr, s.addr = newTransport(t)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			s.ctx = ctx
			rule.check(s)
			if t.Failed() {
				t.Logf("the rule: %s", rule.why)
			}
		})
	}
	t.Run("nettest", func(t *testing.T) {
		nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
			s := &transportSuite{T: t, ctx: t.Context()}
			s.tr, s.addr = newTransport(t)
			ln := s.listen()
			near, far := s.connect(ln)
			return near, far, func() { closeAll(near, far, ln) }, nil
		})
	})
}

// transportSuite is what a rule works with.
type transportSuite struct {
	*testing.T
	ctx  context.Context
	tr   comm.Transport
	addr string
}

// listen binds the suite's address.
func (s *transportSuite) listen() net.Listener {
	s.Helper()
	ln, err := s.tr.Listen(s.ctx, s.addr)
	if err != nil {
		s.Fatalf("Listen(%q): %v", s.addr, err)
	}
	s.Cleanup(func() { _ = ln.Close() })
	return ln
}

// contact is what peers of ln dial.
func (s *transportSuite) contact(ln net.Listener) string {
	s.Helper()
	address, err := s.tr.Contact(ln.Addr())
	if err != nil {
		s.Fatalf("Contact(%v): %v", ln.Addr(), err)
	}
	return address
}

// connect dials ln and accepts.
func (s *transportSuite) connect(ln net.Listener) (near, far net.Conn) {
	s.Helper()
	accepted := acceptOne(ln)
	near, err := s.tr.Dial(s.ctx, s.contact(ln))
	if err != nil {
		s.Fatalf("Dial(%q): %v", s.contact(ln), err)
	}
	select {
	case got := <-accepted:
		if got.err != nil {
			s.Fatalf("Accept: %v", got.err)
		}
		far = got.conn
	case <-time.After(patience):
		s.Fatalf("Accept did not return within %v of a successful Dial", patience)
	}
	s.Cleanup(func() { closeAll(near, far) })
	return near, far
}

type accepted struct {
	conn net.Conn
	err  error
}

func acceptOne(ln net.Listener) <-chan accepted {
	out := make(chan accepted, 1)
	go func() {
		conn, err := ln.Accept()
		out <- accepted{conn, err}
	}()
	return out
}

type closer interface{ Close() error }

func closeAll(cs ...closer) {
	for _, c := range cs {
		_ = c.Close()
	}
}
