package workerrt

import (
	"context"
	"sync/atomic"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/internal/workerrt/state"
)

// watchers tells the plugins that want to hear of them of the tasks' states. It
// costs nothing while there is no such plugin.
type watchers struct {
	on     atomic.Bool
	told   uint64                  // transitions that were handed out; the inbox owner's
	behind bool                    // some were lost; the inbox owner's
	queue  chan []state.Transition // what the plugins are still to hear of
}

// transitionsWaiting is how many batches of transitions may wait for slow plugins.
const transitionsWaiting = 1000

// look sees whether a plugin wants to hear of transitions, after one came or went.
func (w *Worker) look() {
	some := false
	_ = w.plugins.Each(w.ctx, func(_ string, p hook.Plugin[hook.Worker]) {
		_, wants := p.(hook.WorkerTransition)
		some = some || wants
	})
	w.inbox.do(func() {
		if some && !w.watchers.on.Load() {
			_, w.watchers.told = w.m.Since(^uint64(0))
		}
		w.watchers.on.Store(some)
	})
}

// handOut passes the transitions of a batch of events on. It never waits.
func (w *Worker) handOut() {
	var ts []state.Transition
	if ts, w.watchers.told = w.m.Since(w.watchers.told); len(ts) == 0 {
		return
	}
	select {
	case w.watchers.queue <- ts:
		w.watchers.behind = false
	default:
		if !w.watchers.behind {
			w.watchers.behind = true
			w.logs.Warn("a plugin is slower than the worker; it misses transitions")
		}
	}
}

// tellTransitions calls the plugins until the worker ends.
func (w *Worker) tellTransitions() {
	for {
		select {
		case ts := <-w.watchers.queue:
			ctx, cancel := context.WithTimeout(w.ctx, pluginPatience)
			_ = w.plugins.Each(ctx, func(name string, p hook.Plugin[hook.Worker]) {
				if h, ok := p.(hook.WorkerTransition); ok {
					w.tellOne(ctx, name, h, ts)
				}
			})
			cancel()
		case <-w.ctx.Done():
			return
		}
	}
}

// tellOne calls one plugin; one that hangs is left alone.
func (w *Worker) tellOne(ctx context.Context, name string, h hook.WorkerTransition, ts []state.Transition) {
	err := hook.Guard(ctx, "transition", func(context.Context) error {
		for i := range ts {
			h.Transition(ts[i].Key, ts[i].From.String(), ts[i].To.String())
		}
		return nil
	})
	if err != nil {
		w.logs.Error("a plugin failed", "plugin", name, "error", err)
	}
}
