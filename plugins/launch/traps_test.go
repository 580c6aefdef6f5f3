//go:build unix

package launch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gdask/gdask/sdk/handshake"

	pluginv1 "github.com/gdask/gdask/sdk/proto/gdask/plugin/v1"
	workerv1 "github.com/gdask/gdask/sdk/proto/gdask/worker/v1"
)

// gone waits until no process has the id. A pid file descriptor would be no
// simpler: the processes are not our children.
func gone(t *testing.T, pid int, limit time.Duration) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(limit)
	for alive(pid) {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("process %d still lives after %v", pid, limit)
		}
	}
}

// alive reports whether the process exists and is no zombie.
func alive(pid int) bool {
	if unix.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

// stopped waits until the stop signal has arrived: kill returns before.
func stopped(t *testing.T, pid int) {
	t.Helper()
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, unix.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("process %d is not stopped: %v", pid, err)
	}
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("no process id: %q", s)
	}
	return n
}

// startHost starts a host in a process of its own; it returns the host, the
// process id of its plugin and its run directory.
func startHost(t *testing.T, base string) (host *exec.Cmd, pid, grandchild int, dir string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperEnv+"=host", "LAUNCH_TEST_BASE="+base)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	f := strings.Fields(line)
	if err != nil || len(f) != 3 {
		t.Fatalf("the host said %q: %v", line, err)
	}
	return cmd, atoi(t, f[0]), atoi(t, f[1]), f[2]
}

func TestHostKilled(t *testing.T) {
	base := shortDir(t)
	host, pid, grandchild, dir := startHost(t, base)
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = host.Wait() // its plugin tells by its parent whether it lives
	gone(t, pid, 3*time.Second)
	gone(t, grandchild, 3*time.Second)
	for _, left := range []string{dir, dir + handshake.LockSuffix} {
		if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the plugin left what its dead host cannot remove: %s, %v", left, err)
		}
	}
}

func TestSweepAfterHostAndPluginAreKilled(t *testing.T) {
	base := shortDir(t)
	host, pid, _, dir := startHost(t, base)
	if err := errors.Join(unix.Kill(-pid, unix.SIGKILL), host.Process.Kill()); err != nil {
		t.Fatal(err)
	}
	gone(t, pid, 3*time.Second)
	_ = host.Wait()
	if err := Sweep(base); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the run directory of the dead host is still there: %v", err)
	}
}

func TestGrandchildDies(t *testing.T) {
	s, _ := spec(t, "grandchild")
	p := start(t, s)
	pid := atoi(t, mustStart(t, p).Name)
	p.Close()
	gone(t, pid, time.Second)
}

func TestGrandchildHoldsStderr(t *testing.T) {
	s, _ := spec(t, "escaped")
	p := start(t, s)
	pid := atoi(t, mustStart(t, p).Name)
	defer func() { _ = unix.Kill(pid, unix.SIGKILL) }()
	begin := time.Now()
	p.Close()
	if d := time.Since(begin); d > 2*time.Second {
		t.Fatalf("closing took %v", d)
	}
	if !alive(pid) {
		t.Fatal("the test needs a grandchild that survives")
	}
}

func TestCloseOfStoppedPlugin(t *testing.T) {
	s, _ := spec(t, "plain")
	p := start(t, s)
	p.Signal(unix.SIGSTOP)
	stopped(t, p.Pid())
	begin := time.Now()
	p.Close()
	if d := time.Since(begin); d > 2*time.Second {
		t.Fatalf("closing took %v", d)
	}
	if e := p.Exit(); e.Signal != "killed" || e.Reason() != ReasonSignal {
		t.Fatalf("ended with %+v", e)
	}
}

func TestHealthHasADeadline(t *testing.T) {
	s, _ := spec(t, "plain")
	p := start(t, s)
	p.Signal(unix.SIGSTOP)
	stopped(t, p.Pid())
	if err := healthy(t.Context(), p, 100*time.Millisecond); err == nil {
		t.Fatal("a stopped plugin is healthy")
	}
}

