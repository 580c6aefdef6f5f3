package client

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

func ended(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// The context that ends is often the reason of a release: the lease must not be
// held for as long as the session because of that.
func TestReleaseWithAContextThatHasEnded(t *testing.T) {
	f := newFake(t)
	c, _ := f.dial(Settings{})
	s := c.Semaphore("s", 1)
	acquired := make(chan error, 1)
	go func() { acquired <- s.Acquire(t.Context()) }()
	f.asked("semaphore_register").answer <- wire.Opaque{Raw: []byte{0xc0}}
	f.asked("semaphore_acquire").answer <- wire.Opaque{Raw: []byte{0xc3}}
	if err := <-acquired; err != nil {
		t.Fatal(err)
	}
	if err := s.Release(ended(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	f.asked("semaphore_release").answer <- wire.Opaque{Raw: []byte{0xc0}}
	if err := s.Release(t.Context()); !errors.Is(err, ErrNotHeld) {
		t.Errorf("released twice: %v", err)
	}
}

// While one waits for a scheduler that does not answer, the others' contexts count.
func TestOthersDoNotWaitForARegistration(t *testing.T) {
	f := newFake(t)
	c, _ := f.dial(Settings{})
	s, q := c.Semaphore("s", 1), c.Queue("q", 0)
	failed := make(chan error, 2)
	go func() { failed <- s.Acquire(t.Context()) }()
	register := f.asked("semaphore_register")
	go func() { failed <- q.Put(t.Context(), Entry{Value: number(1)}) }()
	create := f.asked("queue_create")
	if _, err := s.TryAcquire(ended(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("acquire beside: %v", err)
	}
	if err := s.Release(ended(t)); !errors.Is(err, ErrNotHeld) {
		t.Errorf("release beside: %v", err)
	}
	if _, err := q.Get(ended(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("get beside: %v", err)
	}
	register.answer <- wire.FailureOf(errors.New("no"))
	create.answer <- wire.FailureOf(errors.New("no"))
	for range 2 {
		if err := <-failed; err == nil {
			t.Error("nothing failed")
		}
	}
}

// A queue that is closed while it is created is given up all the same.
func TestCloseOfAQueueThatIsBeingCreated(t *testing.T) {
	f := newFake(t)
	c, stream := f.dial(Settings{})
	q := c.Queue("q", 0)
	put := make(chan error, 1)
	go func() { put <- q.Put(t.Context(), Entry{Value: number(1)}) }()
	create := f.asked("queue_create")
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	create.answer <- wire.Opaque{Raw: []byte{0xc0}}
	if err := <-put; !errors.Is(err, errQueueClosed) {
		t.Errorf("got %v", err)
	}
	if m := heard[wire.Msg](t, stream); m.Op() != "queue_release" {
		t.Errorf("heard %s", m.Op())
	}
}

// All who wait hear of the end, not only one of them.
func TestAllWaitersHearOfTheEnd(t *testing.T) {
	for name, end := range map[string]func(c *Client, s *Subscription){
		"subscription closed": func(_ *Client, s *Subscription) { s.Close() },
		"client closed":       func(c *Client, _ *Subscription) { _ = c.Close(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			c, _ := f.dial(Settings{})
			s, err := c.Subscribe("x")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			got := make(chan error, 3)
			for range cap(got) {
				go func() { _, err := s.Next(ctx); got <- err }()
			}
			end(c, s)
			for range cap(got) {
				if err := <-got; !errors.Is(err, ErrUnsubscribed) && !errors.Is(err, ErrClosed) {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}

// Who waits for futures as they complete beside others hears when none is left.
func TestAllWaitersHearThatNoneIsLeft(t *testing.T) {
	f := newFake(t)
	c, stream := f.dial(Settings{})
	fs := c.Desire([]wire.Key{wire.StrKey("a")})
	w := c.NewCompleted()
	w.Add(refs(fs))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	got := make(chan int, 3)
	for range cap(got) {
		go func() {
			n := 0
			for {
				more, err := w.Wait(ctx)
				if err != nil {
					n = -1
				}
				if !more || err != nil {
					got <- n
					return
				}
				n += len(w.Take(1))
			}
		}()
	}
	stream.tell(t, f.inMemory("a"))
	sum := 0
	for range cap(got) {
		n := <-got
		if n < 0 {
			t.Fatal("one waits for nothing")
		}
		sum += n
	}
	if sum != 1 {
		t.Errorf("%d futures were taken, want 1", sum)
	}
}

// A connection that ends before the answer must not put the item twice.
func TestPutIsNotRepeated(t *testing.T) {
	f := newFake(t)
	c, _ := f.dial(Settings{})
	q := c.Queue("q", 0)
	put := make(chan error, 1)
	go func() { put <- q.Put(t.Context(), Entry{Value: number(1)}) }()
	f.asked("queue_create").answer <- wire.Opaque{Raw: []byte{0xc0}} // the connection is kept
	cut := f.asked("queue_put")
	f.mu.Lock()
	for _, nc := range f.conns {
		_ = nc.Close()
	}
	f.mu.Unlock()
	if err := <-put; err == nil {
		t.Error("the put did not fail")
	}
	if n := len(f.calls); n > 0 {
		t.Errorf("%d more requests were made", n)
	}
	close(cut.answer)
}
