package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// restartBound is how long workers may take to end and to come back when the
// caller says nothing.
const restartBound = 30 * time.Second

// Outcomes of a restart, in Dask's words.
const (
	restartOK       = "OK"
	restartRemoved  = "removed"
	restartTimedOut = "timed out"
)

// renewal is one restart of workers.
type renewal struct {
	s       *Scheduler
	workers []*workerPeer // to be restarted
	want    int           // workers that there were
	bare    []string      // those without a nanny, which are gone now
	out     map[string]string
}

// restart forgets all tasks, tells all clients, and restarts all workers.
func (c *call) restart() (any, error) {
	err := c.s.loop.do(c.ctx, func() {
		c.s.loop.apply(state.Restart{StimulusID: c.str("stimulus_id")})
		c.s.loop.hook("restart", func(p hook.SchedulerPlugin) func() {
			if h, ok := p.(hook.Restarter); ok {
				return h.Restart
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	c.s.log.info("all tasks are forgotten and all workers restarted", "stimulus", c.str("stimulus_id"))
	_, err = c.renew(nil, true)
	return nil, err
}

// restartWorkers restarts the named workers, or all, and tells what became of each.
func (c *call) restartWorkers() (any, error) {
	var names []string
	if c.has("workers") {
		list, err := c.texts("workers")
		if err != nil {
			return nil, err
		}
		names = append([]string{}, list...)
	}
	out, err := c.renew(names, c.str("on_error") != "return")
	if err != nil {
		return nil, err
	}
	answer := object{}
	for _, a := range sortedKeys(out) {
		answer = append(answer, field{a, out[a]})
	}
	return &tree{answer}, nil
}

// renew is the work of both: the end of the old workers, then the wait for new
// ones, within the field timeout. raise makes workers that are late an error.
func (c *call) renew(names []string, raise bool) (map[string]string, error) {
	limit := c.duration("timeout", restartBound)
	ctx, cancel := context.WithTimeout(c.ctx, limit)
	defer cancel()
	r := &renewal{s: c.s, out: map[string]string{}}
	if err := c.s.loop.do(ctx, func() { r.begin(names) }); err != nil {
		return nil, err
	}
	late, err := r.end(c, ctx)
	if err == nil && len(late) > 0 && raise {
		err = asPython("TimeoutError", "%d of %d workers did not shut down within %v and were removed: %s; "+
			"look at the logs of their nannies", len(late), len(r.workers), limit, strings.Join(late, ", "))
	}
	if err != nil {
		return nil, err
	}
	if c.bool("wait_for_workers", true) {
		err = r.await(ctx, limit, raise)
	}
	return r.out, err
}

// begin chooses the workers, on the loop. Those without a nanny are told to close:
// nobody here can start them again.
func (r *renewal) begin(names []string) {
	l := r.s.loop
	r.want = len(l.workers)
	var restarted []string
	for _, w := range l.find(names) {
		restarted = append(restarted, w.address)
		w.told = true
		if w.nanny != "" {
			r.workers = append(r.workers, w)
			continue
		}
		r.bare = append(r.bare, w.address)
		r.out[w.address] = restartRemoved
		l.retire(w, true, true)
	}
	if len(r.bare) > 0 {
		r.s.log.warn("workers without a nanny are closed instead of restarted", "workers", r.bare)
	}
	l.event("all", eventFields("restart-workers", "workers", strings.Join(restarted, " ")))
}

// end has the nannies kill the workers. late are those whose end nobody could
// confirm in time; they are removed, so that no old worker is left.
func (r *renewal) end(c *call, ctx context.Context) (late []string, err error) { //nolint:revive // the call's own context lives longer
	m, err := newAsk("kill", field{"reason", "scheduler-restart"})
	if err != nil {
		return nil, err
	}
	targets := make([]target, len(r.workers))
	for i, w := range r.workers {
		targets[i] = target{name: w.address, address: w.nanny, ctx: r.s.ctx}
	}
	killing, cancel := r.s.requestContext(ctx) // a nanny needs no longer, unless it is frozen
	defer cancel()
	_, errs := c.askAll(killing, targets, m)
	var failed []error
	for i, w := range r.workers {
		var remote *wire.RemoteError
		switch {
		case errs[i] == nil:
			r.out[w.address] = restartOK
		case errors.As(errs[i], &remote):
			failed = append(failed, errors.New("worker "+w.address+" is not restarted: "+errs[i].Error()))
		default:
			r.s.log.warn("a worker did not shut down for its restart", "worker", w.address, "nanny", w.nanny, "error", errs[i])
			r.out[w.address] = restartTimedOut
			late = append(late, fmt.Sprintf("%s (nanny %s)", w.address, w.nanny))
		}
	}
	err = r.s.loop.do(c.ctx, func() { //nolint:contextcheck // also when the time is over
		for _, w := range r.workers {
			r.s.loop.dropWorker(w, "restarted", true)
		}
	})
	return late, errors.Join(append(failed, err)...)
}

// await waits until there are as many workers as before.
func (r *renewal) await(ctx context.Context, limit time.Duration, raise bool) error {
	var back []string // nannies of the workers that are here
	var have int
	for {
		var changed chan struct{}
		err := r.s.loop.do(r.s.ctx, func() { //nolint:contextcheck // what is missing when the time is over counts
			l := r.s.loop
			changed, have, back = l.changed, len(l.workers), back[:0]
			for _, w := range l.workers {
				back = append(back, w.nanny)
			}
		})
		if err != nil || have >= r.want {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return r.short(have, back, limit, raise)
		}
	}
}

// short tells which workers have not come back.
func (r *renewal) short(have int, back []string, limit time.Duration, raise bool) error {
	var missing []string
	for _, w := range r.workers {
		if !slices.Contains(back, w.nanny) {
			r.out[w.address] = restartTimedOut
			missing = append(missing, fmt.Sprintf("%s (nanny %s)", w.address, w.nanny))
		}
	}
	text := fmt.Sprintf("%d of %d workers have not come back within %v", r.want-have, r.want, limit)
	if len(missing) > 0 {
		text += ": " + strings.Join(missing, ", ")
	}
	if len(r.bare) > 0 {
		text += fmt.Sprintf("; %d without a nanny were shut down and do not come back unless whoever started them does so: %s",
			len(r.bare), strings.Join(r.bare, ", "))
	}
	text += "; give a longer timeout, or do not wait for the workers"
	if raise {
		return &pythonError{"TimeoutError", text}
	}
	r.s.log.warn("restart of workers", "problem", text)
	return nil
}

// fleetChanged wakes who waits for workers.
func (l *loop) fleetChanged() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// replace has the nanny of a worker that was removed for its silence start another.
func (s *Scheduler) replace(w *workerPeer) {
	if w.nanny == "" {
		return
	}
	m, err := newAsk("kill", field{"reason", "worker-ttl"})
	if err != nil {
		return
	}
	s.wg.Go(func() {
		ctx, cancel := s.requestContext(s.ctx)
		defer cancel()
		if _, err := s.pool.CallRaw(ctx, w.nanny, m); err != nil {
			s.log.warn("the nanny of a silent worker did not replace it", "worker", w.address, "nanny", w.nanny, "error", err)
		}
	})
}
