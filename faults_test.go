//go:build unix

package gdask

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
)

// sleepy tasks of a few milliseconds that keep both workers busy for a while.
func sleepy(c *Client, n int) []*Future[int] {
	results := make([]int, n)
	for i := range results {
		results[i] = i
	}
	return nap.With(Options{Key: "sleepy"}).Map(c, repeat(10, n), results)
}

func repeat(x, n int) []int {
	xs := make([]int, n)
	for i := range xs {
		xs[i] = x
	}
	return xs
}

// checkAll gathers and compares with 0, 1, 2 and so on.
func checkAll(t *testing.T, got []int, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range got {
		if x != i {
			t.Fatalf("result %d is %d", i, x)
		}
	}
}

func TestKilledWorkerIsReplaced(t *testing.T) {
	ctx := within(t, 60*time.Second)
	c := newClient(t, ctx, modes["processes"])
	fs := sleepy(c, 200)
	if _, _, err := WaitFirst(ctx, fs...); err != nil {
		t.Fatal(err)
	}
	victim := c.Cluster().(*LocalCluster).Workers()[0].Pid()
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	got, err := Gather(ctx, fs)
	checkAll(t, got, err)
	total := sum.Submit(c, anys(fs)...)
	if got, err := total.Result(ctx); err != nil || got != 199*100 {
		t.Errorf("sum: %d, %v", got, err)
	}
	if err := c.WaitForWorkers(ctx, 2); err != nil {
		t.Error(err)
	}
	if syscall.Kill(victim, 0) == nil {
		t.Errorf("process %d is still there", victim)
	}
}

func anys(fs []*Future[int]) []any {
	out := make([]any, len(fs))
	for i, f := range fs {
		out[i] = f
	}
	return out
}

func TestFrozenWorkerIsReplaced(t *testing.T) {
	ctx := within(t, 90*time.Second)
	c := newClient(t, ctx, modes["processes"])
	fs := sleepy(c, 200)
	if _, _, err := WaitFirst(ctx, fs...); err != nil {
		t.Fatal(err)
	}
	victim := c.Cluster().(*LocalCluster).Workers()[0].Pid()
	if err := syscall.Kill(victim, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(victim, syscall.SIGKILL) }()
	got, err := Gather(ctx, fs)
	checkAll(t, got, err)
}

