package suite

import (
	"context"
	"fmt"
	"sync"
)

// record is what a peer has said so far, in order. Readers wait for what they
// look for, whether it came already or not.
type record[E any] struct {
	mu      sync.Mutex
	all     []E
	changed chan struct{}
	over    bool
}

func newRecord[E any]() *record[E] { return &record[E]{changed: make(chan struct{})} }

func (r *record[E]) add(e E) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, e)
	close(r.changed)
	r.changed = make(chan struct{})
}

// end says that nothing more comes.
func (r *record[E]) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.over = true
		close(r.changed)
		r.changed = make(chan struct{})
	}
}

// find returns the first entry that matches; what says what is looked for.
func (r *record[E]) find(ctx context.Context, what string, match func(E) bool) (E, error) {
	ctx, cancel := within(ctx, what)
	defer cancel()
	for seen := 0; ; {
		r.mu.Lock()
		fresh, changed, over := r.all[seen:], r.changed, r.over
		seen = len(r.all)
		r.mu.Unlock()
		for _, e := range fresh {
			if match(e) {
				return e, nil
			}
		}
		var none E
		if over {
			return none, fmt.Errorf("%s: it has not come, and nothing more will", what)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return none, context.Cause(ctx)
		}
	}
}
