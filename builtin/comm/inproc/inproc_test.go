package inproc

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/conformance"
	"github.com/gdask/gdask/sdk/wire"
)

var (
	_ comm.Transport = (*Transport)(nil)
	_ wire.ValueConn = (*conn)(nil)
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	conformance.Transport(t, func(*testing.T) (comm.Transport, string) { return New(), "" })
}

func TestValuesArriveByReferenceAndInOrder(t *testing.T) {
	a, b := pair("a", "b")
	defer a.Close()
	defer b.Close()
	const n = 3 * maxValues // more than the queue holds
	type item struct{ i int }
	sent := make([]*item, n)
	for i := range sent {
		sent[i] = &item{i}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for _, v := range sent {
			if err := a.SendValue(v); err != nil {
				t.Errorf("SendValue: %v", err)
				return
			}
		}
	})
	for i := range n {
		v, err := b.RecvValue()
		if err != nil || v != any(sent[i]) {
			t.Fatalf("value %d: got %v, %v; want the pointer that was sent", i, v, err)
		}
	}
	wg.Wait()
}

func TestValuesAfterClose(t *testing.T) {
	a, b := pair("a", "b")
	if err := a.SendValue(1); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if v, err := b.RecvValue(); v != 1 || err != nil {
		t.Errorf("value sent before Close: %v, %v", v, err)
	}
	if _, err := b.RecvValue(); !errors.Is(err, io.EOF) {
		t.Errorf("after it: %v, want io.EOF", err)
	}
	if err := b.SendValue(2); !errors.Is(err, net.ErrClosed) {
		t.Errorf("SendValue to a closed peer: %v, want net.ErrClosed", err)
	}
	if err := a.SendValue(2); !errors.Is(err, net.ErrClosed) {
		t.Errorf("SendValue after Close: %v, want net.ErrClosed", err)
	}
	if _, err := a.RecvValue(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("RecvValue after Close: %v, want net.ErrClosed", err)
	}
	if err := a.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
}

func TestCloseUnblocksValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair("a", "b")
		for range maxValues {
			if err := a.SendValue(0); err != nil {
				t.Fatal(err)
			}
		}
		blocked := make(chan error, 2)
		go func() { blocked <- a.SendValue(0) }()
		go func() { _, err := a.RecvValue(); blocked <- err }()
		synctest.Wait()
		_ = b.Close()
		for range 2 {
			if err := <-blocked; !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				t.Errorf("blocked call ended with %v", err)
			}
		}
		_ = a.Close()
	})
}

func TestValueDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair("a", "b")
		defer a.Close()
		defer b.Close()
		start := time.Now()
		_ = a.SetReadDeadline(start.Add(time.Minute))
		if _, err := a.RecvValue(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("RecvValue: %v", err)
		}
		for range maxValues {
			_ = a.SendValue(0)
		}
		_ = a.SetWriteDeadline(start.Add(2 * time.Minute))
		if err := a.SendValue(0); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("SendValue: %v", err)
		}
		if d := time.Since(start); d != 2*time.Minute {
			t.Errorf("both waits took %v, want 2m0s", d)
		}
	})
}

func TestAddressesOfOthersAreRefused(t *testing.T) {
	tr := New()
	for _, address := range []string{"", "x", "1.2.3.4/1/2", tr.host + "/1/2", tr.host + "/" + tr.pid + "/"} {
		var bad *comm.AddressError
		if _, err := tr.Dial(t.Context(), address); !errors.As(err, &bad) {
			t.Errorf("Dial(%q): %v, want an *AddressError", address, err)
		}
	}
}

func TestCloseOfAListenerClosesWhatNobodyAccepted(t *testing.T) {
	tr := New()
	ln, err := tr.Listen(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := tr.Dial(t.Context(), ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("Read: %v, want io.EOF", err)
	}
}

func BenchmarkSendValue(b *testing.B) {
	x, y := pair("a", "b")
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			if _, err := y.RecvValue(); err != nil {
				return
			}
		}
	})
	for b.Loop() {
		_ = x.SendValue(x)
	}
	_ = x.Close()
	wg.Wait()
}

func BenchmarkPingPong(b *testing.B) {
	x, y := pair("a", "b")
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			v, err := y.RecvValue()
			if err != nil {
				return
			}
			_ = y.SendValue(v)
		}
	})
	for b.Loop() {
		_ = x.SendValue(x)
		_, _ = x.RecvValue()
	}
	_ = x.Close()
	wg.Wait()
}