func TestStdoutBeforeHandshake(t *testing.T) {
	// Text before sdk.Serve cannot be caught any more: the error must quote the
	// cause. Text from within a class never reaches standard output.
	s, _ := spec(t, "noise")
	_, err := Start(t.Context(), s)
	if err == nil || !strings.Contains(err.Error(), "first line of standard output") {
		t.Fatalf("got %v", err)
	}
}

func TestLongStdoutLine(t *testing.T) {
	s, _ := spec(t, "longline")
	p := start(t, s)
	for range 20 { // more than a pipe holds
		mustStart(t, p)
	}
	if err := healthy(t.Context(), p, bound); err != nil {
		t.Fatal(err)
	}
}

func TestBadStderrJSON(t *testing.T) {
	s, log := spec(t, "badjson")
	p := start(t, s)
	mustStart(t, p)
	p.Close()
	got := log.String()
	if !strings.Contains(got, `[DEBUG] {"@message": 5`) || !strings.Contains(got, "[WARN]  good: n=1") {
		t.Fatalf("logged %s", got)
	}
	if n := len(p.Exit().Stderr); n < 2 {
		t.Fatalf("kept %d lines", n)
	}
}

func TestPrintedTextIsKept(t *testing.T) {
	s, log := spec(t, "prints")
	p := start(t, s)
	mustStart(t, p)
	p.Close()
	for _, want := range []string{"on standard output", "on standard error"} {
		if !slices.Contains(p.Exit().Stderr, want) || !strings.Contains(log.String(), want) {
			t.Errorf("%q is missing in %q or the log", want, p.Exit().Stderr)
		}
	}
}

func TestEnvironmentIsScrubbed(t *testing.T) {
	host := []string{"PATH=/bin", "AWS_SECRET=x", "LC_ALL=C", "GDASK_TOKEN=x", "GDASK_A__B=1", "GDASK_PLUGIN=comm", "CUDA=0", "FOO=host", helperEnv + "=env"}
	s, _ := spec(t, "env")
	s.Env = Environment(host, []string{"CUDA", "FOO", helperEnv}, map[string]string{"FOO": "bar"})
	p := start(t, s)
	var env []string
	if err := json.Unmarshal([]byte(mustStart(t, p).Name), &env); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(env, " ")
	for _, want := range []string{"PATH=/bin", "LC_ALL=C", "GDASK_A__B=1", "CUDA=0", "FOO=bar"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing from %s", want, got)
		}
	}
	for _, bad := range []string{"AWS_SECRET", "GDASK_TOKEN", "GDASK_PLUGIN=comm", "FOO=host"} {
		if strings.Contains(got, bad) {
			t.Errorf("%s reached the plugin: %s", bad, got)
		}
	}
}

func TestDescriptors(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // needs /proc
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", exe} {
		s, _ := spec(t, "fds")
		s.Path = path
		p := start(t, s)
		got := mustStart(t, p).Name
		if !strings.Contains(got, "0=/dev/null") {
			t.Errorf("standard input is not empty: %s", got)
		}
		if strings.Contains(got, exe) || strings.Contains(got, "/exe") {
			t.Errorf("its own file is still open: %s", got)
		}
		comm, err := os.ReadFile("/proc/" + strconv.Itoa(p.Pid()) + "/comm")
		if err != nil || !strings.HasPrefix(filepath.Base(exe), strings.TrimSpace(string(comm))) {
			t.Errorf("the process is called %q: %v", comm, err)
		}
	}
}

