//go:build unix

package sdk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/gdask/gdask/sdk/handshake"
	pluginv1 "github.com/gdask/gdask/sdk/proto/gdask/plugin/v1"
	workerv1 "github.com/gdask/gdask/sdk/proto/gdask/worker/v1"
	"github.com/gdask/gdask/sdk/worker"
)

// mainEnv makes the test binary a program whose main function serves a class.
const mainEnv = "GDASK_TEST_MAIN"

// patience is the safety net of waits.
const patience = 2 * time.Minute

type settings struct {
	Path string `json:"path" default:"/tmp"`
}

func testClass() *worker.Class {
	return worker.New("tested", func(*settings) (worker.Executor, error) { return nil, nil }, worker.Version("1.2.3"))
}

// unknownKind is a plugin that this SDK cannot serve.
type unknownKind struct{}

func (unknownKind) Kind() string { return "comm" }
func (unknownKind) Name() string { return "odd" }

func TestMain(m *testing.M) {
	switch os.Getenv(mainEnv) {
	case "":
		goleak.VerifyTestMain(m)
	case "odd":
		Serve(unknownKind{})
	default:
		Serve(testClass())
	}
}

// child is this binary as a plugin.
func child(t *testing.T, env []string, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(ctx, exe, args...)
	stdout, stderr = new(bytes.Buffer), new(bytes.Buffer)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Env = append([]string{mainEnv + "=1", "TMPDIR=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}, env...)
	return cmd, stdout, stderr
}

func code(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatal(err)
	}
	return exit.ExitCode()
}

// TestRunByHand: each way of starting the program without a host says what to do.
func TestRunByHand(t *testing.T) {
	for name, k := range map[string]struct {
		env  []string
		args []string
		code int
		text []string
	}{
		"alone":           {nil, nil, 2, []string{"is a gdask worker plugin", "not by hand", "gdask-plugin-worker-tested", "describe"}},
		"other arguments": {nil, []string{"--help"}, 2, []string{"not by hand"}},
		"another kind":    {[]string{handshake.CookieEnv + "=comm"}, nil, 2, []string{"tested is a worker plugin", "started it as a comm plugin", "plugins.worker"}},
		"odd":             {[]string{mainEnv + "=odd"}, nil, 1, []string{"cannot serve", "unknownKind", `"comm"`}},
		"lifeline that is none": {[]string{handshake.CookieEnv + "=worker", handshake.LifelineEnv + "=77"}, nil, 1,
			[]string{"lifeline: file descriptor 77"}},
	} {
		cmd, stdout, stderr := child(t, k.env, k.args...)
		if got := code(t, cmd.Run()); got != k.code {
			t.Errorf("%s: exit code %d, want %d: %s", name, got, k.code, stderr)
		}
		for _, text := range k.text {
			if !strings.Contains(stderr.String(), text) {
				t.Errorf("%s: %q is missing in %q", name, text, stderr)
			}
		}
		if stdout.Len() > 0 {
			t.Errorf("%s: standard output says %q", name, stdout)
		}
	}
}

func TestDescribePrintsJSON(t *testing.T) {
	cmd, stdout, stderr := child(t, nil, "describe")
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	var d Description
	if err := json.Unmarshal(stdout.Bytes(), &d); err != nil {
		t.Fatalf("%v: %q", err, stdout)
	}
	if d.Kind != "worker" || d.Name != "tested" || d.Version != "1.2.3" || d.SDKVersion != Version || len(d.Services) != 2 ||
		!bytes.Contains(d.ConfigSchema, []byte(`"path"`)) {
		t.Errorf("got %+v", d)
	}
}

// hosted is a plugin process as its host sees it.
type hosted struct {
	t        *testing.T
	cmd      *exec.Cmd
	lifeline *os.File
	stderr   *bytes.Buffer
	conn     *grpc.ClientConn
	ended    chan error
}

// host starts the class as a gdask host does: lifeline, cookie, line on standard output.
func host(t *testing.T) *hosted {
	t.Helper()
	syscall.ForkLock.RLock() // no other child may get the host's end
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		syscall.ForkLock.RUnlock()
		t.Fatal(err)
	}
	syscall.CloseOnExec(fds[0])
	syscall.CloseOnExec(fds[1])
	syscall.ForkLock.RUnlock()
	h := &hosted{t: t, lifeline: os.NewFile(uintptr(fds[0]), "host"), ended: make(chan error, 1)}
	theirs := os.NewFile(uintptr(fds[1]), "plugin")
	h.cmd, _, h.stderr = child(t, []string{
		handshake.CookieEnv + "=worker", handshake.NameEnv + "=tested", handshake.LifelineEnv + "=3",
		"PLUGIN_PROTOCOL_VERSIONS=1",
	})
	h.cmd.Stdout = nil
	h.cmd.ExtraFiles = []*os.File{theirs}
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close()
	t.Cleanup(func() { _ = h.lifeline.Close(); _ = h.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	go func() { h.ended <- h.cmd.Wait() }()
	parts := strings.Split(line, "|")
	if err != nil || len(parts) < 5 || parts[1] != "1" || parts[2] != "unix" || parts[4] != "grpc" {
		t.Fatalf("the line is %q, %v", line, err)
	}
	h.conn, err = grpc.NewClient("unix:"+parts[3], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.conn.Close() })
	return h
}

func (h *hosted) plugin() pluginv1.PluginClient  { return pluginv1.NewPluginClient(h.conn) }
func (h *hosted) workers() workerv1.WorkerClient { return workerv1.NewWorkerClient(h.conn) }

// exit waits for the end of the process and returns how it ended. What a test
// may read of it, it reads afterwards.
func (h *hosted) exit() string {
	h.t.Helper()
	select {
	case err := <-h.ended:
		if err == nil {
			return "clean"
		}
		return err.Error()
	case <-time.After(patience):
		h.t.Fatal("the process does not end")
		return ""
	}
}

func TestLifeUnderAHost(t *testing.T) {
	h := host(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d, err := h.plugin().Describe(ctx, &pluginv1.DescribeRequest{})
	if err != nil || d.Name != "tested" || d.SdkVersion != Version {
		t.Fatalf("got %v, %v", d, err)
	}
	v, err := h.plugin().Validate(ctx, &pluginv1.ValidateRequest{ConfigJson: []byte(`{"pth": 1}`)})
	if err != nil || len(v.Errors) != 1 || !strings.Contains(v.Errors[0].Message, `did you mean "path"`) {
		t.Errorf("got %v, %v", v, err)
	}
	if _, err := h.plugin().Configure(ctx, &pluginv1.ConfigureRequest{ConfigJson: []byte(`{"path": "/x"}`), LogLevel: "debug"}); err != nil {
		t.Error(err)
	}
	_, err = h.workers().Start(ctx, &workerv1.StartRequest{Scheduler: "tcp://127.0.0.1:1", DeathTimeoutMs: 50})
	if status.Code(err) != codes.DeadlineExceeded || !strings.Contains(err.Error(), "death timeout") {
		t.Errorf("nobody listens there: %v", err)
	}
	watch, err := h.workers().Watch(ctx, &workerv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if w, err := watch.Recv(); err != nil || w.Worker.GetState() != workerv1.WorkerState_WORKER_STATE_EXITED {
		t.Errorf("got %v, %v", w, err)
	}
	if _, err := h.plugin().Shutdown(ctx, &pluginv1.ShutdownRequest{GraceMs: 5000, Reason: "test"}); err != nil {
		t.Error(err)
	}
	if got := h.exit(); got != "clean" {
		t.Errorf("ended with %s: %s", got, h.stderr)
	}
}

// TestEndWithTheHost: the process must not outlive its host, whatever it is doing.
func TestEndWithTheHost(t *testing.T) {
	for name, end := range map[string]func(h *hosted){
		"host dies":    func(h *hosted) { _ = h.lifeline.Close() },
		"SIGTERM":      func(h *hosted) { _ = h.cmd.Process.Signal(syscall.SIGTERM) },
		"both at once": func(h *hosted) { _ = h.lifeline.Close(); _ = h.cmd.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			h := host(t)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			watch, err := h.workers().Watch(ctx, &workerv1.WatchRequest{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := watch.Recv(); err != nil { // it serves
				t.Fatal(err)
			}
			joining := make(chan error, 1)
			go func() { // a join that would take for ever
				_, err := h.workers().Start(ctx, &workerv1.StartRequest{Scheduler: "tcp://127.0.0.1:1"})
				joining <- err
			}()
			if w, err := watch.Recv(); err != nil || w.Worker.GetState() != workerv1.WorkerState_WORKER_STATE_STARTING {
				t.Fatalf("got %v, %v", w, err)
			}
			end(h)
			got := h.exit()
			if name == "SIGTERM" && got != "clean" {
				t.Errorf("ended with %s: %s", got, h.stderr)
			}
			if err := <-joining; err == nil {
				t.Error("a worker joined nobody")
			}
		})
	}
}

func TestChildRequested(t *testing.T) {
	for _, k := range []struct {
		kind, name string
		ok         bool
	}{{"worker", "x", true}, {"worker", "", false}, {"", "x", false}} {
		t.Setenv(handshake.CookieEnv, k.kind)
		t.Setenv(handshake.NameEnv, k.name)
		kind, name, ok := ChildRequested()
		if ok != k.ok || ok && (kind != k.kind || name != k.name) {
			t.Errorf("got %s, %s, %v", kind, name, ok)
		}
	}
}

type misnamed struct{ *worker.Class }

func (misnamed) Name() string { return "No Name" }

func TestPluginsThatCannotBeServed(t *testing.T) {
	for p, text := range map[Plugin]string{
		unknownKind{}:         "it serves worker classes",
		misnamed{testClass()}: "want a lower-case letter",
	} {
		if _, err := Describe(p); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%T: %v", p, err)
		}
		if c, err := Main(p, nil); c != 1 || err == nil {
			t.Errorf("%T: %d, %v", p, c, err)
		}
	}
	if c, err := Main(testClass(), []string{"x"}); c != 2 || err == nil {
		t.Errorf("by hand: %d, %v", c, err)
	}
}

func TestConfigHelpers(t *testing.T) {
	s := settings{Path: "default"}
	if err := DecodeConfig([]byte(`{"path": "mine"}`), &s); err != nil || s.Path != "mine" {
		t.Error(s, err)
	}
}
