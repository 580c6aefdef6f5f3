package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/gdask/gdask/sdk/handshake"
)

// process is one run of the program under test, in a process group of its own.
type process struct {
	cmd      *exec.Cmd
	stdout   *output
	stderr   *output
	lifeline *os.File   // our end; the process ends when it is closed
	pipes    []*os.File // our ends of its output
	copies   sync.WaitGroup
	done     chan struct{} // closed when it was reaped
	hang     sync.Once
}

// pipeDelay is how long the output of a dead process is waited for: something
// that it started may hold the pipes open.
const pipeDelay = 2 * time.Second

// start executes the program. tied gives it a lifeline.
func (e *env) start(args, environ []string, tied bool) (*process, error) {
	p := &process{stdout: newOutput(), stderr: newOutput(), done: make(chan struct{})}
	p.cmd = &exec.Cmd{Path: e.program.Path, Args: append([]string{e.program.Path}, args...), Env: environ, Dir: e.base}
	theirs, err := p.connect()
	if err == nil {
		err = p.spawn(tied)
	}
	for _, f := range theirs {
		_ = f.Close()
	}
	if err != nil {
		p.breakPipes()
		p.copies.Wait()
		return nil, fmt.Errorf("execute %s: %w", e.program.Path, err)
	}
	e.started = append(e.started, p)
	go p.follow() // ends with the process, which close kills
	return p, nil
}

// connect makes the pipes of the process's output and returns its ends.
func (p *process) connect() (theirs []*os.File, err error) {
	for _, o := range []*output{p.stdout, p.stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			return theirs, err
		}
		theirs, p.pipes = append(theirs, w), append(p.pipes, r)
		p.copies.Go(func() { _, _ = io.Copy(o, r) }) // to its end, or until it is closed
	}
	p.cmd.Stdout, p.cmd.Stderr = theirs[0], theirs[1]
	return theirs, nil
}

// follow reaps the process. What it wrote is read to the end, for a bounded time.
func (p *process) follow() {
	_ = p.cmd.Wait() // the state tells more than the error
	for _, r := range p.pipes {
		_ = r.SetReadDeadline(time.Now().Add(pipeDelay))
	}
	p.copies.Wait()
	p.hangUp()
	close(p.done)
}

// breakPipes closes our ends of the output: writing to it fails from now on.
func (p *process) breakPipes() {
	for _, r := range p.pipes {
		_ = r.Close()
	}
}

// plugin starts the program as a host starts a plugin.
func (e *env) plugin(more ...string) (*process, error) {
	vars := []string{
		handshake.CookieEnv + "=" + handshake.KindWorker, handshake.LifelineEnv + "=3",
		"PLUGIN_PROTOCOL_VERSIONS=1", "PLUGIN_MIN_PORT=0", "PLUGIN_MAX_PORT=1", "PLUGIN_UNIX_SOCKET_DIR=" + e.sockets(),
	}
	if e.program.Class != "" {
		vars = append(vars, handshake.NameEnv+"="+e.program.Class)
	}
	return e.start(e.program.Args, e.environment(append(vars, more...)...), true)
}

// run runs the program to its end without any sign of a host.
func (e *env) run(ctx context.Context, args []string, more ...string) (*process, error) {
	p, err := e.start(args, e.environment(more...), false)
	if err != nil {
		return nil, err
	}
	return p, p.await(ctx, "end of the program")
}

// await waits for the end of the process.
func (p *process) await(ctx context.Context, what string) error {
	ctx, cancel := within(ctx, what)
	defer cancel()
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// hangUp closes our ends of the pipes and of the lifeline, as the death of a host
// does.
func (p *process) hangUp() {
	p.hang.Do(func() {
		p.breakPipes()
		if p.lifeline != nil {
			_ = p.lifeline.Close()
		}
	})
}

// ended reports whether the process is gone.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// handshakeLine waits for the first line.
func (p *process) handshakeLine(ctx context.Context) (string, error) {
	ctx, cancel := within(ctx, "the line on standard output with which a plugin introduces itself")
	defer cancel()
	select {
	case <-p.stdout.line:
	case <-p.done:
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	line, ok := p.stdout.firstLine()
	if !ok {
		return "", errors.New("the process ended (" + p.cmd.ProcessState.String() + ") before it introduced itself on standard output")
	}
	return line, nil
}
