package comm

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a transport whose Dial is a function.
type fake struct {
	Transport
	scheme string
	dial   func(context.Context) (net.Conn, error)
}

func (f *fake) Scheme() string                                       { return f.scheme }
func (f *fake) Dial(ctx context.Context, _ string) (net.Conn, error) { return f.dial(ctx) }

func newSet(t *testing.T, ts ...Transport) *Set {
	t.Helper()
	s, err := NewSet(ts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestNewSetRefusesTwins(t *testing.T) {
	if _, err := NewSet(TCP(), Unix(), TCP()); err == nil || !strings.Contains(err.Error(), `"tcp"`) {
		t.Errorf("got %v", err)
	}
	if _, err := NewSet(&fake{scheme: "tcp://"}); err == nil {
		t.Error("a scheme with a separator is accepted")
	}
}

func TestUnknownSchemeNamesTheNearest(t *testing.T) {
	s := newSet(t, TCP(), Unix())
	_, err := s.Listen(t.Context(), "tpc://127.0.0.1:0")
	if !isAddressError(err) {
		t.Fatalf("got %v, want an *AddressError", err)
	}
	for _, part := range []string{`"tpc"`, `did you mean "tcp"`, "tcp, unix"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
}

func TestFirstTransportIsTheDefault(t *testing.T) {
	tr, rest, err := newSet(t, Unix(), TCP()).Lookup("/run/s")
	if err != nil || tr.Scheme() != "unix" || rest != "/run/s" {
		t.Errorf("got %v, %q, %v", tr, rest, err)
	}
}

func TestListenAndDial(t *testing.T) {
	s := newSet(t, TCP(), Unix())
	for _, address := range []string{"127.0.0.1:0", "unix://"} {
		ln, err := s.Listen(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		if scheme, _ := Split(address, "tcp"); !strings.HasPrefix(ln.ContactAddress(), scheme+"://") || ln.ListenAddress() != ln.ContactAddress() {
			t.Errorf("%s: listen address %q, contact address %q", address, ln.ListenAddress(), ln.ContactAddress())
		}
		if resolved, err := s.Resolve(t.Context(), ln.ContactAddress()); resolved != ln.ContactAddress() || err != nil {
			t.Errorf("Resolve(%q) = %q, %v", ln.ContactAddress(), resolved, err)
		}
		if host := s.Host(ln.ContactAddress()); host != "127.0.0.1" {
			t.Errorf("Host(%q) = %q", ln.ContactAddress(), host)
		}
		conn, err := s.Dial(t.Context(), ln.ContactAddress())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		_ = ln.Close()
	}
}

func TestDialGivesTheFirstAttemptAFifth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var limits []time.Duration
		s := newSet(t, &fake{scheme: "x", dial: func(ctx context.Context) (net.Conn, error) {
			deadline, _ := ctx.Deadline()
			limits = append(limits, time.Until(deadline))
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := s.Dial(ctx, "x://")
		var failure *DialError
		if !errors.As(err, &failure) || failure.Attempts != 2 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("took %v, want 10s", d)
		}
		if len(limits) != 2 || limits[0] != 2*time.Second || limits[1] < 7*time.Second {
			t.Errorf("limits of the attempts: %v", limits)
		}
	})
}

func TestDialRetriesUntilTheListenerIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		attempts := 0
		s := newSet(t, &fake{scheme: "x", dial: func(context.Context) (net.Conn, error) {
			attempts++
			if time.Since(start) < 5*time.Second {
				return nil, syscall.ECONNREFUSED
			}
			c, far := net.Pipe()
			_ = far.Close()
			return c, nil
		}})
		c, err := s.Dial(t.Context(), "x://")
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
		if d := time.Since(start); d > 6*time.Second || attempts > 200 {
			t.Errorf("connected after %v and %d attempts", d, attempts)
		}
	})
}

func TestDialTimesOutWithTheLastError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSet(t, &fake{scheme: "x", dial: func(context.Context) (net.Conn, error) { return nil, syscall.ECONNREFUSED }})
		start := time.Now()
		_, err := s.Dial(t.Context(), "x://a")
		if d := time.Since(start); d < DefaultConnectTimeout-backoffMax || d > DefaultConnectTimeout {
			t.Errorf("took %v", d)
		}
		var timeout net.Error
		if !errors.Is(err, syscall.ECONNREFUSED) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "x://a") {
			t.Errorf("got %v", err)
		}
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%v does not count as a timeout", err)
		}
	})
}

// TestDialTellsTheRefusal has the last attempt cut short by the end of the time.
func TestDialTellsTheRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSet(t, &fake{scheme: "x", dial: func(ctx context.Context) (net.Conn, error) {
			if at, _ := ctx.Deadline(); time.Until(at) > backoffMax {
				return nil, syscall.ECONNREFUSED
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		if _, err := s.Dial(t.Context(), "x://a"); !errors.Is(err, syscall.ECONNREFUSED) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestDialStopsAtFatalErrorsAndCancellation(t *testing.T) {
	cause := errors.New("bad certificate")
	calls := 0
	s := newSet(t, &fake{scheme: "x", dial: func(context.Context) (net.Conn, error) { calls++; return nil, &FatalError{cause} }})
	if _, err := s.Dial(t.Context(), "x://"); !errors.Is(err, cause) || calls != 1 {
		t.Errorf("fatal: %v after %d calls", err, calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s = newSet(t, &fake{scheme: "x", dial: func(context.Context) (net.Conn, error) { cancel(); return nil, syscall.ECONNREFUSED }})
	if _, err := s.Dial(ctx, "x://"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
