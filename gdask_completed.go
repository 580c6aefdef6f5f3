package gdask

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/gdask/gdask/core/client"
)

// Completed gives futures back in the order in which they are done. Futures may
// be added at any time, also while others are taken:
//
//	done := gdask.NewCompleted(futures...)
//	for f, err := range done.All(ctx) {
//		...
//		done.Add(more)
//	}
type Completed[F AnyFuture] struct {
	mu   sync.Mutex
	core *client.Completed // nil before the first future
	of   *client.Client
	fs   map[int]F
	err  error
}

// NewCompleted starts with some futures, or none.
func NewCompleted[F AnyFuture](fs ...F) *Completed[F] {
	w := &Completed[F]{fs: map[int]F{}}
	w.err = w.Add(fs...)
	return w
}

// Add waits for more futures; all must belong to one client.
func (w *Completed[F]) Add(fs ...F) error {
	c, all, err := cores(fs)
	if err != nil || len(all) == 0 {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.core == nil {
		w.core, w.of = c.NewCompleted(), c
	}
	if w.of != c {
		return errMixed
	}
	first := w.core.Add(all)
	for i, f := range fs {
		w.fs[first+i] = f
	}
	return nil
}

// Len is how many futures are waited for or have not been taken.
func (w *Completed[F]) Len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.fs)
}

// HasReady says whether Next would return at once with a future.
func (w *Completed[F]) HasReady() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.core != nil && w.core.Ready()
}

// Clear forgets all futures.
func (w *Completed[F]) Clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.core != nil {
		w.core.Clear()
	}
	clear(w.fs)
}

// Next waits for the next future that is done. The error is [ErrNoneLeft] or the
// end of ctx.
func (w *Completed[F]) Next(ctx context.Context) (F, error) {
	var none F
	for {
		more, err := w.wait(ctx)
		if err != nil {
			return none, err
		}
		if !more {
			return none, ErrNoneLeft
		}
		if fs := w.take(1); len(fs) > 0 {
			return fs[0], nil
		}
	}
}

// NextBatch waits until a future is done and returns all that are and were not
// taken. None means that none is left.
func (w *Completed[F]) NextBatch(ctx context.Context) ([]F, error) {
	for {
		more, err := w.wait(ctx)
		if err != nil || !more {
			return nil, err
		}
		if fs := w.take(0); len(fs) > 0 {
			return fs, nil
		}
	}
}

// TakeDone returns all futures that are done and were not taken, without waiting:
// none when none is.
func (w *Completed[F]) TakeDone() ([]F, error) { return w.take(0), w.err }

// All yields futures as they are done until none is left. The error is the end
// of ctx, with no future; the loop is over then.
func (w *Completed[F]) All(ctx context.Context) iter.Seq2[F, error] {
	return func(yield func(F, error) bool) {
		for {
			f, err := w.Next(ctx)
			if err == ErrNoneLeft || !yield(f, err) || err != nil { //nolint:errorlint // it is returned as it is
				return
			}
		}
	}
}

// Batches yields what is done in batches until none is left.
func (w *Completed[F]) Batches(ctx context.Context) iter.Seq2[[]F, error] {
	return func(yield func([]F, error) bool) {
		for {
			fs, err := w.NextBatch(ctx)
			if err == nil && len(fs) == 0 || !yield(fs, err) || err != nil {
				return
			}
		}
	}
}

func (w *Completed[F]) wait(ctx context.Context) (bool, error) {
	w.mu.Lock()
	core, err := w.core, w.err
	w.mu.Unlock()
	if err != nil || core == nil {
		return false, err
	}
	more, err := core.Wait(ctx)
	if err != nil {
		return false, fmt.Errorf("gdask: futures as they complete: %w", err)
	}
	return more, nil
}

func (w *Completed[F]) take(limit int) []F {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.core == nil {
		return nil
	}
	var out []F
	for _, i := range w.core.Take(limit) {
		out = append(out, w.fs[i])
		delete(w.fs, i)
	}
	return out
}
