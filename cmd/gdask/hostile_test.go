//go:build unix

package main

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/gdask/gdask"
)

// linger is a task of the tests that takes its time.
var linger = gdask.Func[int]("cmdtest.linger", func(ctx context.Context, n int) (int, error) {
	select {
	case <-time.After(20 * time.Millisecond):
		return n, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
})

// busyCluster is a cluster command in a process of its own, with a job under way.
func busyCluster(t *testing.T, ctx context.Context) (*child, []int, []*gdask.Future[int]) {
	t.Helper()
	c := spawn(t, "--n-workers=2", "--threads-per-worker=1", "--dashboard-address=none", "--memory-limit=0")
	address := c.out.await(t, "Scheduler at:", c.done)
	c.out.await(t, "Interrupt (Ctrl-C)", c.done)
	client, err := gdask.NewClient(ctx, address, gdask.ClientOptions{NotDefault: true, Grace: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() }) // its scheduler may be gone
	xs := make([]int, 100)
	for i := range xs {
		xs[i] = i
	}
	fs := linger.Map(client, xs)
	if _, _, err := gdask.WaitFirst(ctx, fs...); err != nil {
		t.Fatal(err)
	}
	workers := pids(t, c.out.String())
	if len(workers) != 2 {
		t.Fatalf("%v in\n%s", workers, c.out)
	}
	return c, workers, fs
}

// TestKilledClusterLeavesNothing: after kill -9 of the command the client has a
// typed error, and the worker processes end.
func TestKilledClusterLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, workers, fs := busyCluster(t, ctx)
	c.signal(t, syscall.SIGKILL)
	var lost *gdask.ConnectionError
	if _, err := gdask.Gather(ctx, fs); !errors.As(err, &lost) {
		t.Errorf("the job ends with %v", err)
	}
	for _, pid := range workers {
		for syscall.Kill(pid, 0) == nil {
			select {
			case <-ctx.Done():
				t.Fatalf("the worker process %d lives on", pid)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

// TestStoppedClusterGoesOn: the command is stopped for a while in the middle of
// a job, then goes on, and the job ends right.
func TestStoppedClusterGoesOn(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, _, fs := busyCluster(t, ctx)
	c.signal(t, syscall.SIGSTOP)
	<-time.After(time.Second)
	c.signal(t, syscall.SIGCONT)
	got, err := gdask.Gather(ctx, fs)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range got {
		if x != i {
			t.Fatalf("result %d is %d", i, x)
		}
	}
	c.signal(t, syscall.SIGINT)
	c.ends(t, exitOK)
}

// TestKilledWorkersWhileBusy: both worker processes are killed in the middle of
// a job; it ends right, and nothing is left behind.
func TestKilledWorkersWhileBusy(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, workers, fs := busyCluster(t, ctx)
	for _, pid := range workers {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := gdask.Gather(ctx, fs); err != nil {
		t.Fatal(err)
	}
	c.signal(t, syscall.SIGINT)
	c.ends(t, exitOK)
}
