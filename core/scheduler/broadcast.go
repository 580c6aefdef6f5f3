package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/gdask/gdask/sdk/wire"
)

// target is a worker to ask: name is how the answer is labelled, address where
// to ask (the worker's own or its nanny's).
type target struct {
	name, address string
	ctx           context.Context
	starting      bool // a nanny whose worker is not here yet
}

// broadcast sends one message to many workers and answers with what each said.
func (c *call) broadcast() (any, error) {
	m, err := forwarded(c.opaque("msg"))
	if err != nil {
		return nil, err
	}
	targets, err := c.targets()
	if err != nil {
		return nil, err
	}
	onError := c.str("on_error")
	defer c.attend()()
	answers, errs := c.askAll(c.ctx, targets, m)
	out := object{}
	for i, t := range targets {
		switch {
		case errs[i] == nil:
			out = append(out, field{t.name, &answers[i]})
		case onError == "ignore":
		case onError == "return_text": // asked by gdask clients, which read no pickles
			out = append(out, field{t.name, object{{"status", "error"}, {"exception_text", errs[i].Error()}}})
		case onError == "return" || onError == "return_pickle":
			o := wire.BytesOpaque(pickleError("OSError", errs[i].Error()))
			out = append(out, field{t.name, &o})
		default:
			return nil, fmt.Errorf("broadcast of %s to %s: %w", m.Name, t.address, errs[i])
		}
	}
	return &tree{out}, nil
}

// proxy passes a message to one worker and its answer back.
func (c *call) proxy() (any, error) {
	m, err := forwarded(c.opaque("msg"))
	if err != nil {
		return nil, err
	}
	targets, err := c.named([]string{c.str("worker")}, false)
	if err != nil {
		return nil, err
	}
	if len(targets) == 0 {
		return nil, asPython("KeyError", "no worker %q", c.str("worker"))
	}
	defer c.attend()()
	answers, errs := c.askAll(c.ctx, targets, m)
	return answers[0], unreached(errs[0], targets[0].address)
}

// unreached makes the loss of a worker an OSError, by which clients tell it from
// a refusal of the worker's own.
func unreached(err error, address string) error {
	if _, answered := errors.AsType[*wire.RemoteError](err); err == nil || answered {
		return err
	}
	return asPython("OSError", "worker %s did not answer: %v", address, err)
}

// forwarded is a message inside of a message, to be passed on unread.
func forwarded(o wire.Opaque) (*wire.UnknownMsg, error) {
	fields, err := splitMap(o)
	if err != nil {
		return nil, fmt.Errorf("field msg: %w", err)
	}
	op := textOf(fields["op"])
	if op == "" {
		return nil, asPython("ValueError", "the message to pass on names no operation (field op)")
	}
	return &wire.UnknownMsg{Name: op, Map: o}, nil
}

// targets are the workers that the fields workers, hosts and nanny name.
func (c *call) targets() ([]target, error) {
	names, err := c.texts("workers")
	if err != nil {
		return nil, err
	}
	hosts, err := c.texts("hosts")
	if err != nil {
		return nil, err
	}
	if !c.has("workers") && !c.has("hosts") {
		return c.named(nil, c.bool("nanny", false))
	}
	err = c.s.loop.do(c.ctx, func() {
		for _, w := range c.s.loop.sortedWorkers() {
			if slices.Contains(hosts, hostOf(w.address)) {
				names = append(names, w.address)
			}
		}
	})
	if err != nil || len(names) == 0 {
		return nil, err
	}
	return c.named(names, c.bool("nanny", false))
}

// named finds workers by address, name, host:port or host; nil means all.
func (c *call) named(names []string, nanny bool) (targets []target, err error) {
	l := c.s.loop
	err = l.do(c.ctx, func() {
		for _, w := range l.find(names) {
			t := target{name: w.address, address: w.address, ctx: w.ctx}
			if nanny {
				if w.nanny == "" {
					continue
				}
				t.address, t.ctx = w.nanny, c.s.ctx
			}
			targets = append(targets, t)
		}
	})
	return targets, err
}

// find returns the workers with these names, each once; nil names mean all.
func (l *loop) find(names []string) []*workerPeer {
	all := l.sortedWorkers()
	if names == nil {
		return all
	}
	var found []*workerPeer
	for _, n := range names {
		for _, w := range all {
			if w.isCalled(n) && !slices.Contains(found, w) {
				found = append(found, w)
			}
		}
	}
	return found
}

func (w *workerPeer) isCalled(name string) bool {
	if name == "" {
		return false
	}
	return name == w.address || name == w.name || name == hostOf(w.address) || "tcp://"+name == w.address
}

// askAll sends m to all targets at once. Each request is bounded by ctx and by
// the worker's life; what it asks for may take long.
func (c *call) askAll(ctx context.Context, targets []target, m wire.Msg) ([]wire.Opaque, []error) {
	answers, errs := make([]wire.Opaque, len(targets)), make([]error, len(targets))
	ask := c.s.pool.CallRaw
	if op := m.Op(); op == "run" || op == "actor_execute" { // a function must not run twice
		ask = c.s.pool.CallOnce
	}
	var wg sync.WaitGroup
	for i, t := range targets {
		wg.Go(func() {
			ctx, cancel := joinContext(ctx, t.ctx)
			defer cancel()
			answers[i], errs[i] = ask(ctx, t.address, m)
		})
	}
	wg.Wait()
	return answers, errs
}
