package scheduler

import (
	"context"
	"fmt"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// guest is the scheduler as functions and plugins see it that run inside of it.
type guest struct {
	s   *Scheduler
	log hclog.Logger
}

var _ hook.Scheduler = (*guest)(nil)

func newGuest(s *Scheduler) *guest { return &guest{s, guestLogger{s.set.Logger, s.log}} }

func (g *guest) Address() string      { return g.s.Address() }
func (g *guest) ID() string           { return g.s.id }
func (g *guest) Logger() hclog.Logger { return g.log }

// Workers are the addresses of all workers.
func (g *guest) Workers(ctx context.Context) (addresses []string, err error) {
	err = g.s.loop.do(ctx, func() {
		for _, w := range g.s.loop.sortedWorkers() {
			addresses = append(addresses, w.address)
		}
	})
	return addresses, err
}

// Identity is what the scheduler tells of itself, as JSON.
func (g *guest) Identity(ctx context.Context) ([]byte, error) { return g.s.Identity(ctx) }

// LogEvent records an event.
func (g *guest) LogEvent(topic string, msg any) error {
	o, err := wire.OpaqueOf(msg)
	if err != nil {
		return fmt.Errorf("scheduler: event of topic %q: %w", topic, err)
	}
	if !g.s.loop.post(func() { g.s.loop.event(topic, o) }) {
		return errClosed
	}
	return nil
}

// runFunction runs a registered function here: run_on_scheduler.
func (c *call) runFunction() (any, error) {
	if !c.has(hook.CallField) {
		return nil, asPython("NotImplementedError", "run_on_scheduler: this scheduler is a Go process, which runs functions "+
			"that are registered in its own binary (gdask.RunOnScheduler), not Python ones; use Client.run on the workers")
	}
	m, err := newAsk("run", object{{hook.CallField, new(c.opaque(hook.CallField))}, {"wait", c.bool("wait", true)}}...)
	if err != nil {
		return nil, err
	}
	return hook.Run(c.ctx, newGuest(c.s), c.s.set.Functions, m.Map, c.s.wg.Go), nil
}

// guestLogger is the scheduler's log for code of the users'.
type guestLogger struct {
	hclog.Logger
	logs *logs
}

func (l guestLogger) Debug(msg string, kv ...any) { l.logs.debug(msg, kv...) }
func (l guestLogger) Info(msg string, kv ...any)  { l.logs.info(msg, kv...) }
func (l guestLogger) Warn(msg string, kv ...any)  { l.logs.warn(msg, kv...) }
func (l guestLogger) Error(msg string, kv ...any) { l.logs.warn(msg, kv...) }
