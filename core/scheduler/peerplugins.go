package scheduler

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// peerPlugins are the plugins that clients have registered for workers or
// nannies: pickles for those of Python, packed calls of constructors for those of
// Go, which nobody reads here. They are kept for peers that join later, as in Dask.
type peerPlugins struct {
	mu    sync.Mutex
	known map[string][]byte // msgpack of the pickle or call
	order []string          // names as they were registered, replaced ones last
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
	p.forget(name)
	p.known[name] = slices.Clone(plugin)
	p.order = append(p.order, name)
	return true
}

// drop reports whether there was such a plugin.
func (p *peerPlugins) drop(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, there := p.known[name]
	p.forget(name)
	return there
}

func (p *peerPlugins) forget(name string) {
	delete(p.known, name)
	p.order = slices.DeleteFunc(p.order, func(n string) bool { return n == name })
}

// message is the map of all plugins by name, with more in front.
func (p *peerPlugins) message(more map[string]string) wire.Opaque {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := msgp.AppendMapHeader(nil, uint32(len(p.known)+len(more)))
	for _, name := range slices.Sorted(maps.Keys(more)) {
		b = msgp.AppendBytes(msgp.AppendString(b, name), []byte(more[name]))
	}
	for _, name := range p.order {
		b = append(msgp.AppendString(b, name), p.known[name]...)
	}
	return wire.Opaque{Raw: b}
}

// pluginsFor is what a worker that registers has to install: Python pickles are
// for Python workers, which need one more for peer-to-peer shuffles.
func (s *Scheduler) pluginsFor(w *workerPeer) wire.Opaque {
	if w.gdask {
		return s.workerPlugins.golang.message(nil)
	}
	return s.workerPlugins.python.message(map[string]string{"shuffle": shufflePlugin})
}

// plugins are those of one kind of peer.
type plugins struct{ python, golang peerPlugins }

// of are the plugins for peers of gdask, or for those of Python.
func (p *plugins) of(gdask bool) *peerPlugins {
	if gdask {
		return &p.golang
	}
	return &p.python
}

// pluginPeers are who a kind of plugin is for and what they call the operations.
type pluginPeers struct {
	plugins     func(s *Scheduler) *plugins
	add, remove string
	nanny       bool
}

var (
	workerPeers = pluginPeers{func(s *Scheduler) *plugins { return &s.workerPlugins }, "plugin-add", "plugin-remove", false}
	nannyPeers  = pluginPeers{func(s *Scheduler) *plugins { return &s.nannyPlugins }, "plugin_add", "plugin_remove", true}
)

// registerPlugin keeps a plugin and installs it on all peers that are there; the
// answer has what each of them said, errors of the plugin's setup among it.
func (c *call) registerPlugin(to pluginPeers) (any, error) {
	name, place, gdask := c.str("name"), "plugin", c.has(hook.PluginField)
	if gdask {
		place = hook.PluginField
	}
	plugin := c.opaque(place)
	if name == "" || len(plugin.Raw) == 0 || len(plugin.Frames) > 0 {
		return nil, errors.New("a plugin needs a name and a pickle: fields name and plugin")
	}
	if !to.plugins(c.s).of(gdask).set(name, plugin.Raw, c.bool("idempotent", false)) {
		return &tree{object{}}, nil
	}
	if !gdask && !to.nanny {
		if err := c.forwardLogs(name, true); err != nil {
			return nil, err
		}
	}
	return c.tellPeers(to, gdask, to.add, field{"name", name}, field{place, &plugin})
}

func (c *call) unregisterPlugin(to pluginPeers) (any, error) {
	name, gdask := c.str("name"), c.bool("gdask", false)
	if !to.plugins(c.s).of(gdask).drop(name) {
		return nil, asPython("ValueError", "no plugin %q is registered; see the name that it was registered with", name)
	}
	if !gdask && !to.nanny {
		if err := c.forwardLogs(name, false); err != nil {
			return nil, err
		}
	}
	return c.tellPeers(to, gdask, to.remove, field{"name", name})
}

func (c *call) registerWorkerPlugin() (any, error)   { return c.registerPlugin(workerPeers) }
func (c *call) unregisterWorkerPlugin() (any, error) { return c.unregisterPlugin(workerPeers) }
func (c *call) registerNannyPlugin() (any, error)    { return c.registerPlugin(nannyPeers) }
func (c *call) unregisterNannyPlugin() (any, error)  { return c.unregisterPlugin(nannyPeers) }

// tellPeers sends an operation to all workers of Python's, or of gdask's, or to
// their nannies, and answers with what each said. One that leaves meanwhile has no answer.
func (c *call) tellPeers(to pluginPeers, gdask bool, op string, fields ...field) (any, error) {
	var names []string
	var starting []target
	err := c.s.loop.do(c.ctx, func() {
		for _, w := range c.s.loop.sortedWorkers() {
			if w.gdask == gdask {
				names = append(names, w.address)
			}
		}
		if to.nanny {
			starting = c.s.loop.startingNannies(gdask)
		}
	})
	if err != nil {
		return nil, err
	}
	targets, err := c.named(append([]string{}, names...), to.nanny)
	if err != nil {
		return nil, err
	}
	targets = append(targets, starting...)
	ctx, cancel := context.WithTimeout(c.ctx, c.s.set.RequestTimeout)
	defer cancel()
	m, err := newAsk(op, fields...)
	if err != nil {
		return nil, err
	}
	answers, errs := c.askAll(ctx, targets, m)
	out := object{}
	for i, t := range targets {
		switch {
		case errs[i] == nil:
			out = append(out, field{t.name, &answers[i]})
		case t.ctx.Err() != nil || t.starting:
		case gdask: // the others' answers count as well
			out = append(out, field{t.name, object{{"status", "error"}, {"exception_text", errs[i].Error()}}})
		default:
			return nil, errs[i]
		}
	}
	return &tree{out}, nil
}
