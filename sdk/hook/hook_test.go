package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host is a host that only logs.
type host struct{ log hclog.Logger }

func (h host) Address() string      { return "tcp://h:1" }
func (h host) Logger() hclog.Logger { return h.log }

func newHost() (host, *bytes.Buffer) {
	var b bytes.Buffer
	return host{hclog.New(&hclog.LoggerOptions{Output: &b, Level: hclog.Info})}, &b
}

func TestGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := errors.New("on purpose")
		if err := Guard(t.Context(), "it", func(context.Context) error { return failed }); !errors.Is(err, failed) || err.Error() != "it: on purpose" {
			t.Errorf("an error: %v", err)
		}
		err := Guard(t.Context(), "it", func(context.Context) error { panic("boom") })
		if p, ok := errors.AsType[*task.PanicError](err); !ok || p.Value != "boom" {
			t.Errorf("a panic: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		release := make(chan struct{})
		err = Guard(ctx, "it", func(context.Context) error { <-release; return nil })
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "it did not return in time") {
			t.Errorf("a hang: %v", err)
		}
		close(release)
	})
}

func TestPreloadsThatFailAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, log := newHost()
		reg, hang := task.NewRegistry(), make(chan struct{})
		for name, f := range map[string]any{
			"hangs": func() { <-hang },
			"bad":   func() error { return errors.New("no luck") },
			"odd":   func(int) {},
			"good": func(ctx context.Context, phase string) error {
				From[host](ctx).Logger().Info("good", "phase", phase)
				return nil
			},
		} {
			if err := reg.Register(name, f); err != nil {
				t.Fatal(err)
			}
		}
		p := Preload{Names: []string{"hangs", "bad", "odd", "no-such-thing", "good"}, Limit: time.Minute}
		p.Setup(t.Context(), "worker", h, reg)
		close(hang)
		for _, want := range []string{
			"preload hangs: setup did not return in time", "no luck", "a preload is a func", "neither a registered function nor an executable", "phase=setup",
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%q is not in the log:\n%s", want, log)
			}
		}
	})
}

func TestBlockedIsAValueErrorForPython(t *testing.T) {
	if err := Blocked("run", "Worker", nil); err != nil {
		t.Error(err)
	}
	err := Blocked("run", "Worker", []string{"x", "run"})
	p, ok := err.(wire.Pickler)
	if !ok || !strings.HasPrefix(string(p.Pickle()), "cbuiltins\nValueError\n(VThe 'run' handler has been explicitly disallowed in Worker") {
		t.Errorf("got %v", err)
	}
}

func TestInstallsRefusesWhatIsNoMapOfCalls(t *testing.T) {
	if names, _, err := Installs(wire.Opaque{}); err != nil || names != nil {
		t.Errorf("nil: %v, %v", names, err)
	}
	if _, _, err := Installs(wire.StringOpaque("x")); err == nil {
		t.Error("a text is no map")
	}
	o, err := wire.OpaqueOf(map[string]any{"p": 3})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Installs(o); err == nil {
		t.Error("a number is no call")
	}
}

// Code that ends its goroutine must not be waited for until the end of all time.
func TestGuardOfCodeThatEndsItsGoroutine(t *testing.T) {
	err := Guard(context.Background(), "plugin p: setup", func(context.Context) error { runtime.Goexit(); return nil })
	if err == nil || !strings.Contains(err.Error(), "plugin p: setup: it ended its goroutine") {
		t.Errorf("got %v", err)
	}
}

// A preload that prints without end must not take the memory of its host.
func TestTailOfWhatAPreloadPrints(t *testing.T) {
	var few tail
	_, _ = few.Write([]byte("no end"))
	if got := few.text(); got != "no end" {
		t.Errorf("got %q", got)
	}
	var many tail
	for i := range 100_000 {
		if n, err := fmt.Fprintln(&many, "line", i); n == 0 || err != nil {
			t.Fatal(n, err)
		}
	}
	got := many.text()
	if cap(many.last) > 4*mostOutput || len(got) < mostOutput/2 || !strings.HasPrefix(got, "line ") || !strings.HasSuffix(got, "line 99999\n") {
		t.Errorf("%d bytes in %d: %.20q", len(got), cap(many.last), got)
	}
}
