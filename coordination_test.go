package gdask

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"
)

// Functions of tasks that coordinate.
var (
	countUnder = Func[int]("countUnder", func(ctx context.Context, lock, path string) (int, error) {
		c, err := TaskClient(ctx)
		if err != nil {
			return 0, err
		}
		defer func() { _ = c.Close() }()
		l := NewLock(c, lock)
		if err := l.Lock(ctx); err != nil {
			return 0, err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		n, _ := strconv.Atoi(string(b))
		if err := os.WriteFile(path, []byte(strconv.Itoa(n+1)), 0o600); err != nil {
			return 0, err
		}
		return n + 1, l.Unlock(ctx)
	})
	passOn = Func[int]("passOn", func(ctx context.Context, from, to string) (int, error) {
		c, err := TaskClient(ctx)
		if err != nil {
			return 0, err
		}
		defer func() { _ = c.Close() }()
		v, err := NewQueue[int](c, from, 0).Get(ctx)
		if err != nil {
			return 0, err
		}
		return v, NewQueue[int](c, to, 0).Put(ctx, v+1)
	})
	holdLock = Func[bool]("holdLock", func(ctx context.Context, lock string) (bool, error) {
		c, err := TaskClient(ctx)
		if err != nil {
			return false, err
		}
		if err := NewLock(c, lock).Lock(ctx); err != nil {
			return false, err
		}
		if err := NewEvent(c, lock+" is held").Set(ctx); err != nil {
			return false, err
		}
		<-ctx.Done()
		return false, ctx.Err()
	})
)

func TestCoordination(t *testing.T) {
	for name, o := range modes {
		t.Run(name, func(t *testing.T) {
			ctx := within(t, 120*time.Second)
			c := newClient(t, ctx, o)
			t.Run("queue", func(t *testing.T) { queueOfValues(t, ctx, c) })
			t.Run("queue of futures", func(t *testing.T) { queueOfFutures(t, ctx, c) })
			t.Run("queue in tasks", func(t *testing.T) { queueInTasks(t, ctx, c) })
			t.Run("variable", func(t *testing.T) { sharedVariable(t, ctx, c) })
			t.Run("event", func(t *testing.T) { sharedEvent(t, ctx, c) })
			t.Run("lock", func(t *testing.T) { sharedLock(t, ctx, c) })
			t.Run("lock in tasks", func(t *testing.T) { lockInTasks(t, ctx, c) })
			t.Run("semaphore", func(t *testing.T) { sharedSemaphore(t, ctx, c) })
			t.Run("multi-lock", func(t *testing.T) { sharedMultiLock(t, ctx, c) })
		})
	}
}

// briefly is a wait that must not succeed.
func briefly(t *testing.T, ctx context.Context, wait func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the end of the time", err)
	}
	gone, leave := context.WithCancel(context.WithoutCancel(ctx))
	leave()
	if err := wait(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the cancellation", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type spot struct {
	X, Y int
	Tags []string
}

func queueOfValues(t *testing.T, ctx context.Context, c *Client) {
	q := NewQueue[spot](c, "", 2)
	a, b := spot{1, 2, []string{"a"}}, spot{X: 3}
	must(t, q.Put(ctx, a))
	must(t, q.Put(ctx, b))
	briefly(t, ctx, func(ctx context.Context) error { return q.Put(ctx, a) })
	if n, err := q.Len(ctx); n != 2 || err != nil {
		t.Errorf("%d items, %v", n, err)
	}
	got, err := NewQueue[spot](c, q.Name(), 0).Get(ctx)
	if err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("got %v, %v", got, err)
	}
	all, err := q.GetBatch(ctx, 0)
	if err != nil || len(all) != 1 || all[0].X != 3 {
		t.Errorf("got %v, %v", all, err)
	}
	briefly(t, ctx, func(ctx context.Context) error { _, err := q.Get(ctx); return err })
	lists := NewQueue[any](c, "", 0)
	must(t, lists.Put(ctx, []any{1, "two", []any{3.5}}))
	if v, err := lists.Get(ctx); err != nil || !reflect.DeepEqual(v, []any{1, "two", []any{3.5}}) {
		t.Errorf("a list came back as %#v, %v", v, err)
	}
	big := NewQueue[[]byte](c, "", 0)
	must(t, big.Put(ctx, make([]byte, 1<<20)))
	if v, err := big.Get(ctx); err != nil || len(v) != 1<<20 {
		t.Errorf("%d bytes, %v", len(v), err)
	}
	must(t, q.Close())
	must(t, q.Close())
	if err := q.Put(ctx, a); err == nil {
		t.Error("a closed queue takes items")
	}
}

func queueOfFutures(t *testing.T, ctx context.Context, c *Client) {
	q := NewQueue[*Future[int]](c, "", 0)
	f := add.Submit(c, 20, 22)
	must(t, q.Put(ctx, f))
	f.Release()
	got, err := q.Get(ctx)
	must(t, err)
	if v, err := got.Result(ctx); v != 42 || err != nil {
		t.Errorf("got %d, %v", v, err)
	}
	values := NewQueue[int](c, "", 0)
	must(t, values.PutFuture(ctx, got))
	got.Release()
	if v, err := values.Get(ctx); v != 42 || err != nil {
		t.Errorf("got %d, %v", v, err)
	}
	must(t, NewQueue[int](c, q.Name(), 0).Put(ctx, 1))
	if _, err := q.Get(ctx); err == nil {
		t.Error("a value was taken for a future")
	}
	var none *Future[int]
	if err := q.Put(ctx, none); err == nil {
		t.Error("a nil future is no error")
	}
}

