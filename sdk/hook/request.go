package hook

import (
	"context"
	"errors"
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// Fields of requests between gdask peers.
const (
	CallField   = "gdask_call"   // of run: a packed call in place of Python's function
	PluginField = "gdask_plugin" // of plugin_add: the packed call of a plugin's constructor
)

// Run answers the operation run: the call of a registered function at once,
// outside of tasks. ctx is the host's life; who does not wait gets an answer before the
// function has ended, and spawn owns its goroutine.
func Run(ctx context.Context, h Host, reg *task.Registry, m wire.Opaque, spawn func(func())) any {
	o, ok := m.Field(CallField)
	if !ok {
		return wire.FailureOf(errors.New("run: this is a Go process, which runs registered functions only, not Python ones"))
	}
	call, err := readCall(o)
	if err != nil {
		return wire.FailureOf(fmt.Errorf("run: %w", err))
	}
	ctx = With(ctx, h)
	if wait, ok := m.Field("wait"); ok && isFalse(wait) {
		spawn(func() {
			if _, err := reg.Call(ctx, call); err != nil {
				h.Logger().Warn("run: a function that nobody waits for failed", "function", call.Name, "error", err)
			}
		})
		return answer("OK", wire.Opaque{Raw: msgp.AppendNil(nil)})
	}
	value, err := reg.Call(ctx, call)
	var result wire.Opaque
	if err == nil {
		result, err = task.EncodeValue(value)
	}
	if err != nil {
		h.Logger().Warn("run: a function failed", "function", call.Name, "error", err)
		return failed(err)
	}
	return answer("OK", result)
}

func readCall(o wire.Opaque) (*task.Call, error) {
	if msgp.NextType(o.Raw) != msgp.BinType {
		return task.DecodeCall(o)
	}
	b, _, err := msgp.ReadBytesZC(o.Raw)
	if err != nil {
		return nil, err
	}
	return task.Unpack(b)
}

func isFalse(o wire.Opaque) bool {
	v, _, err := msgp.ReadBoolBytes(o.Raw)
	return err == nil && !v
}

func answer(status string, result wire.Opaque) wire.Opaque {
	raw := msgp.AppendString(msgp.AppendString(msgp.AppendMapHeader(nil, 2), "status"), status)
	raw = append(msgp.AppendString(raw, "result"), result.Raw...)
	return wire.Opaque{Raw: raw, Frames: result.Frames}
}

// failed is Dask's answer for code of a user's that failed.
func failed(err error) any {
	f := wire.FailureOf(err)
	f.Status = "error"
	if p, ok := errors.AsType[*task.PanicError](err); ok {
		f.TracebackText = p.Stack
	}
	o, err := wire.BodyOpaque(f)
	if err != nil {
		return wire.FailureOf(err)
	}
	return o
}

// AddPlugin answers the operation plugin_add.
func AddPlugin[H Host](ctx context.Context, s *Set[H], m wire.Opaque) (Plugin[H], any) {
	name, packed, err := pluginFields(m)
	if err != nil {
		return nil, wire.FailureOf(err)
	}
	p, err := s.Add(ctx, name, packed)
	if err != nil {
		s.host.Logger().Warn("a plugin failed", "plugin", name, "error", err)
		return nil, failed(err)
	}
	s.host.Logger().Info("plugin installed", "plugin", name)
	return p, okay()
}

// RemovePlugin answers the operation plugin_remove.
func RemovePlugin[H Host](ctx context.Context, s *Set[H], m wire.Opaque) any {
	o, _ := m.Field("name")
	if err := s.Remove(ctx, o.Text()); err != nil {
		s.host.Logger().Warn("a plugin failed", "plugin", o.Text(), "error", err)
		return failed(err)
	}
	return okay()
}

// okay is Dask's answer of an operation that has nothing else to say.
func okay() map[string]any { return map[string]any{"status": "OK"} }

func pluginFields(m wire.Opaque) (name string, packed []byte, err error) {
	o, _ := m.Field("name")
	if name = o.Text(); name == "" {
		return "", nil, errors.New("plugin_add: the plugin has no name (field name)")
	}
	o, ok := m.Field(PluginField)
	if !ok {
		return "", nil, fmt.Errorf("plugin_add: plugin %s is one of Python's; this is a Go process", name)
	}
	packed, _, err = msgp.ReadBytesZC(o.Raw)
	return name, packed, err
}

// Installs reads the plugins that a scheduler names to who registers: packed
// calls by name, in the order of their registration.
func Installs(o wire.Opaque) (names []string, packed [][]byte, err error) {
	n, b, err := msgp.ReadMapHeaderBytes(o.Raw)
	if err != nil {
		if o.IsNil() {
			return nil, nil, nil
		}
		return nil, nil, fmt.Errorf("plugins of the scheduler: %w", err)
	}
	for range n {
		var name string
		var call []byte
		if name, b, err = msgp.ReadStringBytes(b); err == nil {
			call, b, err = msgp.ReadBytesBytes(b, nil)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("plugins of the scheduler: %w", err)
		}
		names, packed = append(names, name), append(packed, call)
	}
	return names, packed, nil
}
