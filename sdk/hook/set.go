package hook

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gdask/gdask/sdk/task"
)

// Plugin is a plugin of a host of kind H: [WorkerPlugin] or [NannyPlugin].
type Plugin[H Host] interface {
	Setup(ctx context.Context, h H) error
	Teardown(ctx context.Context, h H) error
}

// Set is the plugins that are installed in one host. All methods may be called
// concurrently; plugins are set up and torn down one at a time.
type Set[H Host] struct {
	host  H
	turn  chan struct{} // holds a token while a plugin is set up or torn down
	names []string      // in the order of installation; like all, owned by the turn
	all   map[string]Plugin[H]
	reg   *task.Registry
}

// NewSet returns an empty set for the host, whose plugins come from reg.
func NewSet[H Host](host H, reg *task.Registry) *Set[H] {
	if reg == nil {
		reg = task.NewRegistry()
	}
	return &Set[H]{host: host, reg: reg, turn: make(chan struct{}, 1), all: map[string]Plugin[H]{}}
}

// Add makes a plugin by the packed call of its constructor and sets it up. One of
// the same name is torn down first. A plugin whose Setup fails is not kept.
func (s *Set[H]) Add(ctx context.Context, name string, packed []byte) (Plugin[H], error) {
	if err := s.enter(ctx); err != nil {
		return nil, fmt.Errorf("plugin %s: %w", name, err)
	}
	defer s.exit()
	p, err := Make[Plugin[H]](With(ctx, s.host), s.reg, name, packed)
	if err != nil {
		return nil, err
	}
	if err := s.remove(ctx, name); err != nil {
		s.host.Logger().Warn("plugin that is replaced: teardown failed", "plugin", name, "error", err)
	}
	err = Guard(With(ctx, s.host), "plugin "+name+": setup", func(ctx context.Context) error { return p.Setup(ctx, s.host) })
	if err != nil {
		return nil, err
	}
	s.all[name] = p
	s.names = append(s.names, name)
	return p, nil
}

// Make calls the constructor of a plugin.
func Make[P any](ctx context.Context, reg *task.Registry, name string, packed []byte) (P, error) {
	var none P
	call, err := task.Unpack(packed)
	if err != nil {
		return none, fmt.Errorf("plugin %s: %w", name, err)
	}
	var made any
	err = Guard(ctx, "plugin "+name, func(ctx context.Context) (err error) {
		made, err = reg.Call(ctx, call)
		return err
	})
	if err != nil {
		return none, err
	}
	p, ok := made.(P)
	if !ok {
		return none, fmt.Errorf("plugin %s: function %s returned a %T, which is no %T; see package hook", name, call.Name, made, &none)
	}
	return p, nil
}

// Remove tears a plugin down; one that is not there is an error.
func (s *Set[H]) Remove(ctx context.Context, name string) error {
	if err := s.enter(ctx); err != nil {
		return fmt.Errorf("plugin %s: %w", name, err)
	}
	defer s.exit()
	if s.all[name] == nil {
		return fmt.Errorf("plugin %s is not installed here", name)
	}
	return s.remove(ctx, name)
}

func (s *Set[H]) remove(ctx context.Context, name string) error {
	p := s.all[name]
	if p == nil {
		return nil
	}
	delete(s.all, name)
	s.names = slices.DeleteFunc(s.names, func(n string) bool { return n == name })
	return Guard(With(ctx, s.host), "plugin "+name+": teardown", func(ctx context.Context) error { return p.Teardown(ctx, s.host) })
}

// Close tears all down, the latest first.
func (s *Set[H]) Close(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.exit()
	var errs []error
	for len(s.names) > 0 {
		errs = append(errs, s.remove(ctx, s.names[len(s.names)-1]))
	}
	return errors.Join(errs...)
}

// Each calls f for every plugin, in the order of installation.
func (s *Set[H]) Each(ctx context.Context, f func(name string, p Plugin[H])) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.exit()
	for _, n := range s.names {
		f(n, s.all[n])
	}
	return nil
}

func (s *Set[H]) enter(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("another plugin is still being set up or torn down: %w", context.Cause(ctx))
	}
}

func (s *Set[H]) exit() { <-s.turn }