func queueInTasks(t *testing.T, ctx context.Context, c *Client) {
	in, out := NewQueue[int](c, "", 0), NewQueue[int](c, "", 0)
	f := passOn.Submit(c, in.Name(), out.Name())
	must(t, in.Put(ctx, 5))
	if v, err := out.Get(ctx); v != 6 || err != nil {
		t.Errorf("got %d, %v (%v)", v, err, f.Exception(ctx))
	}
}

func sharedVariable(t *testing.T, ctx context.Context, c *Client) {
	v := NewVariable[string](c, "")
	briefly(t, ctx, func(ctx context.Context) error { _, err := v.Get(ctx); return err })
	must(t, v.Set(ctx, "x"))
	if got, err := v.Get(ctx); got != "x" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	n := NewVariable[int](c, v.Name())
	f := add.Submit(c, 1, 2)
	must(t, n.SetFuture(ctx, f))
	f.Release()
	for range 2 {
		if got, err := n.Get(ctx); got != 3 || err != nil {
			t.Errorf("got %d, %v", got, err)
		}
	}
	g, err := NewVariable[*Future[int]](c, v.Name()).Get(ctx)
	must(t, err)
	must(t, v.Delete())
	if got, err := g.Result(ctx); got != 3 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
}

func sharedEvent(t *testing.T, ctx context.Context, c *Client) {
	e, same := NewEvent(c, "e"), NewEvent(c, "e")
	briefly(t, ctx, e.Wait)
	done := make(chan error, 1)
	go func() { done <- same.Wait(ctx) }()
	must(t, e.Set(ctx))
	must(t, <-done)
	if set, err := same.IsSet(ctx); !set || err != nil {
		t.Errorf("set: %v, %v", set, err)
	}
	must(t, same.Clear(ctx))
	if set, err := e.IsSet(ctx); set || err != nil {
		t.Errorf("set: %v, %v", set, err)
	}
}

func sharedLock(t *testing.T, ctx context.Context, c *Client) {
	l, same := NewLock(c, "l"), NewLock(c, "l")
	must(t, l.Lock(ctx))
	if ok, err := same.TryLock(ctx); ok || err != nil {
		t.Errorf("locked twice: %v, %v", ok, err)
	}
	briefly(t, ctx, same.Lock)
	if held, err := same.Locked(ctx); !held || err != nil {
		t.Errorf("held %v, %v", held, err)
	}
	must(t, l.Unlock(ctx))
	if err := l.Unlock(ctx); !errors.Is(err, ErrNotHeld) {
		t.Errorf("second unlock: %v", err)
	}
	other, err := NewClient(ctx, c.SchedulerAddress(), ClientOptions{NotDefault: true})
	must(t, err)
	must(t, NewLock(other, "l").Lock(ctx))
	must(t, other.Close()) // with the lock
	must(t, same.Lock(ctx))
	must(t, same.Unlock(ctx))
}

func lockInTasks(t *testing.T, ctx context.Context, c *Client) {
	path := filepath.Join(t.TempDir(), "n")
	must(t, os.WriteFile(path, []byte("0"), 0o600))
	fs := make([]*Future[int], 20)
	for i := range fs {
		fs[i] = countUnder.With(Options{Impure: true}).Submit(c, "counter "+path, path)
	}
	if _, err := Gather(ctx, fs); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); string(b) != "20" || err != nil {
		t.Errorf("counted %s, %v", b, err)
	}
}

func sharedSemaphore(t *testing.T, ctx context.Context, c *Client) {
	s := NewSemaphore(c, "s", 2)
	must(t, s.Acquire(ctx))
	must(t, s.Acquire(ctx))
	briefly(t, ctx, s.Acquire)
	if n, err := s.Value(ctx); n != 2 || err != nil {
		t.Errorf("%d leases, %v", n, err)
	}
	if err := NewSemaphore(c, "s", 3).Acquire(ctx); err == nil {
		t.Error("another number of leases is no error")
	}
	must(t, s.Release(ctx))
	if ok, err := s.TryAcquire(ctx); !ok || err != nil {
		t.Errorf("a free lease: %v, %v", ok, err)
	}
	must(t, s.Close(ctx))
	if err := s.Release(ctx); !errors.Is(err, ErrNotHeld) {
		t.Errorf("release after close: %v", err)
	}
	for _, n := range []int{0, -1} {
		if err := NewSemaphore(c, fmt.Sprint("s", n), n).Acquire(ctx); err == nil {
			t.Errorf("%d leases are no error", n)
		}
	}
}

func sharedMultiLock(t *testing.T, ctx context.Context, c *Client) {
	a, b := NewMultiLock(c, "x", "y"), NewMultiLock(c, "y", "z")
	must(t, a.Lock(ctx))
	briefly(t, ctx, b.Lock)
	if ok, err := b.TryLock(ctx); ok || err != nil {
		t.Errorf("locked twice: %v, %v", ok, err)
	}
	must(t, b.LockAny(ctx, 1))
	must(t, a.Unlock(ctx))
	must(t, b.Unlock(ctx))
	if err := b.Unlock(ctx); !errors.Is(err, ErrNotHeld) {
		t.Errorf("second unlock: %v", err)
	}
	if err := NewMultiLock(c).Lock(ctx); err == nil {
		t.Error("no locks are no error")
	}
}
