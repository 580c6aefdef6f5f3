package gdask

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"

	"github.com/gdask/gdask/core/client"
)

// errMixed refuses futures of different clients in one call.
var errMixed = errors.New("gdask: futures of different clients in one call; wait for those of each client by themselves")

// cores are the wishes of futures and the one client that they belong to.
func cores[F AnyFuture](fs []F) (*client.Client, []*client.Future, error) {
	var c *client.Client
	out := make([]*client.Future, len(fs))
	for i, f := range fs {
		out[i] = f.core()
		if i == 0 {
			c = out[i].Client()
		} else if out[i].Client() != c {
			return nil, nil, errMixed
		}
	}
	return c, out, nil
}

// Gather waits for the futures and fetches their results, in order. The first
// failure ends it and is returned.
func Gather[R any](ctx context.Context, fs []*Future[R]) ([]R, error) {
	out, err := outcomes(ctx, fs, true)
	if err != nil {
		return nil, err
	}
	rs := make([]R, len(out))
	for i := range out {
		if rs[i], err = decode[R](fs[i].c, fs[i].f.Key(), out[i].Value); err != nil {
			return nil, err
		}
	}
	return rs, nil
}

// GatherSkip is Gather that leaves the failed ones out; only the end of ctx and
// values that cannot be read are errors.
func GatherSkip[R any](ctx context.Context, fs []*Future[R]) ([]R, error) {
	out, err := outcomes(ctx, fs, false)
	if err != nil {
		return nil, err
	}
	var rs []R
	for i := range out {
		if out[i].Err != nil {
			continue
		}
		r, err := decode[R](fs[i].c, fs[i].f.Key(), out[i].Value)
		if err != nil {
			return nil, err
		}
		rs = append(rs, r)
	}
	return rs, nil
}

func outcomes[R any](ctx context.Context, fs []*Future[R], failFast bool) ([]client.Outcome, error) {
	c, all, err := cores(fs)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	defer runtime.KeepAlive(fs)
	return c.Gather(ctx, all, failFast)
}

// Wait blocks until all futures are done: finished or failed. It returns the end
// of ctx, or why futures were cancelled or lost with the scheduler; a task's own
// failure is no error here.
func Wait[F AnyFuture](ctx context.Context, fs ...F) error {
	c, all, err := cores(fs)
	if err != nil || len(all) == 0 {
		return err
	}
	defer runtime.KeepAlive(fs)
	if err := c.Wait(ctx, all, client.All); err != nil {
		return fmt.Errorf("gdask: wait for %d futures: %w", len(fs), err)
	}
	return c.Unusable(all)
}

// WaitFirst blocks until at least one future is done and returns which are and
// which are not.
func WaitFirst[F AnyFuture](ctx context.Context, fs ...F) (done, notDone []F, err error) {
	c, all, err := cores(fs)
	if err != nil || len(all) == 0 {
		return nil, nil, err
	}
	if err := c.Wait(ctx, all, client.First); err != nil {
		return nil, fs, fmt.Errorf("gdask: wait for the first of %d futures: %w", len(fs), err)
	}
	for _, f := range fs {
		if f.Done() {
			done = append(done, f)
		} else {
			notDone = append(notDone, f)
		}
	}
	return done, notDone, nil
}

// AsCompleted yields futures in the order in which they are done. The error is
// that of ctx when it ends before the futures, with no future; the loop is over then.
//
//	for f, err := range gdask.AsCompleted(ctx, futures...) {
func AsCompleted[F AnyFuture](ctx context.Context, fs ...F) iter.Seq2[F, error] {
	return func(yield func(F, error) bool) {
		var none F
		c, all, err := cores(fs)
		if err != nil {
			yield(none, err)
			return
		}
		if len(all) == 0 {
			return
		}
		defer runtime.KeepAlive(fs)
		for i, err := range c.AsCompleted(ctx, all) {
			if err != nil {
				yield(none, fmt.Errorf("gdask: futures as they complete: %w", err))
				return
			}
			if !yield(fs[i], nil) {
				return
			}
		}
	}
}

// Cancel drops the wish for the results of many futures; see [Future.Cancel].
func Cancel[F AnyFuture](fs ...F) { cancelAll(fs, false) }

// CancelForAll cancels the tasks of futures whoever else wants their results: the
// futures of all clients fail with a [*CancelledError].
func CancelForAll[F AnyFuture](fs ...F) { cancelAll(fs, true) }

func cancelAll[F AnyFuture](fs []F, force bool) {
	byClient := map[*client.Client][]*client.Future{}
	for _, f := range fs {
		byClient[f.core().Client()] = append(byClient[f.core().Client()], f.core())
	}
	for c, all := range byClient {
		c.Cancel(all, force, "user", "")
	}
}

// Release gives the results of many futures up.
func Release[F AnyFuture](fs ...F) {
	for _, f := range fs {
		f.Release()
	}
}
