package client

import "context"

// Completed collects futures, all of one client, in the order in which they are
// done; more may be added at any time.
type Completed struct {
	c       *Client
	g       *group
	waiting map[int]*Future // by number
	next    int
}

// NewCompleted returns a collection without futures.
func (c *Client) NewCompleted() *Completed {
	return &Completed{c: c, g: &group{first: true, wake: make(chan struct{}, 1)}, waiting: map[int]*Future{}}
}

// Add enters futures and returns the number of the first; the others follow.
func (w *Completed) Add(fs []*Future) (first int) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	first = w.next
	for _, f := range fs {
		i := w.next
		w.next++
		w.waiting[i] = f
		if s := f.s; s.status.settled() {
			w.g.ready = append(w.g.ready, i)
		} else {
			w.g.left++
			s.nodes = &node{g: w.g, i: i, next: s.nodes}
		}
	}
	if len(w.g.ready) > 0 {
		w.g.alert()
	}
	return first
}

// alert wakes who waits for the group.
func (g *group) alert() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// Count is how many futures were added and not taken.
func (w *Completed) Count() int {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return len(w.waiting)
}

// Ready says whether Take would return at once with something.
func (w *Completed) Ready() bool {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return len(w.g.ready) > 0
}

// Take returns the numbers of at most so many futures that are done (0: all),
// none without waiting when there are none at all.
func (w *Completed) Take(limit int) []int {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	n := len(w.g.ready)
	if limit > 0 {
		n = min(n, limit)
	}
	out := w.g.ready[:n:n]
	w.g.ready = w.g.ready[n:]
	for _, i := range out {
		delete(w.waiting, i)
	}
	if len(w.g.ready) > 0 || len(w.waiting) == 0 { // for who waits beside
		w.g.alert()
	}
	return out
}

// Wait blocks until something is done; false when nothing is left to wait for.
func (w *Completed) Wait(ctx context.Context) (bool, error) {
	for {
		w.c.mu.Lock()
		ready, count := len(w.g.ready), len(w.waiting)
		if count == 0 {
			w.g.alert() // nothing is left for who waits beside, either
		}
		w.c.mu.Unlock()
		if ready > 0 || count == 0 {
			return ready > 0, nil
		}
		select {
		case <-w.g.wake:
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

// Clear forgets all futures.
func (w *Completed) Clear() {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	fs := make([]*Future, 0, len(w.waiting))
	for _, f := range w.waiting {
		fs = append(fs, f)
	}
	w.c.unwatch(fs, w.g)
	w.g.left, w.g.ready = 0, nil
	clear(w.waiting)
	w.g.alert() // nothing is left for who waits
}
