package conformance

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gdask/gdask/sdk/comm"
)

// transportRules are the promises of comm.Transport beyond those of net.Conn.
var transportRules = []struct {
	name, why string
	check     func(*transportSuite)
}{
	{"scheme", "Scheme is a bare lower-case name: addresses are made as scheme + \"://\" + address", checkScheme},
	{"bind", "Listen of the given address works many times at once, and each listener has an address of its own", checkBind},
	{"contact", "what Contact returns for a bound address can be dialled and has no wildcard in it", checkContact},
	{"resolve", "Resolve of a contact address is a canonical form: resolving again changes nothing, and it can be dialled", checkResolve},
	{"host", "Host of two listeners of one machine is the same and not empty: peers near each other are found by it", checkHost},
	{"bytes", "bytes arrive unchanged and in order in both directions at once, 4 MiB as well as one", checkBytes},
	{"close-unblocks-accept", "Close of a listener ends a blocked Accept with net.ErrClosed, or a shell cannot stop", checkCloseUnblocks},
	{"closed-refuses", "after Close the address can no longer be dialled", checkClosedRefuses},
	{"dial-cancelled", "Dial returns soon after its context ends, and does not connect when it has ended before", checkDialCancelled},
	{"close-is-eof", "after the peer closed, what it wrote before is read first and then io.EOF", checkCloseIsEOF},
	{"half-close", "a connection with CloseWrite lets the peer read to io.EOF and still answer", checkHalfClose},
	{"deadlines", "a deadline that passed ends a blocked Read with os.ErrDeadlineExceeded, and a later one makes the connection usable again", checkDeadlines},
	{"many", "200 connections live at once, each with its own bytes", checkMany},
}

func checkScheme(s *transportSuite) {
	scheme := s.tr.Scheme()
	if scheme == "" || scheme != strings.ToLower(scheme) || strings.ContainsAny(scheme, ":/ ") {
		s.Errorf("Scheme() = %q", scheme)
	}
	if _, err := comm.NewSet(s.tr); err != nil {
		s.Errorf("a set refuses it: %v", err)
	}
}

func checkBind(s *transportSuite) {
	a, b := s.listen(), s.listen()
	if s.contact(a) == s.contact(b) {
		s.Errorf("two listeners have the one address %q", s.contact(a))
	}
}

func checkContact(s *transportSuite) {
	ln := s.listen()
	address := s.contact(ln)
	for _, bad := range []string{"0.0.0.0", "[::]"} {
		if strings.HasPrefix(address, bad) {
			s.Errorf("Contact(%v) = %q starts with the wildcard %s", ln.Addr(), address, bad)
		}
	}
	if strings.Contains(address, "://") {
		s.Errorf("Contact(%v) = %q has a scheme; the set adds it", ln.Addr(), address)
	}
	s.connect(ln)
}

func checkResolve(s *transportSuite) {
	ln := s.listen()
	once, err := s.tr.Resolve(s.ctx, s.contact(ln))
	if err != nil {
		s.Fatalf("Resolve(%q): %v", s.contact(ln), err)
	}
	twice, err := s.tr.Resolve(s.ctx, once)
	if err != nil || twice != once {
		s.Errorf("Resolve(%q) = %q, %v; want the same again", once, twice, err)
	}
	got := acceptOne(ln)
	conn, err := s.tr.Dial(s.ctx, once)
	if err != nil {
		s.Fatalf("Dial(%q): %v", once, err)
	}
	closeAll(conn)
	if a := <-got; a.err == nil {
		closeAll(a.conn)
	}
}

func checkHost(s *transportSuite) {
	a, b := s.tr.Host(s.contact(s.listen())), s.tr.Host(s.contact(s.listen()))
	if a == "" || a != b {
		s.Errorf("hosts %q and %q", a, b)
	}
}

func checkBytes(s *transportSuite) {
	near, far := s.connect(s.listen())
	for _, n := range []int{1, 4 << 20} {
		var wg sync.WaitGroup
		for _, c := range []struct{ from, to net.Conn }{{near, far}, {far, near}} {
			data := bytes.Repeat([]byte("gdask \x00\xff"), n/8+1)[:n]
			wg.Go(func() {
				if k, err := c.from.Write(data); err != nil || k != n {
					s.Errorf("Write of %d bytes: %d, %v", n, k, err)
				}
			})
			wg.Go(func() {
				got := make([]byte, n)
				if _, err := io.ReadFull(c.to, got); err != nil || !bytes.Equal(got, data) {
					s.Errorf("%d bytes came back different, error %v", n, err)
				}
			})
		}
		wg.Wait()
	}
}

