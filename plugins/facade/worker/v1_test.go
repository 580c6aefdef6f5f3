//go:build unix

package worker

import (
	"context"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gdask/gdask/plugins/internal/fakeclass"
	"github.com/gdask/gdask/plugins/launch"
	"github.com/gdask/gdask/plugins/supervise"
	"github.com/gdask/gdask/sdk/handshake"
	"github.com/gdask/gdask/sdk/worker"
)

func TestMain(m *testing.M) {
	if fakeclass.Serve() {
		return
	}
	goleak.VerifyTestMain(m)
}

var _ supervise.Instance = (*V1)(nil)

// limit is the longest that anything here may take.
const limit = 30 * time.Second

// spec is this test binary as a plugin.
func spec(t *testing.T) launch.Spec {
	t.Helper()
	base, err := os.MkdirTemp("/tmp", "gw") // names of sockets must be short
	if err != nil {
		t.Fatal(err)
	}
	dir, err := launch.NewRunDir(base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		left, _ := os.ReadDir(dir.Path())
		if len(left) > 0 {
			t.Errorf("left %v behind", left)
		}
		_ = dir.Close()
		_ = os.RemoveAll(base)
	})
	return launch.Spec{Kind: handshake.KindWorker, Name: "mycustom", Env: os.Environ(), Dir: dir, Logger: hclog.NewNullLogger()}
}

func try(t *testing.T, name string, config map[string]any) (*V1, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	s := spec(t)
	v, err := LaunchV1(ctx, s, config, "debug", worker.StartOptions{Scheduler: "tcp://127.0.0.1:1", Name: name})
	if err == nil {
		t.Cleanup(v.Close)
	}
	return v, err
}

func launched(t *testing.T, name string) *V1 {
	t.Helper()
	v, err := try(t, name, map[string]any{"model": "x"})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func await(t *testing.T, what string, ch <-chan struct{}) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(limit):
		t.Fatalf("%s did not happen within %v", what, limit)
	}
}

func TestLaunchAndShutdown(t *testing.T) {
	v := launched(t, fakeclass.Plain)
	if want := "tcp://127.0.0.1:"; !strings.HasPrefix(v.Worker(), want) || v.Pid() == 0 || v.Pid() == os.Getpid() {
		t.Errorf("worker %q in process %d", v.Worker(), v.Pid())
	}
	if err := v.Health(t.Context()); err != nil {
		t.Error(err)
	}
	select {
	case <-v.Ended():
		t.Error("ended already")
	default:
	}
	if err := v.Shutdown(t.Context(), 5*time.Second, "bye"); err != nil {
		t.Error(err)
	}
	await(t, "the end of the process", v.Done())
	if e := v.Exit(); e.Code != 0 || e.Signal != "" {
		t.Errorf("ended with %+v", e)
	}
	await(t, "the end of the worker", v.Ended())
	if v.EndErr() != nil {
		t.Error(v.EndErr())
	}
	v.Close()
	v.Close()
}

// A plugin that has answered waits 200 ms for its host to hang up, so that one
// that ends sooner was hung up on. A busy machine may need some tries.
func TestShutdownHangsUp(t *testing.T) {
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	for deadline := time.Now().Add(limit); ; {
		v := launched(t, fakeclass.Plain)
		if err := v.Shutdown(t.Context(), 5*time.Second, "bye"); err != nil {
			t.Fatal(err)
		}
		answered := time.Now()
		await(t, "the end of the process", v.Done())
		took := time.Since(answered)
		v.Close()
		if took < 200*time.Millisecond {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the process still took %v to end", took)
		}
	}
}

func TestWorkerThatEndsByItself(t *testing.T) {
	for name, want := range map[string]error{fakeclass.Ends: nil, fakeclass.Fails: fakeclass.ErrFailed} {
		v := launched(t, name)
		await(t, "the end of worker "+name, v.Ended())
		switch err := v.EndErr(); {
		case want == nil && err != nil:
			t.Errorf("%s: %v", name, err)
		case want != nil && (err == nil || !strings.Contains(err.Error(), want.Error())):
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
		if err := v.Health(t.Context()); err != nil {
			t.Errorf("%s: the process is not well: %v", name, err)
		}
	}
}

// A plugin that says no is told from one that dies.
func TestLaunchErrors(t *testing.T) {
	for _, tt := range []struct {
		name   string
		config map[string]any
		reason launch.Reason
		code   codes.Code
		exit   *launch.Exit
		want   []string
	}{
		{fakeclass.Refuse, nil, launch.ReasonStart, codes.FailedPrecondition, nil, []string{`plugin "mycustom"`, fakeclass.ErrRefused.Error()}},
		{fakeclass.Exit, nil, launch.ReasonExit, codes.Unavailable, &launch.Exit{Code: 7}, []string{"worker exit of mycustom starts"}},
		{fakeclass.Plain, map[string]any{"modell": "x"}, launch.ReasonConfig, codes.InvalidArgument, nil, []string{"configure", `"modell"`, `did you mean "model"?`}},
		{fakeclass.Plain, map[string]any{"size": "big"}, launch.ReasonConfig, codes.InvalidArgument, nil, []string{"configure", "size"}},
	} {
		_, err := try(t, tt.name, tt.config)
		var se *launch.StartError
		if !errors.As(err, &se) || se.Reason != tt.reason || status.Code(errors.Unwrap(se)) != tt.code || se.Pid == 0 {
			t.Errorf("%s: got %#v: %v", tt.name, se, err)
			continue
		}
		if (se.Exit == nil) != (tt.exit == nil) || tt.exit != nil && se.Exit.Code != tt.exit.Code {
			t.Errorf("%s: the process ended with %v, want %v", tt.name, se.Exit, tt.exit)
		}
		for _, w := range tt.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q is missing in %v", tt.name, w, err)
			}
		}
		if syscall.Kill(se.Pid, 0) == nil {
			t.Errorf("%s: process %d is still there", tt.name, se.Pid)
		}
	}
}

func TestLaunchIsBoundedByItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	s := spec(t)
	s.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: writerFunc(func(line string) {
		if strings.Contains(line, "worker hang of mycustom starts") {
			cancel()
		}
	})})
	_, err := LaunchV1(ctx, s, nil, "debug", worker.StartOptions{Scheduler: "tcp://127.0.0.1:1", Name: fakeclass.Hang})
	var se *launch.StartError
	if !errors.As(err, &se) || se.Reason != launch.ReasonStart || status.Code(errors.Unwrap(se)) != codes.Canceled {
		t.Errorf("got %v", err)
	}
}

// writerFunc is a log that is read as it is written.
type writerFunc func(line string)

func (f writerFunc) Write(p []byte) (int, error) {
	f(string(p))
	return len(p), nil
}

// The plugin itself leaves out what the host would not log.
func TestLogLevelIsTheHosts(t *testing.T) {
	for _, level := range []string{"debug", "warn"} {
		var mu sync.Mutex
		var log strings.Builder
		s := spec(t)
		s.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: writerFunc(func(line string) {
			mu.Lock()
			defer mu.Unlock()
			log.WriteString(line)
		})})
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		v, err := LaunchV1(ctx, s, nil, level, worker.StartOptions{Scheduler: "tcp://127.0.0.1:1", Name: fakeclass.Plain})
		if err != nil {
			t.Fatal(err)
		}
		v.Close() // what the process wrote is read by then
		mu.Lock()
		got := log.String()
		mu.Unlock()
		if !strings.Contains(got, "[WARN]  worker starts with a warning: name=plain") {
			t.Errorf("%s: the warning is missing in %s", level, got)
		}
		if detail := strings.Contains(got, "[DEBUG] worker starts in detail"); detail != (level == "debug") {
			t.Errorf("%s: details are logged: %v in %s", level, detail, got)
		}
	}
}

// What a frozen process is asked returns with the context, and closing it needs
// no answer.
func TestFrozenProcess(t *testing.T) {
	v := launched(t, fakeclass.Plain)
	v.Signal(unix.SIGSTOP)
	var stopped unix.WaitStatus
	if _, err := unix.Wait4(v.Pid(), &stopped, unix.WUNTRACED, nil); err != nil || !stopped.Stopped() {
		t.Fatalf("process %d is not stopped: %v", v.Pid(), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := v.Health(ctx); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("health: %v", err)
	}
	if err := v.Shutdown(ctx, time.Minute, "bye"); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("shutdown: %v", err)
	}
	v.Close()
	await(t, "the end", v.Done())
	if e := v.Exit(); e.Signal != "killed" {
		t.Errorf("ended with %+v", e)
	}
	select {
	case <-v.Ended():
		t.Error("a killed process is said to have finished its work")
	default:
	}
}

func TestRequestCarriesAllOptions(t *testing.T) {
	o := worker.StartOptions{
		Scheduler: "tcp://a:1", Name: "n", NThreads: 2, MemoryLimit: 3, Resources: map[string]float64{"GPU": 4},
		LocalDirectory: "/d", ListenAddress: "tcp://b:2", ContactAddress: "tcp://c:3", DashboardAddr: ":4",
		DeathTimeout: 5 * time.Second, Nanny: "tcp://e:5",
		Memory: &worker.Memory{Target: 0.1, Spill: 0.2, Pause: 0.3, Transfer: 0.4, MaxSpill: 5, Compression: "none", Interval: 6 * time.Millisecond},
	}
	r := request(o)
	m := r.Memory
	got := worker.StartOptions{
		Scheduler: r.Scheduler, Name: r.Name, NThreads: int(r.Nthreads), MemoryLimit: r.MemoryLimit, Resources: r.Resources,
		LocalDirectory: r.LocalDirectory, ListenAddress: r.ListenAddress, ContactAddress: r.ContactAddress,
		DashboardAddr: r.DashboardAddress, DeathTimeout: time.Duration(r.DeathTimeoutMs) * time.Millisecond, Nanny: r.Nanny,
		Memory: &worker.Memory{
			Target: m.Target, Spill: m.Spill, Pause: m.Pause, Transfer: m.Transfer, MaxSpill: m.MaxSpill,
			Compression: m.SpillCompression, Interval: time.Duration(m.MonitorIntervalMs) * time.Millisecond,
		},
	}
	if !reflect.DeepEqual(got, o) {
		t.Errorf("got %+v, want %+v", got, o)
	}
	if request(worker.StartOptions{}).Memory != nil {
		t.Error("defaults are no settings")
	}
	others := []string{"NannyListen", "Extra"} // the host's own; what the environment carries
	v := reflect.ValueOf(o)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && !slices.Contains(others, name) {
			t.Errorf("the test leaves out %s", name)
		}
	}
}
