package scheduler

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// peerPlugins are the plugins that Python clients have registered for Python
// workers or nannies: pickles, which nobody reads here. They are kept for peers
// that join later, as in Dask.
type peerPlugins struct {
	mu    sync.Mutex
	known map[string][]byte // msgpack of the pickle
}

// set keeps a plugin and reports whether the peers must hear of it: an
// idempotent one that is known is left alone.
func (p *peerPlugins) set(name string, plugin []byte, idempotent bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, there := p.known[name]; there && idempotent {
		return false
	}
	if p.known == nil {
		p.known = map[string][]byte{}
	}
	p.known[name] = slices.Clone(plugin)
	return true
}

// drop reports whether there was such a plugin.
func (p *peerPlugins) drop(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, there := p.known[name]
	delete(p.known, name)
	return there
}

// message is the map of all plugins by name, with more in front.
func (p *peerPlugins) message(more map[string]string) wire.Opaque {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := msgp.AppendMapHeader(nil, uint32(len(p.known)+len(more)))
	for _, name := range slices.Sorted(maps.Keys(more)) {
		b = msgp.AppendBytes(msgp.AppendString(b, name), []byte(more[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(p.known)) {
		b = append(msgp.AppendString(b, name), p.known[name]...)
	}
	return wire.Opaque{Raw: b}
}

// pluginsFor is what a worker that registers has to install: Python pickles are
// for Python workers, which need one more for peer-to-peer shuffles.
func (s *Scheduler) pluginsFor(w *workerPeer) wire.Opaque {
	if w.gdask {
		return (&peerPlugins{}).message(nil)
	}
	return s.workerPlugins.message(map[string]string{"shuffle": shufflePlugin})
}

// pluginPeers are who a kind of plugin is for and what they call the operations.
type pluginPeers struct {
	plugins     func(s *Scheduler) *peerPlugins
	add, remove string
	nanny       bool
}

var (
	workerPeers = pluginPeers{func(s *Scheduler) *peerPlugins { return &s.workerPlugins }, "plugin-add", "plugin-remove", false}
	nannyPeers  = pluginPeers{func(s *Scheduler) *peerPlugins { return &s.nannyPlugins }, "plugin_add", "plugin_remove", true}
)

// registerPlugin keeps a plugin and installs it on all peers that are there; the
// answer has what each of them said, errors of the plugin's setup among it.
func (c *call) registerPlugin(to pluginPeers) (any, error) {
	name, plugin := c.str("name"), c.opaque("plugin")
	if name == "" || len(plugin.Raw) == 0 || len(plugin.Frames) > 0 {
		return nil, errors.New("a plugin needs a name and a pickle: fields name and plugin")
	}
	if !to.plugins(c.s).set(name, plugin.Raw, c.bool("idempotent", false)) {
		return &tree{object{}}, nil
	}
	return c.tellPython(to, to.add, field{"name", name}, field{"plugin", &plugin})
}

func (c *call) unregisterPlugin(to pluginPeers) (any, error) {
	name := c.str("name")
	if !to.plugins(c.s).drop(name) {
		return nil, asPython("ValueError", "no plugin %q is registered; see the name that it was registered with", name)
	}
	return c.tellPython(to, to.remove, field{"name", name})
}

func (c *call) registerWorkerPlugin() (any, error)   { return c.registerPlugin(workerPeers) }
func (c *call) unregisterWorkerPlugin() (any, error) { return c.unregisterPlugin(workerPeers) }
func (c *call) registerNannyPlugin() (any, error)    { return c.registerPlugin(nannyPeers) }
func (c *call) unregisterNannyPlugin() (any, error)  { return c.unregisterPlugin(nannyPeers) }

// tellPython sends an operation to all Python workers, or their nannies, and
// answers with what each said. One that leaves meanwhile has no answer.
func (c *call) tellPython(to pluginPeers, op string, fields ...field) (any, error) {
	var names []string
	err := c.s.loop.do(c.ctx, func() {
		for _, w := range c.s.loop.sortedWorkers() {
			if !w.gdask {
				names = append(names, w.address)
			}
		}
	})
	if err != nil || len(names) == 0 {
		return &tree{object{}}, err
	}
	targets, err := c.named(names, to.nanny)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.s.set.RequestTimeout)
	defer cancel()
	m, err := newAsk(op, fields...)
	if err != nil {
		return nil, err
	}
	answers, errs := c.askAll(ctx, targets, m)
	out := object{}
	for i, t := range targets {
		if errs[i] == nil {
			out = append(out, field{t.name, &answers[i]})
		} else if t.ctx.Err() == nil {
			return nil, errs[i]
		}
	}
	return &tree{out}, nil
}
