package scheduler

import (
	"context"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
)

// copyBound is how long replicate and rebalance may take when the caller does
// not say.
const copyBound = 5 * time.Minute

// errands are the machine's errands that requests wait for. The loop owns it.
type errands struct {
	last    int64
	waiting map[int64]chan<- state.ErrandDone
}

// begin starts an errand whose end is sent to done.
func (l *loop) beginErrand(done chan<- state.ErrandDone, event func(id int64) state.Event) {
	l.errands.last++
	l.errands.waiting[l.errands.last] = done
	l.apply(event(l.errands.last))
}

// errandDone tells who waits for it.
func (l *loop) errandDone(d state.ErrandDone) {
	if done := l.errands.waiting[d.ID]; done != nil {
		delete(l.errands.waiting, d.ID)
		done <- d // has room
	}
}

// errand has the machine do something with copies and waits for its end.
func (s *Scheduler) errand(ctx context.Context, event func(id int64) state.Event) (state.ErrandDone, error) {
	all, err := s.errandsOf(ctx, func() []func(int64) state.Event { return []func(int64) state.Event{event} })
	if err != nil {
		return state.ErrandDone{}, err
	}
	return all[0], nil
}

// errandsOf starts all errands in one turn of the loop and waits for them.
func (s *Scheduler) errandsOf(ctx context.Context, plan func() []func(id int64) state.Event) ([]state.ErrandDone, error) {
	var ends []chan state.ErrandDone
	var first int64
	err := s.loop.do(ctx, func() {
		first = s.loop.errands.last + 1
		for _, event := range plan() {
			done := make(chan state.ErrandDone, 1)
			ends = append(ends, done)
			s.loop.beginErrand(done, event)
		}
	})
	if err != nil {
		return nil, err
	}
	out := make([]state.ErrandDone, len(ends))
	for i, done := range ends {
		select {
		case out[i] = <-done:
		case <-ctx.Done():
			s.abandon(first, len(ends))
			return nil, context.Cause(ctx)
		}
	}
	return out, nil
}

// abandon ends errands that nobody waits for any more.
func (s *Scheduler) abandon(first int64, n int) {
	s.loop.post(func() {
		for id := first; id < first+int64(n); id++ {
			if _, open := s.loop.errands.waiting[id]; open {
				s.loop.apply(state.AbandonErrand{ID: id})
				delete(s.loop.errands.waiting, id)
			}
		}
	})
}
