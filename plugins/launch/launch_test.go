//go:build unix

package launch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	pluginv1 "github.com/gdask/gdask/sdk/proto/gdask/plugin/v1"
	workerv1 "github.com/gdask/gdask/sdk/proto/gdask/worker/v1"
)

// bound is the longest that anything here may take.
const bound = 10 * time.Second

// lockedBuffer is a log that may be read while a plugin writes to it.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// spec is a helper in the mode, logging to the returned buffer.
func spec(t *testing.T, mode string) (Spec, *lockedBuffer) {
	t.Helper()
	dir, err := NewRunDir(shortDir(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	log := &lockedBuffer{}
	return Spec{
		Kind: "worker", Name: "helper", Dir: dir, Env: append(os.Environ(), helperEnv+"="+mode),
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: log}),
	}, log
}

// shortDir is a private directory with a short path.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "gl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func start(t *testing.T, s Spec) *Process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	p, err := Start(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// startWorker starts the helper's fake worker, which does what its mode says.
func startWorker(ctx context.Context, p *Process) (*workerv1.StartResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	return workerv1.NewWorkerClient(p.Conn()).Start(ctx, &workerv1.StartRequest{Scheduler: "tcp://127.0.0.1:1"})
}

func mustStart(t *testing.T, p *Process) *workerv1.StartResponse {
	t.Helper()
	r, err := startWorker(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// await fails the test when the channel is not closed in time.
func await(t *testing.T, what string, ch <-chan struct{}) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(bound):
		t.Fatalf("%s did not happen within %v", what, bound)
	}
}

func healthy(ctx context.Context, p *Process, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := grpc_health_v1.NewHealthClient(p.Conn()).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "plugin"})
	return err
}

func TestStartDescribeShutdown(t *testing.T) {
	for _, mtls := range []bool{false, true} {
		s, _ := spec(t, "plain")
		s.MTLS = mtls
		p := start(t, s)
		c := pluginv1.NewPluginClient(p.Conn())
		d, err := c.Describe(t.Context(), &pluginv1.DescribeRequest{})
		if err != nil || d.Name != "helper" || d.Version != "1.2.3" || len(d.Services) != 2 {
			t.Fatalf("mtls %v: described as %v, %v", mtls, d, err)
		}
		if err := healthy(t.Context(), p, bound); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Shutdown(t.Context(), &pluginv1.ShutdownRequest{GraceMs: 1000}); err != nil {
			t.Fatal(err)
		}
		p.HangUp()
		await(t, "the end after Shutdown", p.Done())
		if e := p.Exit(); e.Code != 0 || e.Signal != "" || e.MaxRSS == 0 {
			t.Fatalf("mtls %v: ended with %+v", mtls, e)
		}
		p.Close()
		if entries, _ := os.ReadDir(s.Dir.Path()); len(entries) != 0 {
			t.Fatalf("left %v behind", entries)
		}
	}
}

func TestStartErrors(t *testing.T) {
	tests := []struct {
		mode   string
		change func(*Spec)
		reason Reason
		want   string
	}{
		{"notaplugin", nil, ReasonHandshake, "listening on :80"},
		{"crash", nil, ReasonHandshake, "boom at start"},
		{"silent", func(s *Spec) { s.StartTimeout = 300 * time.Millisecond }, ReasonTimeout, "start_timeout"},
		{"plain", func(s *Spec) { s.Path = "/nonexistent/plugin" }, ReasonSpawn, "no such file"},
		{"plain", func(s *Spec) { s.Kind = "comm" }, ReasonHandshake, `is a worker plugin, but the host started it as a comm plugin`},
		{"plain", func(s *Spec) {
			s.Path, _ = os.Executable()
			s.Checksum = "sha256:" + strings.Repeat("0", 64)
		}, ReasonChecksum, "gdask plugin verify"},
	}
	for _, tt := range tests {
		s, _ := spec(t, tt.mode)
		if tt.change != nil {
			tt.change(&s)
		}
		p, err := Start(t.Context(), s)
		if err == nil {
			p.Close()
		}
		var se *StartError
		if !errors.As(err, &se) || se.Reason != tt.reason || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s with %q", tt.mode, err, tt.reason, tt.want)
		}
	}
}

func TestStartIsCancelled(t *testing.T) {
	s, _ := spec(t, "silent")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err := Start(ctx, s)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func TestPinnedFileRuns(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, _ := spec(t, "plain")
	s.Path = exe
	if s.Checksum, err = Checksum(exe); err != nil {
		t.Fatal(err)
	}
	p := start(t, s)
	if err := healthy(t.Context(), p, bound); err != nil {
		t.Fatal(err)
	}
}

// The file that was opened is the one that runs, although its path means
// another one by then.
func TestExecutesWhatWasHashed(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	script := func(path, text string) {
		if err := os.WriteFile(path, []byte("#!/bin/sh\necho "+text+" >&2\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	script(good, "the pinned file")
	script(bad, "the other file")
	sum, err := Checksum(good)
	if err != nil {
		t.Fatal(err)
	}
	exe, err := openExecutable(good, sum)
	if err != nil {
		t.Fatal(err)
	}
	if exe.file == nil {
		return // this system executes by path
	}
	defer exe.file.Close()
	if err := os.Rename(bad, good); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(exe.file)
	if err == nil && len(got) == 0 {
		_, err = exe.file.Seek(0, io.SeekStart)
		got, _ = io.ReadAll(exe.file)
	}
	if err != nil || !strings.Contains(string(got), "the pinned file") || !strings.HasPrefix(exe.path, "/proc/self/fd/") {
		t.Fatalf("would execute %q (%v) from %s", got, err, exe.path)
	}
}

func TestPanicIsAnError(t *testing.T) {
	s, _ := spec(t, "panic")
	p := start(t, s)
	_, err := startWorker(t.Context(), p)
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "boom in start") {
		t.Fatalf("got %v", err)
	}
	if err := healthy(t.Context(), p, bound); err != nil {
		t.Fatalf("the process did not survive: %v", err)
	}
}

func TestExitIsReported(t *testing.T) {
	s, _ := spec(t, "exit")
	p := start(t, s)
	if _, err := startWorker(t.Context(), p); err == nil {
		t.Fatal("no error from a plugin that exits")
	}
	await(t, "the exit", p.Done())
	if e := p.Exit(); e.Code != 7 || e.Reason() != ReasonExit {
		t.Fatalf("ended with %+v", e)
	}
}

func TestBeneathAndOverlay(t *testing.T) {
	env := Beneath([]string{"A=real", "B="}, map[string]string{"A": "1", "C": "1"}, map[string]string{"C": "2", "B": "2", "D": "2"})
	if want := []string{"A=real", "B=", "C=1", "D=2"}; !slices.Equal(env, want) {
		t.Errorf("beneath: %q, want %q", env, want)
	}
	if got, want := Overlay(env, map[string]string{"A": "new", "E": "5"}), []string{"B=", "C=1", "D=2", "A=new", "E=5"}; !slices.Equal(got, want) {
		t.Errorf("overlay: %q, want %q", got, want)
	}
}