func checkCloseUnblocks(s *transportSuite) {
	ln := s.listen()
	got := acceptOne(ln)
	if err := ln.Close(); err != nil {
		s.Errorf("Close: %v", err)
	}
	select {
	case a := <-got:
		if !errors.Is(a.err, net.ErrClosed) {
			s.Errorf("Accept after Close: %v, want net.ErrClosed", a.err)
		}
	case <-time.After(patience):
		s.Errorf("Accept is still blocked %v after Close", patience)
	}
}

func checkClosedRefuses(s *transportSuite) {
	ln := s.listen()
	address := s.contact(ln)
	closeAll(ln)
	conn, err := s.tr.Dial(s.ctx, address)
	if err == nil {
		closeAll(conn)
		s.Errorf("Dial(%q) still connects", address)
	}
}

func checkDialCancelled(s *transportSuite) {
	ln := s.listen()
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	start := time.Now()
	conn, err := s.tr.Dial(ctx, s.contact(ln))
	if err == nil {
		closeAll(conn)
		s.Errorf("Dial with an ended context connects")
	}
	if d := time.Since(start); d > patience/2 {
		s.Errorf("Dial with an ended context took %v", d)
	}
}

func checkCloseIsEOF(s *transportSuite) {
	near, far := s.connect(s.listen())
	if _, err := near.Write([]byte("last words")); err != nil {
		s.Fatalf("Write: %v", err)
	}
	closeAll(near)
	if got, err := io.ReadAll(far); err != nil || string(got) != "last words" {
		s.Errorf("ReadAll after the peer's Close: %q, %v", got, err)
	}
}

func checkHalfClose(s *transportSuite) {
	near, far := s.connect(s.listen())
	half, ok := near.(interface{ CloseWrite() error })
	if !ok {
		s.Logf("%T has no CloseWrite, which is allowed", near)
		return
	}
	if err := half.CloseWrite(); err != nil {
		s.Fatalf("CloseWrite: %v", err)
	}
	if got, err := io.ReadAll(far); err != nil || len(got) != 0 {
		s.Errorf("ReadAll after the peer's CloseWrite: %q, %v", got, err)
	}
	if _, err := far.Write([]byte("answer")); err != nil {
		s.Errorf("Write towards the end that closed its own writing: %v", err)
	}
	closeAll(far)
	if got, err := io.ReadAll(near); err != nil || string(got) != "answer" {
		s.Errorf("ReadAll after CloseWrite: %q, %v", got, err)
	}
}

func checkDeadlines(s *transportSuite) {
	near, far := s.connect(s.listen())
	if err := near.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		s.Fatalf("SetReadDeadline: %v", err)
	}
	_, err := near.Read(make([]byte, 1))
	var timeout net.Error
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		s.Errorf("Read past its deadline: %v, want os.ErrDeadlineExceeded as a net.Error", err)
	}
	if err := near.SetReadDeadline(time.Now().Add(patience)); err != nil {
		s.Fatalf("SetReadDeadline: %v", err)
	}
	if _, err := far.Write([]byte("x")); err != nil {
		s.Fatalf("Write: %v", err)
	}
	if _, err := near.Read(make([]byte, 1)); err != nil {
		s.Errorf("Read before its new deadline: %v", err)
	}
}

func checkMany(s *transportSuite) {
	const n = 200
	ln := s.listen()
	var servers sync.WaitGroup
	serve := func(c net.Conn) {
		defer closeAll(c)
		_, _ = io.Copy(c, c)
	}
	servers.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			servers.Go(func() { serve(c) })
		}
	})
	conns := make([]net.Conn, 0, n)
	for i := range n {
		c, err := s.tr.Dial(s.ctx, s.contact(ln))
		if err != nil {
			s.Errorf("Dial number %d: %v", i, err)
			break
		}
		conns = append(conns, c)
	}
	for i, c := range conns {
		_ = c.SetDeadline(time.Now().Add(patience))
		want, got := []byte{byte(i), byte(i >> 8)}, make([]byte, 2)
		if _, err := c.Write(want); err != nil {
			s.Errorf("connection %d: Write: %v", i, err)
		}
		if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
			s.Errorf("connection %d: %v came back as %v, %v", i, want, got, err)
		}
	}
	for _, c := range conns {
		closeAll(c)
	}
	closeAll(ln)
	servers.Wait()
}
