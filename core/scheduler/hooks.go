package scheduler

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
)

// Bounds of scheduler plugins.
const (
	hookQueue   = 10_000          // calls that may wait for a plugin; a turn's transitions are one
	answerLimit = time.Second     // for a hook that is asked for an answer
	endLimit    = 2 * time.Second // for before_close and close of all plugins together
)

// hooks are the scheduler's plugins by name.
type hooks struct {
	any atomic.Bool // there is one
	mu  sync.Mutex
	all map[string]*runner
	end bool // no more are taken
}

// runner calls one plugin, in a goroutine of its own, in the order of what happened.
type runner struct {
	s       *Scheduler
	name    string
	p       hook.SchedulerPlugin
	queue   chan hookCall
	stop    chan struct{}
	done    chan struct{} // closed when its goroutine has ended
	stopped sync.Once
	behind  bool            // it misses calls; the loop's
	failed  map[string]bool // hooks that have failed; its goroutine's
}

// hookCall is one thing that a plugin is told of.
type hookCall struct {
	hook string
	f    func()
}

// registerSchedulerPlugin makes and starts a plugin of this binary's.
func (c *call) registerSchedulerPlugin() (any, error) {
	name := c.str("name")
	if !c.has(hook.PluginField) {
		if taken, err := c.uploadFile(); taken {
			return nil, err
		}
		return nil, asPython("NotImplementedError", "plugin %q: this scheduler is a Go process and runs plugins of its own binary "+
			"(gdask.RegisterSchedulerPlugin), not Python ones", name)
	}
	packed, _, err := msgp.ReadBytesBytes(c.raw(hook.PluginField), nil)
	if err != nil || name == "" {
		return nil, fmt.Errorf("a scheduler plugin needs a name and the call of its constructor: %w", err)
	}
	if old := c.s.hooks.get(name); old != nil {
		if c.bool("idempotent", false) {
			return nil, nil
		}
		c.s.removeHook(c.ctx, old) // before the new one starts: both may want the same
	}
	ctx, cancel := c.s.requestContext(hook.With(c.ctx, newGuest(c.s)))
	defer cancel()
	p, err := hook.Make[hook.SchedulerPlugin](ctx, c.s.set.Functions, name, packed)
	if err != nil {
		return nil, err
	}
	guest := newGuest(c.s)
	err = hook.Guard(ctx, "scheduler plugin "+name+": start", func(ctx context.Context) error { return p.Start(ctx, guest) })
	if err != nil {
		c.s.hookFailed(name, "start", err)
		return nil, err
	}
	return nil, c.s.addHook(c.ctx, name, p)
}

func (c *call) unregisterSchedulerPlugin() (any, error) {
	r := c.s.hooks.get(c.str("name"))
	if r == nil {
		return nil, asPython("ValueError", "no scheduler plugin %q is registered; see the name that it was registered with", c.str("name"))
	}
	c.s.removeHook(c.ctx, r)
	return nil, nil
}

func (h *hooks) get(name string) *runner {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all[name]
}

// enter takes a plugin in and starts its goroutine; old is another one of its name
// that was registered at the same time. A scheduler that ends takes none.
func (h *hooks) enter(r *runner) (old *runner, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.end {
		return nil, errClosed
	}
	if h.all == nil {
		h.all = map[string]*runner{}
	}
	old = h.all[r.name]
	h.all[r.name] = r
	h.any.Store(true)
	go r.run() // a plugin that hangs must not hold up the scheduler's end, so that end waits for it within limits
	return old, nil
}

// leave takes a plugin out, unless another has its name by now.
func (h *hooks) leave(r *runner) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all[r.name] == r {
		delete(h.all, r.name)
	}
	h.any.Store(len(h.all) > 0)
}

