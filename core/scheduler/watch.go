package scheduler

import (
	"sync"

	"github.com/gdask/gdask/sdk/wire"
)

// statusWatcher is a cluster manager that hears of workers that come and go.
type statusWatcher struct {
	mu      sync.Mutex
	pending []any
	wake    chan struct{}
	ended   bool
}

// maxWatchBacklog is how many changes may wait for a watcher before it is dropped.
const maxWatchBacklog = 100_000

func newStatusWatcher() *statusWatcher { return &statusWatcher{wake: make(chan struct{}, 1)} }

func (w *statusWatcher) added(p *workerPeer) {
	w.put([]any{"add", object{{"workers", object{{p.address, p.identity().without("metrics", "last_seen")}}}}})
}

func (w *statusWatcher) removed(address string) { w.put([]any{"remove", address}) }

func (w *statusWatcher) put(change any) {
	w.mu.Lock()
	w.pending = append(w.pending, change)
	if len(w.pending) > maxWatchBacklog {
		w.ended, w.pending = true, nil
	}
	w.mu.Unlock()
	w.signal()
}

func (w *statusWatcher) close() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.signal()
}

func (w *statusWatcher) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// take returns what is to be sent, and whether the watcher goes on.
func (w *statusWatcher) take() ([]any, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	changes := w.pending
	w.pending = nil
	return changes, !w.ended
}

// serveStatusWatcher answers with the identity and then sends lists of changes
// until the watcher leaves.
func (s *Scheduler) serveStatusWatcher(c *wire.Conn) {
	w := newStatusWatcher()
	var ident object
	err := s.loop.do(s.ctx, func() {
		ident = s.loop.identity(-1)
		s.loop.watch[w] = struct{}{}
	})
	if err != nil {
		return
	}
	defer s.loop.post(func() { delete(s.loop.watch, w) })
	if c.SendValue(&tree{withoutFigures(ident)}) != nil {
		return
	}
	s.wg.Go(func() { // notices that the watcher leaves
		for {
			if _, err := c.Recv(); err != nil {
				w.close()
				return
			}
		}
	})
	for range w.wake {
		changes, on := w.take()
		if len(changes) > 0 && c.SendValue(&tree{changes}) != nil || !on {
			return
		}
	}
}

// withoutFigures leaves out what changes all the time.
func withoutFigures(ident object) object {
	workers, _ := ident.get("workers").(object)
	plain := make(object, len(workers))
	for i, w := range workers {
		o, _ := w.value.(object)
		plain[i] = field{w.name, o.without("metrics", "last_seen")}
	}
	return append(ident.without("workers"), field{"workers", plain})
}
