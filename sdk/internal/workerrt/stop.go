package workerrt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// Drain hands the worker's data and tasks on and ends it; ctx bounds that. What
// could not be handed on in time is an error, but the worker has ended.
func (w *Worker) Drain(ctx context.Context) error {
	err := w.retire(ctx)
	return errors.Join(err, w.leave(ctx, nil))
}

// Stop ends the worker within ctx's time. What only it holds is handed on
// first, for at most half of that time. Safe twice.
func (w *Worker) Stop(ctx context.Context, reason string) error {
	w.logs.Info("stopping", "reason", reason)
	if w.holdsSomething() {
		half, cancel := halfOf(ctx)
		if err := w.retire(half); err != nil {
			w.logs.Warn("not everything was handed on", "error", err)
		}
		cancel()
	}
	return w.leave(ctx, nil)
}

// halfOf is ctx with half of the time that is left, at most retirePatience.
func halfOf(ctx context.Context) (context.Context, context.CancelFunc) {
	d := retirePatience
	if at, ok := ctx.Deadline(); ok {
		d = min(d, time.Until(at)/2)
	}
	return context.WithTimeout(ctx, d)
}

func (w *Worker) holdsSomething() bool {
	s := w.stats.Load()
	return s.Tasks > 0 && w.stream.Load() != nil
}

// retire asks the scheduler, once, to have others take over; who comes later waits
// for the answer to the first as long as the own ctx allows.
func (w *Worker) retire(ctx context.Context) error {
	w.mu.Lock()
	first := w.retiring == nil
	if first {
		w.retiring = make(chan struct{})
	}
	w.mu.Unlock()
	if first {
		w.retired = w.handOn(ctx)
		close(w.retiring)
	}
	if !happened(ctx, w.retiring) {
		return fmt.Errorf("worker %s: retire: %w", w.address, context.Cause(ctx))
	}
	return w.retired
}

// happened waits for what a channel tells as long as ctx allows. What has
// happened counts even when ctx has ended as well.
func happened(ctx context.Context, what <-chan struct{}) bool {
	select {
	case <-what:
		return true
	case <-ctx.Done():
	}
	select {
	case <-what:
		return true
	default:
		return false
	}
}

func (w *Worker) handOn(ctx context.Context) error {
	if w.stream.Load() == nil || w.left() {
		return nil
	}
	w.setStatus("closing_gracefully")
	m, err := retireRequest(ctx, w.address)
	if err == nil {
		err = w.pool.Call(ctx, w.set.Scheduler, m, nil)
	}
	if err != nil && !w.left() {
		return fmt.Errorf("worker %s: retire: %w", w.address, err)
	}
	return nil
}

// left says that the worker has left, and why calls of its pool end.
func (w *Worker) left() bool { return w.ctx.Err() != nil }

// retireRequest is the operation with a bound for the scheduler a little below
// our own.
func retireRequest(ctx context.Context, address string) (wire.Msg, error) {
	seconds := retirePatience.Seconds()
	if at, ok := ctx.Deadline(); ok {
		seconds = 0.9 * time.Until(at).Seconds()
	}
	o, err := wire.OpaqueOf(map[string]any{
		"op": "retire_workers", "workers": []any{address}, "close_workers": false, "remove": false,
		"timeout": fmt.Sprintf("%.3f s", seconds), "stimulus_id": "worker-retire",
	})
	return &wire.UnknownMsg{Name: "retire_workers", Map: o}, err
}

// leaveSoon ends the worker from one of its own goroutines.
func (w *Worker) leaveSoon(why error) {
	w.setStatus("closing") // at once: the end of the connection may be the next to be seen
	go func() {            // waits for all goroutines of the worker, so it can be none of them
		ctx, cancel := context.WithTimeout(context.Background(), 2*farewellPatience)
		defer cancel()
		_ = w.leave(ctx, why) // Err says why
	}()
}

// leave ends the worker: running tasks are cancelled, the scheduler is told, and
// all that the worker opened is closed. It returns when that is done or ctx ends.
func (w *Worker) leave(ctx context.Context, why error) error {
	w.stop.Do(func() {
		w.setStatus("closing")
		w.logs.Info("leaving", "why", why)
		go w.close(why)
	})
	if !happened(ctx, w.ended) {
		return fmt.Errorf("worker %s: stop: tasks that ignore their context still run: %w", w.address, context.Cause(ctx))
	}
	return nil
}

// close does the work of leave, in order.
func (w *Worker) close(why error) {
	slots := w.exec.close(context.Canceled)
	w.removePlugins()
	if st := w.stream.Load(); st != nil {
		ctx, cancel := context.WithTimeout(context.Background(), farewellPatience)
		_ = st.Close(ctx, true) // the scheduler may be gone
		cancel()
	}
	w.cancel(errStopping)
	_ = w.ln.Close() // nothing more comes
	w.hangUp()
	w.closeConns()
	_ = w.pool.Close()
	w.web.close()
	<-slots
	w.wg.Wait()
	w.actors.close()
	w.set.Process.leave(w)
	w.err = errors.Join(why, w.dir.close())
	w.setStatus("closed")
	close(w.ended)
}

// abandon undoes a start that failed.
func (w *Worker) abandon(why error) {
	w.cancel(why)
	if w.ln != nil {
		_ = w.ln.Close() // nobody knows the address yet
	}
	w.closeConns()
	_ = w.pool.Close()
	w.web.close()
	w.wg.Wait()
	if w.dir != nil {
		_ = w.dir.close() // the first error counts
	}
}