// addHook has a plugin hear of what happens from now on.
func (s *Scheduler) addHook(ctx context.Context, name string, p hook.SchedulerPlugin) error {
	r := &runner{s: s, name: name, p: p, failed: map[string]bool{}, queue: make(chan hookCall, hookQueue), stop: make(chan struct{}), done: make(chan struct{})}
	old, err := s.hooks.enter(r)
	if err != nil {
		return err
	}
	if old != nil {
		s.removeHook(ctx, old)
	}
	s.log.info("scheduler plugin started", "plugin", name)
	return s.loop.do(ctx, func() {
		if s.hooks.get(name) != r { // replaced meanwhile
			return
		}
		if len(s.loop.hooked) == 0 {
			s.loop.told = s.loop.m.Transitions()
		}
		s.loop.hooked = append(s.loop.hooked, r)
	})
}

// removeHook ends a plugin, closing it first.
func (s *Scheduler) removeHook(ctx context.Context, r *runner) {
	s.hooks.leave(r)
	_ = s.loop.do(ctx, func() {
		s.loop.hooked = slices.DeleteFunc(slices.Clone(s.loop.hooked), func(x *runner) bool { return x == r })
	})
	ctx, cancel := context.WithTimeout(ctx, endLimit)
	defer cancel()
	r.end(ctx)
}

// run makes the calls until the plugin is ended.
func (r *runner) run() {
	defer close(r.done)
	for {
		select {
		case c := <-r.queue:
			r.call(c)
		case <-r.stop:
			return
		}
	}
}

func (r *runner) call(c hookCall) {
	defer func() {
		if v := recover(); v != nil {
			if !r.failed[c.hook] { // one line for each hook: the next call may fail the same way
				r.failed[c.hook] = true
				r.s.hookFailed(r.name, c.hook, fmt.Errorf("panic: %v", v))
			}
		}
	}()
	c.f()
}

// end closes the plugin after what it is still to hear of, as far as ctx allows.
func (r *runner) end(ctx context.Context) {
	r.stopped.Do(func() {
		if h, ok := r.p.(hook.Closer); ok {
			r.lastly(ctx, "close", h.Close)
		}
		close(r.stop)
	})
	select {
	case <-r.done:
	case <-ctx.Done():
	}
}

// lastly has the plugin do something in its turn and waits for that.
func (r *runner) lastly(ctx context.Context, name string, f func(context.Context) error) {
	done := make(chan struct{})
	call := hookCall{name, func() {
		defer close(done)
		if err := f(hook.With(ctx, newGuest(r.s))); err != nil {
			r.s.hookFailed(r.name, name, err)
		}
	}}
	select {
	case r.queue <- call:
	case <-ctx.Done():
	}
	select {
	case <-done:
	case <-ctx.Done():
		r.s.hookFailed(r.name, name, errors.New("it did not end in time"))
	}
}

// runners are the plugins in the order of their names.
func (h *hooks) runners() (rs []*runner) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, n := range slices.Sorted(maps.Keys(h.all)) {
		rs = append(rs, h.all[n])
	}
	return rs
}

func (h *hooks) beforeClose(ctx context.Context) {
	h.each(ctx, func(ctx context.Context, r *runner) {
		if b, ok := r.p.(hook.BeforeCloser); ok {
			r.lastly(ctx, "before_close", b.BeforeClose)
		}
	})
}

// close ends all plugins; from here on none is taken.
func (h *hooks) close(ctx context.Context) {
	h.mu.Lock()
	h.end = true
	h.mu.Unlock()
	h.each(ctx, func(ctx context.Context, r *runner) { r.end(ctx) })
}

func (h *hooks) each(ctx context.Context, f func(context.Context, *runner)) {
	ctx, cancel := context.WithTimeout(ctx, endLimit)
	defer cancel()
	var wg sync.WaitGroup
	for _, r := range h.runners() {
		wg.Go(func() { f(ctx, r) })
	}
	wg.Wait()
}

// hookFailed makes a plugin's failure visible: one line, and an event.
func (s *Scheduler) hookFailed(plugin, name string, err error) {
	s.log.warn("a scheduler plugin failed", "plugin", plugin, "hook", name, "error", err)
	o, failed := wire.OpaqueOf(map[string]any{"action": "scheduler-plugin-error", "plugin": plugin, "hook": name, "error": err.Error()})
	if failed == nil {
		s.loop.post(func() { s.loop.event("scheduler-plugins", o) })
	}
}
