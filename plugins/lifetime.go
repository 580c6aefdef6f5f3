package plugins

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/gdask/gdask/sdk/worker"
)

// retirement bounds the end of a worker whose time has come: it hands its data on.
const retirement = 2 * time.Minute

// next is the length of one life; r is in [0, 1).
func (l Lifetime) next(r float64) time.Duration {
	return max(0, l.Duration+time.Duration((2*r-1)*float64(l.Stagger)))
}

// live ends a worker when its time has come, and where wanted has another one
// follow, whose time begins then. The goroutine ends with the worker or the host.
func (h *Host) live(w worker.Handle) {
	l := h.set.Lifetime
	if l.Duration <= 0 {
		return
	}
	h.nannies.Go(func() {
		for {
			timer := time.NewTimer(l.next(rand.Float64()))
			select {
			case <-timer.C:
			case <-w.Done():
				timer.Stop()
				return
			case <-h.closing.Done():
				timer.Stop()
				return
			}
			if !h.retire(w, l.Restart) {
				return
			}
		}
	})
}

// retire ends a worker of age and reports whether another one has taken its place.
func (h *Host) retire(w worker.Handle, restart bool) bool {
	ctx, cancel := context.WithTimeout(h.closing, retirement)
	defer cancel()
	h.set.Logger.Info("the worker's lifetime is over", "worker", w.Name(), "restart", restart)
	r, can := w.(worker.Restarts)
	if restart && can {
		if err := r.Restart(ctx, "worker-lifetime-reached"); err != nil {
			if h.closing.Err() != nil {
				return false // the host ends it as all others
			}
			h.set.Logger.Warn("a worker did not start again after its lifetime", "worker", w.Name(), "error", err)
			return !ended(w)
		}
		return true
	}
	if err := w.Stop(ctx, "worker-lifetime-reached"); err != nil && h.closing.Err() == nil {
		h.set.Logger.Warn("a worker did not end well after its lifetime", "worker", w.Name(), "error", err)
	}
	return false
}
