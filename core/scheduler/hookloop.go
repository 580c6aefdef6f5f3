package scheduler

import (
	"context"
	"fmt"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// hook tells the plugins of something; of returns the call for one, or nil when it
// does not care. Nobody is waited for.
func (l *loop) hook(name string, of func(p hook.SchedulerPlugin) func()) {
	for _, r := range l.hooked {
		f := of(r.p)
		if f == nil {
			continue
		}
		select {
		case r.queue <- hookCall{name, f}:
			r.behind = false
		default:
			if !r.behind { // once per time that it falls behind
				r.behind = true
				l.s.hookFailed(r.name, name, fmt.Errorf("it is slower than the scheduler; %d calls wait and more are lost", hookQueue))
			}
		}
	}
}

// hookTransitions tells of the tasks' states since the last time.
func (l *loop) hookTransitions() {
	var ts []state.Transition
	ts, l.told = l.m.Since(l.told)
	if len(ts) == 0 {
		return
	}
	l.hook("transition", func(p hook.SchedulerPlugin) func() {
		h, ok := p.(hook.Transitioner)
		if !ok {
			return nil
		}
		return func() {
			for i := range ts {
				t := &ts[i]
				h.Transition(hook.Transition{Key: t.Key, From: t.From.String(), To: t.To.String(), Stimulus: t.Stimulus, Time: t.Time})
			}
		}
	})
}

func (l *loop) hookClient(name, id string) {
	l.hook(name, func(p hook.SchedulerPlugin) func() {
		if h, ok := p.(hook.ClientAdder); ok && name == "add_client" {
			return func() { h.AddClient(id) }
		}
		if h, ok := p.(hook.ClientRemover); ok && name == "remove_client" {
			return func() { h.RemoveClient(id) }
		}
		return nil
	})
}

func (l *loop) hookGraph(client string, tasks []wire.TaskDef) {
	keys := make([]wire.Key, len(tasks))
	for i := range tasks {
		keys[i] = tasks[i].Key
	}
	l.hook("update_graph", func(p hook.SchedulerPlugin) func() {
		if h, ok := p.(hook.GraphUpdater); ok {
			return func() { h.UpdateGraph(client, keys) }
		}
		return nil
	})
}

// hookEvent tells of an event, except of those about plugins themselves.
func (l *loop) hookEvent(topic string, msg wire.Opaque) {
	if topic == "scheduler-plugins" {
		return
	}
	l.hook("log_event", func(p hook.SchedulerPlugin) func() {
		if h, ok := p.(hook.EventLogger); ok {
			return func() { h.LogEvent(topic, msg) }
		}
		return nil
	})
}

// downscaling are the workers among those of addresses that the plugins let go.
func (s *Scheduler) downscaling(ctx context.Context, addresses []string) []string {
	for _, r := range s.hooks.runners() {
		h, ok := r.p.(hook.Downscaler)
		if !ok {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, answerLimit)
		var valid []string
		err := hook.Guard(ctx, "its answer", func(context.Context) error {
			valid = h.ValidWorkersDownscaling(addresses)
			return nil
		})
		cancel()
		if err != nil {
			s.hookFailed(r.name, "valid_workers_downscaling", err)
			continue
		}
		addresses = valid
	}
	return addresses
}
