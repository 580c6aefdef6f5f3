//go:build unix

package main

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gdask/gdask"
)

// stubborn tells that it runs by connecting to an address, and never ends.
var stubborn = gdask.Func[int]("cmdtest.stubborn", func(address string) (int, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	n, _ := c.Read(make([]byte, 1)) // nobody writes
	return n, nil
})

// child is the command in a process of its own.
type child struct {
	cmd      *exec.Cmd
	out, err *transcript
	done     chan struct{}
}

func spawn(t *testing.T, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(self, args...), out: newTranscript(), err: newTranscript(), done: make(chan struct{})}
	c.cmd.Env = environ(t, commandEnv+"=1", "GORACE=atexit_sleep_ms=0")
	c.cmd.Stdout, c.cmd.Stderr, c.cmd.WaitDelay = c.out, c.err, time.Second
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = c.cmd.Wait() // the state tells more
		close(c.done)
	}()
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		<-c.done
	})
	return c
}

func (c *child) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// ends waits for the end and checks the exit code.
func (c *child) ends(t *testing.T, code int) {
	t.Helper()
	select {
	case <-c.done:
	case <-time.After(patience):
		t.Fatalf("it did not end:\n%s\n%s", c.out, c.err)
	}
	if got := c.cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("it ended with %s, want exit code %d:\n%s\n%s", c.cmd.ProcessState, code, c.out, c.err)
	}
}

func TestSignalsCloseCleanly(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(s.String(), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "scheduler.json")
			c := spawn(t, "scheduler", "--port=0", "--dashboard-address=none", "--scheduler-file", file)
			c.out.await(t, "Scheduler at:", c.done)
			if _, err := os.Stat(file); err != nil {
				t.Fatal(err)
			}
			c.signal(t, s)
			c.ends(t, exitOK)
			if _, err := os.Stat(file); !os.IsNotExist(err) {
				t.Errorf("the scheduler file is still there: %v", err)
			}
			if c.err.String() != "" {
				t.Errorf("standard error has %q", c.err)
			}
		})
	}
}

// TestInterruptEndsWorkerProcesses: nothing of a cluster is left behind.
func TestInterruptEndsWorkerProcesses(t *testing.T) {
	c := spawn(t, "--n-workers=2", "--threads-per-worker=1", "--dashboard-address=none", "--memory-limit=0")
	address := c.out.await(t, "Scheduler at:", c.done)
	c.out.await(t, "Interrupt (Ctrl-C)", c.done)
	compute(t, address, 2)
	c.signal(t, syscall.SIGINT)
	c.ends(t, exitOK)
	if got := c.err.String(); got != "gdask: closing; interrupt again to kill\n" {
		t.Errorf("standard error has %q", got)
	}
	workers := pids(t, c.out.String())
	if len(workers) != 2 {
		t.Fatalf("%v in\n%s", workers, c.out)
	}
	for _, pid := range workers {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("the worker process %d lives on: %v", pid, err)
		}
	}
}

// TestSecondInterruptKills: a task that never ends cannot hold the command.
func TestSecondInterruptKills(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	c := spawn(t, "--no-processes", "--n-workers=1", "--threads-per-worker=1", "--dashboard-address=none")
	address := c.out.await(t, "Scheduler at:", c.done)
	c.out.await(t, "Interrupt (Ctrl-C)", c.done)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := connect(t, ctx, address)
	defer func() { _ = client.Close() }() // its scheduler is killed
	f := stubborn.Submit(client, ln.Addr().String())
	running, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = running.Close() }()
	c.signal(t, syscall.SIGINT)
	c.err.await(t, "gdask: closing; interrupt again to kill", c.done)
	c.signal(t, syscall.SIGINT)
	c.ends(t, exitKilled)
	if !strings.Contains(c.err.String(), "gdask: killed by a second interrupt") {
		t.Errorf("standard error has %q", c.err)
	}
	f.Release()
}

// pids are the worker processes that a cluster's banner names.
func pids(t *testing.T, banner string) []int {
	t.Helper()
	var all []int
	for _, m := range regexp.MustCompile(`\(process (\d+)\)`).FindAllStringSubmatch(banner, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}
