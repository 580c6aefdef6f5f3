package gdask

import (
	"errors"
	"os"
	"testing"
	"time"
)

// TestKilledHolderGivesItsLockOn: the lock of a task whose worker process is
// killed is free as soon as the worker is missed.
func TestKilledHolderGivesItsLockOn(t *testing.T) {
	ctx := within(t, time.Minute)
	c := newClient(t, ctx, LocalOptions{NWorkers: new(1), ThreadsPerWorker: new(1)})
	f := holdLock.Submit(c, "held")
	must(t, NewEvent(c, "held is held").Wait(ctx))
	l := NewLock(c, "held")
	briefly(t, ctx, l.Lock)
	f.Cancel() // or the next worker takes it up again
	p, err := os.FindProcess(c.Cluster().(*LocalCluster).Workers()[0].Pid())
	must(t, err)
	must(t, p.Kill())
	must(t, l.Lock(ctx))
	must(t, l.Unlock(ctx))
	if err := f.Exception(ctx); !errors.As(err, new(*CancelledError)) {
		t.Errorf("the task ended with %v", err)
	}
}
