package nanny

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// joinPause is between two attempts to reach the scheduler.
const joinPause = 200 * time.Millisecond

// Join tells the scheduler of this nanny and sets up the plugins that it names,
// before a process is started. It tries until ctx ends; a scheduler that answers
// no is an error, plugins that fail are only logged.
func (n *Nanny) Join(ctx context.Context) error {
	for {
		names, packed, err := n.register(ctx)
		var remote *wire.RemoteError
		switch {
		case err == nil:
			n.install(ctx, names, packed)
			return nil
		case errors.As(err, &remote):
			return fmt.Errorf("nanny: register with %s: %w", n.set.Scheduler, err)
		}
		n.log.Debug("the scheduler cannot be reached, trying again", "scheduler", n.set.Scheduler, "error", err)
		select {
		case <-time.After(joinPause):
		case <-ctx.Done():
			return fmt.Errorf("nanny: register with %s: %w", n.set.Scheduler, errors.Join(err, context.Cause(ctx)))
		}
	}
}

// register is one attempt: the request, and the word that its answer was heeded.
func (n *Nanny) register(ctx context.Context) (names []string, packed [][]byte, err error) {
	nc, err := n.set.Transports.Dial(ctx, n.set.Scheduler)
	if err != nil {
		return nil, nil, err
	}
	c, err := wire.NewConn(ctx, nc, wire.Settings{WriteTimeout: writePatience})
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	answer, err := c.CallRaw(registration(n.Address()))
	if err != nil {
		return nil, nil, err
	}
	if c.Peer().GDask > 0 {
		o, _ := answer.Field("nanny-plugins")
		if names, packed, err = hook.Installs(o); err != nil {
			return nil, nil, err
		}
	}
	return names, packed, c.SendValue(map[string]any{"status": "ok"})
}

func registration(address string) wire.Msg {
	b := msgp.AppendMapHeader(nil, 2)
	b = msgp.AppendString(msgp.AppendString(b, "op"), "register_nanny")
	b = msgp.AppendString(msgp.AppendString(b, "address"), address)
	return &wire.UnknownMsg{Name: "register_nanny", Map: wire.Opaque{Raw: b}}
}

// install sets up what is not here from an earlier registration.
func (n *Nanny) install(ctx context.Context, names []string, packed [][]byte) {
	here := map[string]bool{}
	_ = n.plugins.Each(ctx, func(name string, _ hook.Plugin[hook.Nanny]) { here[name] = true })
	for i, name := range names {
		if here[name] {
			continue
		}
		setup, cancel := context.WithTimeout(ctx, pluginTimeout)
		if _, err := n.plugins.Add(setup, name, packed[i]); err != nil {
			n.log.Error("a plugin failed", "plugin", name, "error", err)
		}
		cancel()
	}
}