func TestLongSocketPath(t *testing.T) {
	_, err := NewRunDir("/tmp/" + strings.Repeat("x", 60))
	if err == nil || !strings.Contains(err.Error(), "xxx") || !regexp.MustCompile(`the limit is 10[37]`).MatchString(err.Error()) {
		t.Fatalf("got %v", err)
	}
	base := shortDir(t)
	d, err := NewRunDir("/tmp/"+strings.Repeat("x", 60), base)
	if err != nil {
		t.Fatalf("did not fall back to a short directory: %v", err)
	}
	if filepath.Dir(d.Path()) != base {
		t.Fatalf("used %s", d.Path())
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSocketIsInTheRunDir(t *testing.T) {
	s, _ := spec(t, "plain")
	start(t, s)
	socks, err := filepath.Glob(filepath.Join(s.Dir.Path(), "p*", "plugin-dir*", "plugin*"))
	if err != nil || len(socks) != 1 {
		t.Fatalf("sockets: %v, %v", socks, err)
	}
	if st, err := os.Stat(s.Dir.Path()); err != nil || st.Mode().Perm() != 0o700 {
		t.Fatalf("run directory: %v, %v", st.Mode(), err)
	}
	if len(socks[0]) > len(s.Dir.Path())+processRest+socketRest {
		t.Fatalf("%s is longer than foreseen", socks[0])
	}
}

func TestBigMessageIsRefused(t *testing.T) {
	s, _ := spec(t, "plain")
	p := start(t, s)
	c := pluginv1.NewPluginClient(p.Conn())
	if _, err := c.Configure(t.Context(), &pluginv1.ConfigureRequest{ConfigJson: make([]byte, 8<<20)}); err != nil {
		t.Errorf("8 MiB: %v", err)
	}
	if _, err := c.Configure(t.Context(), &pluginv1.ConfigureRequest{ConfigJson: make([]byte, 17<<20)}); err == nil {
		t.Error("17 MiB were accepted")
	}
}

func TestTermDrains(t *testing.T) {
	s, _ := spec(t, "plain")
	p := start(t, s)
	mustStart(t, p)
	p.Signal(unix.SIGTERM)
	await(t, "the end after SIGTERM", p.Done())
	if e := p.Exit(); e.Code != 0 {
		t.Fatalf("ended with %+v", e)
	}
}

func TestInterruptDoesNotReachPlugins(t *testing.T) {
	s, _ := spec(t, "plain")
	p := start(t, s)
	pgid, err := unix.Getpgid(p.Pid())
	if err != nil || pgid != p.Pid() || pgid == unix.Getpgrp() {
		t.Fatalf("process group %d of process %d (%v), ours is %d", pgid, p.Pid(), err, unix.Getpgrp())
	}
}

func TestWatchEndsWithShutdown(t *testing.T) {
	s, _ := spec(t, "plain")
	p := start(t, s)
	mustStart(t, p)
	stream, err := workerv1.NewWorkerClient(p.Conn()).Watch(t.Context(), &workerv1.WatchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for len(states) < 2 {
		ev, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, ev.GetWorker().GetState().String())
	}
	if _, err := pluginv1.NewPluginClient(p.Conn()).Shutdown(t.Context(), &pluginv1.ShutdownRequest{GraceMs: 1000}); err != nil {
		t.Fatal(err)
	}
	ev, err := stream.Recv()
	if err != nil || ev.Worker.State != workerv1.WorkerState_WORKER_STATE_EXITED {
		t.Fatalf("after %v: %v, %v", states, ev, err)
	}
	await(t, "the end without a hang-up", p.Done())
}

func TestManyCrashes(t *testing.T) {
	s, _ := spec(t, "plain")
	before := openFiles(t)
	for range 12 { // goleak in TestMain counts the goroutines
		p := start(t, s)
		_ = unix.Kill(p.Pid(), unix.SIGKILL)
		await(t, "the crash", p.Done())
		p.Close()
	}
	if after := openFiles(t); after > before+2 {
		t.Fatalf("%d open files before, %d after", before, after)
	}
	if entries, _ := os.ReadDir(s.Dir.Path()); len(entries) != 0 {
		t.Fatalf("left %v behind", entries)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestParallelStarts(t *testing.T) {
	s, _ := spec(t, "plain")
	got := make(chan error, 4)
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	for range cap(got) {
		go func() {
			p, err := Start(ctx, s)
			if err == nil {
				p.Close()
			}
			got <- err
		}()
	}
	for range cap(got) {
		if err := <-got; err != nil {
			t.Error(err)
		}
	}
}
