package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// ErrNotHeld is what releasing a lock, semaphore or multi-lock fails with that is
// not held: it was released before, or the scheduler took its holder for dead.
var ErrNotHeld = errors.New("client: not held")

// giveBackBound bounds the release of what was granted to a caller that left.
const giveBackBound = 10 * time.Second

// Semaphore hands out a number of leases to clients that share it by its name.
// One value may be used by many goroutines.
type Semaphore struct {
	c      *Client
	name   string
	max    int
	saying turn // of the registration

	mu         sync.Mutex
	registered bool
	leases     []string // oldest first
}

// Semaphore is the semaphore of a name, "" for a new one, with limit leases.
func (c *Client) Semaphore(name string, limit int) *Semaphore {
	return &Semaphore{c: c, name: nameOr("semaphore", name), max: limit, saying: newTurn()}
}

// Name is the semaphore's name.
func (s *Semaphore) Name() string { return s.name }

func (s *Semaphore) register(ctx context.Context) error {
	if err := s.saying.take(ctx); err != nil {
		return err
	}
	defer s.saying.give()
	s.mu.Lock()
	registered := s.registered
	s.mu.Unlock()
	if registered {
		return nil
	}
	// How soon the leases of Python clients end is the scheduler's to say.
	_, err := s.c.coordinate(ctx, "semaphore_register", false, "name", s.name, "max_leases", s.max)
	s.mu.Lock()
	s.registered = err == nil
	s.mu.Unlock()
	return err
}

// Acquire waits for a lease.
func (s *Semaphore) Acquire(ctx context.Context) error {
	ok, err := s.acquire(ctx, true)
	if err == nil && !ok {
		err = outOfTime(ctx, "no lease of "+s.name)
	}
	return err
}

// TryAcquire takes a lease if one is free.
func (s *Semaphore) TryAcquire(ctx context.Context) (bool, error) { return s.acquire(ctx, false) }

func (s *Semaphore) acquire(ctx context.Context, wait bool) (bool, error) {
	if err := s.register(ctx); err != nil {
		return false, err
	}
	lease := randomName("lease")
	fields := []any{"name", s.name, "lease_id", lease}
	if !wait {
		fields = append(fields, "timeout", 0)
	}
	ok, err := s.c.granted(ctx, "semaphore_acquire", wait, fields...)
	if err != nil {
		s.c.giveBack(ctx, "semaphore_release", "name", s.name, "lease_id", lease)
		return false, err
	}
	if ok {
		s.mu.Lock()
		s.leases = append(s.leases, lease)
		s.mu.Unlock()
	}
	return ok, nil
}

// giveBack releases what may have been granted while its caller left. Mostly it
// was not; it is tried again in case that the release has overtaken the request.
func (c *Client) giveBack(ctx context.Context, op string, fields ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return // the end of the session releases everything
	}
	c.wg.Go(func() {
		bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackBound)
		defer cancel()
		defer c.atEnd(cancel)()
		for pause := 50 * time.Millisecond; pause <= time.Second; pause *= 4 {
			if _, err := c.coordinate(bound, op, false, fields...); err == nil || sleep(bound, pause) != nil {
				return
			}
		}
	})
}

// atEnd calls f at the client's end unless it is stopped before.
func (c *Client) atEnd(f func()) (stop func() bool) { return context.AfterFunc(c.ctx, f) }

// Release gives the oldest lease of this value back.
func (s *Semaphore) Release(ctx context.Context) error {
	s.mu.Lock()
	if len(s.leases) == 0 {
		s.mu.Unlock()
		return fmt.Errorf("%w: %s has no lease here; release as often as acquire succeeded", ErrNotHeld, s.name)
	}
	lease := s.leases[0]
	s.leases = s.leases[1:]
	s.mu.Unlock()
	return s.c.release(ctx, "semaphore_release", "name", s.name, "lease_id", lease)
}

// release gives something back. A refusal means that it was not held; when the
// scheduler was not reached in ctx's time, mostly the end of what needed the lock, it
// is tried again without the caller.
func (c *Client) release(ctx context.Context, op string, fields ...any) error {
	_, err := c.coordinate(ctx, op, false, fields...)
	if err == nil {
		return nil
	}
	if _, refused := errors.AsType[*wire.RemoteError](err); refused {
		return fmt.Errorf("%w: %w", ErrNotHeld, err)
	}
	c.giveBack(ctx, op, fields...)
	return fmt.Errorf("client: %s has no answer yet; it is tried again for up to %v: %w", op, giveBackBound, err)
}

// Value is the number of leases that are held by all.
func (s *Semaphore) Value(ctx context.Context) (int, error) {
	return s.c.number(ctx, "semaphore_value", "name", s.name)
}

// Close ends the semaphore for all, whoever holds leases.
func (s *Semaphore) Close(ctx context.Context) error {
	_, err := s.c.coordinate(ctx, "semaphore_close", false, "name", s.name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leases, s.registered = nil, false
	return err
}

// MultiLock takes several locks at once, without deadlock.
type MultiLock struct {
	c     *Client
	names []string

	mu  sync.Mutex
	ids []string // oldest first
}

// MultiLock is a lock of all these names together.
func (c *Client) MultiLock(names ...string) *MultiLock { return &MultiLock{c: c, names: names} }

// Lock waits for n of the locks; 0 means all.
func (m *MultiLock) Lock(ctx context.Context, n int) error {
	ok, err := m.lock(ctx, n, true)
	if err == nil && !ok {
		err = outOfTime(ctx, fmt.Sprintf("locks %q were not free", m.names))
	}
	return err
}

// TryLock takes n of the locks, 0 for all, if they are free.
func (m *MultiLock) TryLock(ctx context.Context, n int) (bool, error) { return m.lock(ctx, n, false) }

func (m *MultiLock) lock(ctx context.Context, n int, wait bool) (bool, error) {
	if n == 0 {
		n = len(m.names)
	}
	id := randomName("multi-lock")
	fields := []any{"locks", m.names, "id", id, "num_locks", n}
	if !wait {
		fields = append(fields, "timeout", 0)
	}
	ok, err := m.c.granted(ctx, "multi_lock_acquire", wait, fields...)
	if err != nil {
		m.c.giveBack(ctx, "multi_lock_release", "id", id)
		return false, err
	}
	if ok {
		m.mu.Lock()
		m.ids = append(m.ids, id)
		m.mu.Unlock()
	}
	return ok, nil
}

// Unlock gives the locks of the oldest Lock back.
func (m *MultiLock) Unlock(ctx context.Context) error {
	m.mu.Lock()
	if len(m.ids) == 0 {
		m.mu.Unlock()
		return fmt.Errorf("%w: locks %q; unlock as often as lock succeeded", ErrNotHeld, m.names)
	}
	id := m.ids[0]
	m.ids = m.ids[1:]
	m.mu.Unlock()
	return m.c.release(ctx, "multi_lock_release", "id", id)
}
