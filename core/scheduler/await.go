package scheduler

import "context"

// AwaitReady returns when the scheduler has heard of each of these workers that
// it is ready, or knows it no more; ctx bounds it. A worker has joined a moment
// before it says so, and neither gets tasks nor takes over data until then.
func (s *Scheduler) AwaitReady(ctx context.Context, addresses ...string) error {
	for {
		ready := true
		var changed <-chan struct{}
		err := s.loop.do(ctx, func() {
			changed = s.loop.changed
			for _, a := range addresses {
				if w := s.loop.workers[a]; w != nil && w.status == "init" {
					ready = false
				}
			}
		})
		if err != nil || ready {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
