package gdask

import (
	"context"

	"github.com/gdask/gdask/core/client"
)

// Lock is a mutual exclusion of clients and tasks that share it by its name, also
// with Python's Lock. It is fair. Only one holds it at a time: the scheduler gives
// it on when the holder unlocks, closes its client, or is dead or frozen for so
// long that the scheduler gave its session up; the holder's Unlock then fails with
// [ErrNotHeld].
type Lock struct{ s *client.Semaphore }

// NewLock is the lock of a name, "" for a new one.
func NewLock(c *Client, name string) *Lock { return &Lock{c.core.Semaphore(name, 1)} }

// Name is the lock's name.
func (l *Lock) Name() string { return l.s.Name() }

// Lock waits for the lock until ctx ends.
func (l *Lock) Lock(ctx context.Context) error { return l.s.Acquire(ctx) }

// TryLock takes the lock if it is free.
func (l *Lock) TryLock(ctx context.Context) (bool, error) { return l.s.TryAcquire(ctx) }

// Unlock gives the lock back.
func (l *Lock) Unlock(ctx context.Context) error { return l.s.Release(ctx) }

// Locked says whether anybody holds the lock.
func (l *Lock) Locked(ctx context.Context) (bool, error) {
	n, err := l.s.Value(ctx)
	return n > 0, err
}

// Semaphore hands a number of leases out to clients and tasks that share it by
// its name, also with Python's Semaphore. It is fair, and never hands out more
// leases than it has; see [Lock] for when a lease ends.
type Semaphore struct{ s *client.Semaphore }

// NewSemaphore is the semaphore of a name, "" for a new one. All who share it
// must give the same number of leases.
func NewSemaphore(c *Client, name string, leases int) *Semaphore {
	return &Semaphore{c.core.Semaphore(name, leases)}
}

// Name is the semaphore's name.
func (s *Semaphore) Name() string { return s.s.Name() }

// Acquire waits for a lease until ctx ends.
func (s *Semaphore) Acquire(ctx context.Context) error { return s.s.Acquire(ctx) }

// TryAcquire takes a lease if one is free.
func (s *Semaphore) TryAcquire(ctx context.Context) (bool, error) { return s.s.TryAcquire(ctx) }

// Release gives the oldest lease back that was acquired through s.
func (s *Semaphore) Release(ctx context.Context) error { return s.s.Release(ctx) }

// Value is the number of leases that are held by all.
func (s *Semaphore) Value(ctx context.Context) (int, error) { return s.s.Value(ctx) }

// Close ends the semaphore for all, whoever holds leases or waits.
func (s *Semaphore) Close(ctx context.Context) error { return s.s.Close(ctx) }

// MultiLock takes several locks at once, without the danger of a deadlock. They
// are shared by name with other multi-locks, also with Python's MultiLock, but
// not with [Lock].
type MultiLock struct{ m *client.MultiLock }

// NewMultiLock is a lock of all these names together.
func NewMultiLock(c *Client, names ...string) *MultiLock {
	return &MultiLock{c.core.MultiLock(names...)}
}

// Lock waits for all the locks until ctx ends.
func (m *MultiLock) Lock(ctx context.Context) error { return m.m.Lock(ctx, 0) }

// LockAny waits for any n of the locks until ctx ends.
func (m *MultiLock) LockAny(ctx context.Context, n int) error { return m.m.Lock(ctx, n) }

// TryLock takes all the locks if they are free.
func (m *MultiLock) TryLock(ctx context.Context) (bool, error) { return m.m.TryLock(ctx, 0) }

// Unlock gives the locks back.
func (m *MultiLock) Unlock(ctx context.Context) error { return m.m.Unlock(ctx) }
