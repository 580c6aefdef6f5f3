package launch

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

// pipeDelay is how long the output of a dead process is read on: what it wrote
// before its end is there at once, and a child of it that left its group may hold
// the pipes open for ever.
const pipeDelay = 200 * time.Millisecond

// processRunner runs one plugin process for go-plugin.
type processRunner struct {
	spec   Spec
	env    []string // ours, then go-plugin's
	stderr *stderrLog
	out    *io.PipeReader // the handshake line, for go-plugin
	outW   *io.PipeWriter
	done   chan struct{} // closed when the process was reaped and its output read

	mu       sync.Mutex
	cmd      *exec.Cmd // nil before Start
	reaped   bool      // its id may belong to another process
	killed   bool      // Start must not run any more
	lifeline *os.File  // our end
	end      Exit      // set before done is closed
}

var _ runner.Runner = (*processRunner)(nil)

func newRunner(spec Spec) *processRunner {
	r := &processRunner{spec: spec, env: slices.Clone(spec.Env), done: make(chan struct{})}
	r.stderr = &stderrLog{logger: spec.Logger}
	r.out, r.outW = io.Pipe()
	return r
}

var errKilled = errors.New("the start was given up")

// Start spawns the process.
func (r *processRunner) Start(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.killed {
		return errKilled
	}
	if err := checkLength(r.spec.Dir.path); err != nil {
		return err
	}
	return r.spawnLocked()
}

// follow reads the output of the process, reaps it and enters how it ended.
func (r *processRunner) follow(cmd *exec.Cmd, stdout, stderr *os.File) {
	var outputs sync.WaitGroup
	outputs.Go(func() { firstLine(stdout, r.outW) })
	outputs.Go(func() { r.stderr.read(stderr) })
	awaitEnd(cmd.Process.Pid) // the id stays taken until Wait
	r.mu.Lock()
	killGroupOf(cmd.Process.Pid)
	_ = cmd.Wait() // the state tells more than the error
	r.reaped = true
	r.closeLifelineLocked()
	r.mu.Unlock()
	limit := time.Now().Add(pipeDelay)
	_ = stdout.SetReadDeadline(limit)
	_ = stderr.SetReadDeadline(limit)
	outputs.Wait()
	_ = stdout.Close()
	_ = stderr.Close()
	end := exitOf(cmd.ProcessState)
	end.Panicked, end.Stderr = r.stderr.sawPanic(), r.stderr.tail()
	r.mu.Lock()
	r.end = end
	r.mu.Unlock()
	close(r.done)
}

// kill ends the group at once, or keeps it from starting. It does not wait.
func (r *processRunner) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil && !r.killed {
		_ = r.outW.Close()
	}
	r.killed = true
	if r.cmd != nil && !r.reaped {
		killGroupOf(r.cmd.Process.Pid)
	}
}

func (r *processRunner) signal(sig os.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd != nil && !r.reaped {
		signalGroup(r.cmd.Process.Pid, sig)
	}
}

func (r *processRunner) hangUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closeLifelineLocked()
}

func (r *processRunner) closeLifelineLocked() {
	if r.lifeline != nil {
		_ = r.lifeline.Close()
		r.lifeline = nil
	}
}

func (r *processRunner) started() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cmd != nil
}

func (r *processRunner) pid() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil {
		return 0
	}
	return r.cmd.Process.Pid
}

func (r *processRunner) exit() Exit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.end
}

// Wait returns when the process has ended.
func (r *processRunner) Wait(ctx context.Context) error {
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Kill ends the group and waits until it is reaped. go-plugin calls it when a
// start failed: a process that is ending by itself gets the time to say why.
func (r *processRunner) Kill(ctx context.Context) error {
	if r.started() {
		select {
		case <-r.done:
		case <-time.After(pipeDelay):
		}
	}
	r.kill()
	if !r.started() {
		return nil
	}
	return r.Wait(ctx)
}

// Stdout is the handshake line and nothing else.
func (r *processRunner) Stdout() io.ReadCloser { return r.out }

// Stderr is empty for go-plugin: we read it ourselves.
func (r *processRunner) Stderr() io.ReadCloser { return io.NopCloser(eof{}) }

// Name is the plugin's.
func (r *processRunner) Name() string { return r.spec.Name }

// ID is the process id, "" before the start.
func (r *processRunner) ID() string {
	if pid := r.pid(); pid != 0 {
		return strconv.Itoa(pid)
	}
	return ""
}

// Diagnose has nothing to add: startError tells all.
func (r *processRunner) Diagnose(context.Context) string { return "" }

// PluginToHost leaves addresses as they are: there is no container between us.
func (r *processRunner) PluginToHost(network, addr string) (string, string, error) {
	return network, addr, nil
}

// HostToPlugin leaves addresses as they are.
func (r *processRunner) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}

// eof is a reader without content.
type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
