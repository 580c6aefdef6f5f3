package comm

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"time"
)

// DefaultConnectTimeout bounds Dial when its context has no deadline.
const DefaultConnectTimeout = 30 * time.Second

const (
	// firstShare is the part of the time that the first attempt may take: a
	// lost SYN or a slow name server then leaves time for others.
	firstShare = 5
	// backoffBase is the bound of the first pause; it doubles with each.
	backoffBase = 10 * time.Millisecond
	// shortestPause keeps the end of the time from becoming a busy loop.
	shortestPause = time.Millisecond
	// backoffMax keeps a peer that comes up late from waiting long.
	backoffMax = time.Second
)

// Dial connects to "scheme://address" (default scheme when absent) with Dask's
// retry rule: the first attempt gets a fifth of ctx's time, then full-jitter
// back-off from 10 ms doubling, here to a second at most. Without a deadline in
// ctx it takes [DefaultConnectTimeout].
//
// A malformed address and a *FatalError are returned at once, time running out
// as a *DialError.
func (s *Set) Dial(ctx context.Context, address string) (net.Conn, error) {
	t, rest, err := s.Lookup(address)
	if err != nil {
		return nil, err
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultConnectTimeout)
		defer cancel()
	}
	d := dialer{start: time.Now(), full: Join(t.Scheme(), rest)}
	deadline, _ := ctx.Deadline()
	limit := time.Until(deadline) / firstShare
	for {
		conn, err := d.attempt(ctx, t, rest, limit)
		if err == nil {
			return conn, nil
		}
		if fatal(err) {
			return nil, err
		}
		d.note(err)
		limit = time.Until(deadline)
		if !d.pause(ctx, limit) {
			return nil, d.failure(ctx)
		}
	}
}

// dialer is the bookkeeping of one Dial.
type dialer struct {
	start    time.Time
	full     string
	attempts int
	last     error // why there is no connection
}

// note keeps why an attempt failed. The last one is cut short by the end of the
// time: what an earlier one heard, such as a refusal, tells more.
func (d *dialer) note(err error) {
	var n net.Error
	if d.last == nil || !errors.Is(err, context.DeadlineExceeded) && !(errors.As(err, &n) && n.Timeout()) {
		d.last = err
	}
}

func (d *dialer) attempt(ctx context.Context, t Transport, rest string, limit time.Duration) (net.Conn, error) {
	d.attempts++
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return t.Dial(ctx, rest)
}

// pause waits before the next attempt; false when ctx ended.
func (d *dialer) pause(ctx context.Context, left time.Duration) bool {
	bound := min(backoffBase<<min(d.attempts-1, 16), backoffMax, left)
	if ctx.Err() != nil || bound <= 0 {
		return false
	}
	timer := time.NewTimer(max(rand.N(bound), shortestPause))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// failure tells cancellation, which is the caller's own doing, from lack of time.
func (d *dialer) failure(ctx context.Context) error {
	last := d.last
	if errors.Is(ctx.Err(), context.Canceled) {
		last = errors.Join(context.Cause(ctx), last)
	} else if !errors.Is(last, context.DeadlineExceeded) {
		last = &lateError{last}
	}
	return &DialError{Address: d.full, Attempts: d.attempts, Elapsed: time.Since(d.start), Err: last}
}

// lateError reads as the last attempt's error and is also context.DeadlineExceeded.
type lateError struct{ error }

func (e *lateError) Unwrap() []error { return []error{e.error, context.DeadlineExceeded} }

func fatal(err error) bool {
	var f *FatalError
	var a *AddressError
	return errors.As(err, &f) || errors.As(err, &a)
}
