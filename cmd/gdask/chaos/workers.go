//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// fleet keeps so many `gdask worker` commands running: one that ends, for
// whatever reason, is started again.
type fleet struct {
	o         *Options
	scheduler string
	slots     []*slot
	stopping  atomic.Bool
	wg        sync.WaitGroup
	started   atomic.Int64
}

// slot is the place of one worker command. Its worker is behind a proxy, too, so
// that connections between workers can be cut.
type slot struct {
	mu    sync.Mutex
	cmd   *exec.Cmd
	proxy *proxy
}

func startFleet(ctx context.Context, o *Options, scheduler string) *fleet {
	f := &fleet{o: o, scheduler: scheduler}
	for range o.Workers {
		s := &slot{}
		f.slots = append(f.slots, s)
		f.wg.Go(func() { f.keep(ctx, s) })
	}
	return f
}

// keep runs one worker command after the other.
func (f *fleet) keep(ctx context.Context, s *slot) {
	for ctx.Err() == nil && !f.stopping.Load() {
		if err := f.once(ctx, s); err != nil && !f.stopping.Load() {
			f.o.logf("worker command ended: %v", err)
		}
	}
}

func (f *fleet) once(ctx context.Context, s *slot) error {
	listen, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	p, err := newProxy(ctx, listen)
	if err != nil {
		return err
	}
	cmd := f.command(listen, p.address())
	s.mu.Lock()
	if err = cmd.Start(); err == nil {
		s.cmd, s.proxy = cmd, p
	}
	s.mu.Unlock()
	if err == nil {
		f.started.Add(1)
		err = cmd.Wait()
		s.mu.Lock()
		s.cmd, s.proxy = nil, nil
		s.mu.Unlock()
	}
	return errors.Join(err, p.close())
}

// command is a worker command, not started yet.
func (f *fleet) command(listen, contact string) *exec.Cmd {
	cmd := exec.Command(f.o.Executable, "worker", f.scheduler, "--nthreads", "2", "--memory-limit", f.o.MemoryLimit, //nolint:noctx // ended by stop, in order
		"--listen-address", "tcp://"+listen, "--contact-address", contact, "--log-level", "error")
	cmd.Stderr = f.o.WorkerLog
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt at the terminal is for us alone
	return cmd
}

// freeAddress is one that nobody listens on just now.
func freeAddress(ctx context.Context) (string, error) {
	var c net.ListenConfig
	ln, err := c.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// proxies are those of the workers that run.
func (f *fleet) proxies() []*proxy {
	var out []*proxy
	for _, s := range f.slots {
		s.mu.Lock()
		if s.proxy != nil {
			out = append(out, s.proxy)
		}
		s.mu.Unlock()
	}
	return out
}

// stop interrupts all commands and waits; what takes too long is an error, and killed.
func (f *fleet) stop(ctx context.Context) error {
	f.stopping.Store(true)
	ended := make(chan struct{})
	go func() { f.wg.Wait(); close(ended) }() // ends when the commands have
	for {
		f.each(func(p *os.Process) { _ = p.Signal(syscall.SIGINT) })
		t := time.NewTimer(time.Second) // one may be starting just now
		select {
		case <-ended:
			t.Stop()
			return nil
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			f.each(func(p *os.Process) { _ = p.Kill() })
			<-ended
			return fmt.Errorf("worker commands had not ended after an interrupt: %w", context.Cause(ctx))
		}
	}
}

func (f *fleet) each(do func(*os.Process)) {
	for _, s := range f.slots {
		s.mu.Lock()
		if s.cmd != nil {
			do(s.cmd.Process)
		}
		s.mu.Unlock()
	}
}

// victim is the process of a random worker command, or of the worker itself that
// the command watches over; 0 when there is none just now.
func (f *fleet) victim(r *rand.Rand, itself bool) int {
	var pids []int
	f.each(func(p *os.Process) { pids = append(pids, p.Pid) })
	if len(pids) == 0 {
		return 0
	}
	pid := pids[r.IntN(len(pids))]
	if !itself {
		return pid
	}
	children, err := childrenOf(pid)
	if err != nil || len(children) == 0 {
		return 0
	}
	return int(children[0].Pid)
}
