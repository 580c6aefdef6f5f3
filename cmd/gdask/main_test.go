package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gdask/gdask"
	"github.com/gdask/gdask/sdk"
	"github.com/gdask/gdask/sdk/worker"
)

// commandEnv makes this test binary the gdask command.
const commandEnv = "CMD_TEST_MAIN"

// pluginEnv makes it a plugin with the name demo.
const pluginEnv = "CMD_TEST_PLUGIN"

type pluginConfig struct {
	Model string `json:"model"`
}

// patience bounds every wait of the tests.
const patience = 60 * time.Second

// TestMain also serves the worker processes of the clusters under test, which are
// this binary again.
func TestMain(m *testing.M) {
	if os.Getenv(commandEnv) != "" {
		main()
		return
	}
	if os.Getenv(pluginEnv) != "" {
		sdk.Serve(worker.New[pluginConfig]("demo", nil))
	}
	registerFunctions()
	gdask.Main(func() {
		code := m.Run()
		if code == 0 {
			if err := goleak.Find(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}
		os.Exit(code)
	})
}

// environ is an environment of its own for a command: an empty home.
func environ(t *testing.T, more ...string) []string {
	t.Helper()
	home := t.TempDir()
	return append([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "DASK_ROOT_CONFIG=" + home + "/none"}, more...)
}

// result is how a command ended.
type result struct {
	code     int
	out, err string
}

// command runs a command line to its end.
func command(t *testing.T, env []string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, stderr bytes.Buffer
	code := run(ctx, args, env, &out, &stderr)
	return result{code, out.String(), stderr.String()}
}

// want checks the exit code and that all parts were printed.
func (r result) want(t *testing.T, code int, parts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	for _, part := range parts {
		if !strings.Contains(r.out+r.err, part) {
			t.Errorf("nothing said %q", part)
		}
	}
	if t.Failed() {
		t.Fatalf("standard output:\n%s\nstandard error:\n%s", r.out, r.err)
	}
}

// transcript collects what a running command prints; readers wait for texts.
type transcript struct {
	mu      sync.Mutex
	data    bytes.Buffer
	changed chan struct{}
}

func newTranscript() *transcript { return &transcript{changed: make(chan struct{})} }

func (w *transcript) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.data.Write(p)
	close(w.changed)
	w.changed = make(chan struct{})
	return len(p), nil
}

func (w *transcript) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.data.String()
}

// await returns the rest of the first line that has the text, or fails the test
// when the command ended before or nothing came.
func (w *transcript) await(t *testing.T, text string, ended <-chan struct{}) string {
	t.Helper()
	limit := time.After(patience)
	for over := false; ; {
		w.mu.Lock()
		all, changed := w.data.String(), w.changed
		w.mu.Unlock()
		if _, rest, ok := strings.Cut(all, text); ok && strings.Contains(rest, "\n") {
			line, _, _ := strings.Cut(rest, "\n")
			return strings.TrimSpace(line)
		}
		if over {
			t.Fatalf("the command ended without %q:\n%s", text, all)
		}
		select {
		case <-changed:
		case <-ended:
			over = true
		case <-limit:
			t.Fatalf("%q did not come:\n%s", text, all)
		}
	}
}

// running is a command that runs until it is told to end.
type running struct {
	out, err *transcript
	cancel   context.CancelFunc
	done     chan struct{}
	code     int
}

// begin starts a command in this process.
func begin(t *testing.T, env []string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{out: newTranscript(), err: newTranscript(), cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.code = run(ctx, args, env, io.Writer(r.out), io.Writer(r.err))
	}()
	t.Cleanup(func() {
		cancel()
		<-r.done
	})
	return r
}

// says waits for a text on standard output and returns the rest of its line.
func (r *running) says(t *testing.T, text string) string {
	t.Helper()
	return r.out.await(t, text, r.done)
}

// ends waits for the end and checks that it was a clean one.
func (r *running) ends(t *testing.T) {
	t.Helper()
	select {
	case <-r.done:
	case <-time.After(patience):
		t.Fatalf("the command did not end:\n%s\n%s", r.out, r.err)
	}
	if r.code != exitOK || strings.Contains(r.err.String(), "Error") || strings.Contains(r.err.String(), "[ERROR]") {
		t.Fatalf("exit code %d; standard error:\n%s", r.code, r.err)
	}
}

func (r *running) close(t *testing.T) {
	t.Helper()
	r.cancel()
	r.ends(t)
}