func TestClusterWithFrozenWorkerCloses(t *testing.T) {
	ctx := within(t, 60*time.Second)
	c := newClient(t, ctx, modes["processes"])
	victim := c.Cluster().(*LocalCluster).Workers()[1].Pid()
	if err := syscall.Kill(victim, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if err := c.Close(); err != nil {
		t.Log(err) // the worker had to be killed
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("close took %v", took)
	}
	if syscall.Kill(victim, 0) == nil {
		t.Errorf("process %d is still there", victim)
	}
}

// TestFrozenWorkersThatWereToEndBlameNoTask: they say no farewell and are killed,
// but by the user's wish.
func TestFrozenWorkersThatWereToEndBlameNoTask(t *testing.T) {
	ctx := within(t, 90*time.Second)
	o := modes["processes"]
	o.NWorkers = new(1)
	machine := state.DefaultConfig()
	machine.AllowedFailures = 0
	o.Scheduler = &machine
	c := newClient(t, ctx, o)
	f := nap.Submit(c, 30_000, 7)
	lc := c.Cluster().(*LocalCluster)
	runs := func() {
		t.Helper()
		for on := lc.Workers()[0].Address(); f.Status() == Pending; {
			keys, err := c.Processing(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if len(keys[on]) == 1 {
				return
			}
		}
		_, err := f.Result(ctx)
		t.Fatalf("the task does not run: %v", err)
	}
	runs()
	if err := syscall.Kill(lc.Workers()[0].Pid(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1} {
		if err := lc.Scale(n); err != nil {
			t.Fatal(err)
		}
		if err := lc.Settled(ctx); err != nil {
			t.Fatal(err)
		}
	}
	runs()
}

func TestTaskThatKillsWorkersIsBlamed(t *testing.T) {
	ctx := within(t, 60*time.Second)
	o := modes["processes"]
	o.NWorkers = new(1)
	c := newClient(t, ctx, o)
	_, err := die.Submit(c).Result(ctx)
	var ke *KilledWorkerError
	if !errors.As(err, &ke) || !strings.Contains(err.Error(), "die") {
		t.Fatalf("%v", err)
	}
	if n := strings.Count(err.Error(), "exit code 7"); n != 4 {
		t.Errorf("the exit codes of %d attempts are told, want 4: %v", n, err)
	}
	if len(ke.Attempts) != 4 {
		t.Fatalf("%d attempts are told, want 4: %+v", len(ke.Attempts), ke.Attempts)
	}
	for i, a := range ke.Attempts {
		if a.Name != "0" || a.Host != "127.0.0.1" || !strings.HasPrefix(a.Address, "tcp://") || !a.Reported || a.ExitCode != 7 {
			t.Errorf("attempt %d is told as %+v", i, a)
		}
	}
	if got, err := inc.Submit(c, 1).Result(ctx); err != nil || got != 2 {
		t.Errorf("afterwards: %d, %v", got, err)
	}
}

func TestScalingKeepsResults(t *testing.T) {
	ctx := within(t, 60*time.Second)
	o := modes["processes"]
	o.NWorkers = new(3)
	c := newClient(t, ctx, o)
	lc := c.Cluster().(*LocalCluster)
	pids := pid.With(Options{Impure: true}).Map(c, repeat(0, 30))
	first, err := Gather(ctx, pids)
	if err != nil {
		t.Fatal(err)
	}
	if err := lc.Scale(1); err != nil {
		t.Fatal(err)
	}
	if err := lc.Settled(ctx); err != nil {
		t.Fatal(err)
	}
	second, err := Gather(ctx, pids)
	if err != nil {
		t.Fatal(err)
	}
	for i := range first {
		if first[i] != second[i] {
			t.Errorf("result %d was made again: %d, then %d", i, first[i], second[i])
		}
	}
	if err := lc.Scale(2); err != nil {
		t.Fatal(err)
	}
	if err := lc.WaitForWorkers(ctx, 2); err != nil {
		t.Fatal(err)
	}
}

// A worker that stops cancels what runs there; the tasks have not failed by
// that, they run again on the next worker.
func TestStoppedWorkersTasksRunAgain(t *testing.T) {
	const n = 8
	ctx := within(t, 60*time.Second)
	o := modes["threads"]
	o.NWorkers, o.ThreadsPerWorker = new(1), new(n)
	c := newClient(t, ctx, o)
	fs := patient.With(Options{Impure: true}).Map(c, make([]int, n))
	for range n {
		select {
		case <-patientRuns:
		case <-ctx.Done():
			t.Fatal("the tasks do not run")
		}
	}
	lc := c.Cluster().(*LocalCluster)
	for _, workers := range []int{0, 1} {
		if err := lc.Scale(workers); err != nil {
			t.Fatal(err)
		}
		if err := lc.Settled(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for range n {
		select {
		case <-patientRuns:
		case <-ctx.Done():
			t.Fatal("not all tasks run again")
		}
	}
	for _, f := range fs {
		if s := f.Status(); s != Pending {
			t.Errorf("a task that runs again is %s", s)
		}
	}
	Cancel(fs...)
}

func TestProcessesNeedMain(t *testing.T) {
	entered.Store(false)
	defer entered.Store(true)
	if _, err := NewLocalCluster(t.Context(), LocalOptions{}); err == nil || !strings.Contains(err.Error(), "gdask.Main") {
		t.Errorf("%v", err)
	}
}

func TestBusyPortIsAClearError(t *testing.T) {
	ctx := within(t, 30*time.Second)
	o := modes["threads"]
	o.Protocol, o.Processes = "tcp", new(false)
	c := newClient(t, ctx, o)
	port := c.SchedulerAddress()[strings.LastIndexByte(c.SchedulerAddress(), ':')+1:]
	_, err := NewClient(ctx, LocalOptions{NWorkers: new(0), Host: "127.0.0.1:" + port, DashboardAddress: "none"})
	if err == nil || !strings.Contains(err.Error(), port) {
		t.Errorf("second cluster on port %s: %v", port, err)
	}
}
