package bench

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/shirou/gopsutil/v3/process"

	"github.com/gdask/gdask"
)

// heldTasks is how many finished tasks are held to see what one costs.
const heldTasks = 100_000

const stopTimeout = 20 * time.Second

// memory measures processes of their own where they exist: a scheduler and a
// worker that have nothing to do, then the scheduler with tasks that are held.
// In one process it is the growth of the heap, for scheduler, worker and client
// together.
func (r *run) memory() error {
	if !r.Processes {
		return r.heap()
	}
	idle := []samples{{figure: "scheduler idle", unit: "MiB"}, {figure: "worker idle", unit: "MiB"},
		{figure: "scheduler per task", unit: "B", n: heldTasks}}
	return r.repeat(1, idle, r.resident)
}

func (r *run) resident() (values []float64, err error) {
	sched, err := r.child("Scheduler at:", "scheduler", "--port", "0", "--dashboard-address", "none")
	if err != nil {
		return nil, err
	}
	defer sched.stop(&err)
	for range 2 {
		w, err := r.child("Worker at:", "worker", sched.address, "--nthreads", "1", "--worker-class", gdask.ClassThreadpool)
		if err != nil {
			return nil, err
		}
		defer w.stop(&err)
		if values == nil {
			values = []float64{0, float64(w.rss()) / (1 << 20)}
		}
	}
	c, err := gdask.NewClient(r.ctx, sched.address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }() // the scheduler is stopped anyway
	before := sched.rss()
	fs := noop.Map(c, r.fresh(heldTasks))
	if err := gdask.Wait(r.ctx, fs...); err != nil {
		return nil, err
	}
	if err := fs[len(fs)-1].Exception(r.ctx); err != nil {
		return nil, err
	}
	after, err := sched.settledRSS(r.ctx)
	if err != nil {
		return nil, err
	}
	held := float64(int64(after)-int64(before)) / heldTasks
	gdask.Release(fs...)
	values[0] = float64(before) / (1 << 20)
	return append(values, held), nil
}

func (r *run) heap() error {
	if err := r.open(); err != nil {
		return err
	}
	before := liveHeap()
	fs := noop.Map(r.client, r.fresh(heldTasks))
	err := gdask.Wait(r.ctx, fs...)
	if err == nil {
		err = fs[len(fs)-1].Exception(r.ctx)
	}
	held := float64(liveHeap()-before) / heldTasks
	gdask.Release(fs...)
	if e := r.close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return r.emit(samples{figure: "all per task", unit: "B", n: heldTasks, values: []float64{held}}.record(r.name, r.mode()))
}

func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// child is a process of this program.
type child struct {
	cmd     *exec.Cmd
	address string
}

// child starts a command and reads the address that it prints behind the prefix.
func (r *run) child(prefix string, args ...string) (*child, error) {
	ctx, cancel := context.WithCancel(r.ctx)
	c := &child{cmd: exec.CommandContext(ctx, r.Executable, args...)}
	c.cmd.Cancel = func() error { cancel(); return c.cmd.Process.Signal(syscall.SIGTERM) }
	c.cmd.WaitDelay = stopTimeout
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), prefix); ok {
			c.address = strings.TrimSpace(rest)
			return c, nil
		}
	}
	err = fmt.Errorf("gdask %s printed no %q", strings.Join(args, " "), prefix)
	c.stop(&err)
	return nil, err
}

// stop ends the process; an unclean end is an error unless there is one.
func (c *child) stop(err *error) {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	if e := c.cmd.Wait(); e != nil && *err == nil {
		*err = fmt.Errorf("%s: %w", strings.Join(c.cmd.Args, " "), e)
	}
}

// settledRSS is the resident memory once it has not changed by a hundredth for
// two seconds: a scheduler without work gives garbage back.
func (c *child) settledRSS(ctx context.Context) (uint64, error) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	last := c.rss()
	for still := 0; still < 4; {
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-tick.C:
		}
		now := c.rss()
		if still++; max(now, last)-min(now, last) > last/100 {
			still, last = 0, now
		}
	}
	return last, nil
}

// rss is the resident memory in bytes; 0 when the process has gone.
func (c *child) rss() uint64 {
	p, err := process.NewProcess(int32(c.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	m, err := p.MemoryInfo()
	if err != nil {
		return 0
	}
	return m.RSS
}
