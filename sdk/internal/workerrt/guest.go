package workerrt

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// Bounds of code of the users' that runs outside of tasks.
const (
	pluginPatience   = 30 * time.Second // for the setup of one plugin
	teardownPatience = 5 * time.Second  // for the teardown of all
)

// guest is the worker as plugins and functions see it that run inside of it.
type guest struct {
	w   *Worker
	log hclog.Logger
}

var _ hook.Worker = (*guest)(nil)

func (g *guest) Address() string        { return g.w.address }
func (g *guest) Name() string           { return g.w.name }
func (g *guest) Scheduler() string      { return g.w.set.Scheduler }
func (g *guest) LocalDirectory() string { return g.w.dir.path }
func (g *guest) NThreads() int          { return g.w.set.NThreads }
func (g *guest) Status() string         { return g.w.Status() }
func (g *guest) Logger() hclog.Logger   { return g.log }

// Keys are the results that the worker holds.
func (g *guest) Keys() (keys []wire.Key) {
	for _, k := range g.w.held() {
		keys = append(keys, k.Key)
	}
	return keys
}

// LogEvent sends an event to the scheduler.
func (g *guest) LogEvent(topic string, msg any) error {
	o, err := wire.OpaqueOf(msg)
	if err != nil {
		return fmt.Errorf("worker %s: event of topic %q: %w", g.w.address, topic, err)
	}
	st := g.w.stream.Load()
	if st == nil {
		return fmt.Errorf("worker %s: event of topic %q: the scheduler is not connected at the moment", g.w.address, topic)
	}
	st.Send(&wire.LogEvent{Topic: wire.StringOpaque(topic), Msg: o})
	return nil
}

// assign remembers the plugins that a scheduler names; those of Python's are not
// for this worker.
func (w *Worker) assign(from wire.Peer, plugins wire.Opaque) {
	if from.GDask == 0 {
		return
	}
	if m, ok := plugins.Ref.(msgp.Marshaler); ok && len(plugins.Raw) == 0 {
		plugins.Raw, _ = m.MarshalMsg(nil) // a map of bytes always can be
	}
	w.keepForwards(plugins)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.assigned = plugins
}

// installPlugins sets up the plugins that the scheduler named, except those that are
// here from an earlier session. What fails is logged: the worker goes on.
func (w *Worker) installPlugins() {
	w.mu.Lock()
	assigned := w.assigned
	w.mu.Unlock()
	names, packed, err := hook.Installs(assigned)
	if err != nil {
		w.logs.Warn("the scheduler's plugins are not installed", "error", err)
		return
	}
	here := map[string]bool{}
	_ = w.plugins.Each(w.ctx, func(name string, _ hook.Plugin[hook.Worker]) { here[name] = true })
	for i, name := range names {
		if here[name] || strings.HasPrefix(name, ForwardLogging) {
			continue
		}
		ctx, cancel := context.WithTimeout(w.ctx, pluginPatience)
		if _, err := w.plugins.Add(ctx, name, packed[i]); err != nil {
			w.logs.Error("a plugin failed", "plugin", name, "error", err)
		}
		cancel()
	}
	w.look()
}

// pluginRequest adds or removes a plugin at a client's request.
func (w *Worker) pluginRequest(op string, m wire.Opaque) any {
	if answer, mine := w.forwardRequest(op, m); mine {
		return answer
	}
	ctx, cancel := context.WithTimeout(w.ctx, pluginPatience)
	defer cancel()
	defer w.look()
	if op == "plugin-remove" {
		return hook.RemovePlugin(ctx, w.plugins, m)
	}
	_, reply := hook.AddPlugin(ctx, w.plugins, m)
	return reply
}

// removePlugins tears all plugins down at the worker's end, and then the preloads.
func (w *Worker) removePlugins() {
	ctx, cancel := context.WithTimeout(context.Background(), teardownPatience)
	defer cancel()
	if err := w.plugins.Close(ctx); err != nil {
		w.logs.Warn("plugins at the worker's end", "error", err)
	}
	w.set.Preload.Teardown("worker", w.guest, w.set.Registry)
}

// guestLogger is the worker's log for code of the users'.
type guestLogger struct {
	hclog.Logger
	ring *logRing
}

func (l guestLogger) Debug(msg string, args ...any) { l.ring.Debug(msg, args...) }
func (l guestLogger) Info(msg string, args ...any)  { l.ring.Info(msg, args...) }
func (l guestLogger) Warn(msg string, args ...any)  { l.ring.Warn(msg, args...) }
func (l guestLogger) Error(msg string, args ...any) { l.ring.Error(msg, args...) }
