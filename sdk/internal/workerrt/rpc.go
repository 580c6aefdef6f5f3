package workerrt

import (
	"context"
	"fmt"
	"os"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/internal/workerrt/state"
	"github.com/gdask/gdask/sdk/wire"
)

// request answers the operations that are rare enough to have no Go struct.
func (w *Worker) request(m wire.Msg) any {
	whole, err := wholeOf(m)
	if err != nil {
		return wire.FailureOf(fmt.Errorf("worker: operation %s: %w", m.Op(), err))
	}
	var reply any
	switch m.Op() {
	case "identity":
		reply = w.identity()
	case "versions":
		reply = versions()
	case "keys":
		reply = w.keys()
	case "free_keys":
		reply, err = w.freeKeys(whole)
	case "gather":
		reply, err = w.gatherRequest(whole)
	case "get_logs":
		reply = w.getLogs(whole)
	case "run":
		return hook.Run(w.ctx, w.guest, w.set.Registry, whole, w.wg.Go)
	case "plugin-add", "plugin-remove":
		reply = w.pluginRequest(m.Op(), whole)
	case "get_story":
		reply, err = w.story(whole)
	case "call_stack":
		reply, err = w.callStack(whole)
	case "dump_state":
		reply, err = w.dumpState(whole)
	case "terminate":
		w.leaveSoon(nil)
		reply = "OK"
	case "ping", "echo":
		reply = "pong"
	case "actor_execute", "actor_attribute":
		return w.callActor(m.Op(), whole)
	case "run_coroutine", "profile":
		err = fmt.Errorf("worker: operation %q is for Python workers; this is a Go worker", m.Op())
	default:
		err = fmt.Errorf("worker: unknown operation %q", m.Op())
	}
	switch r := reply.(type) {
	case wire.Opaque:
		if err == nil {
			return r
		}
	case *wire.Failure:
		return r
	}
	var o wire.Opaque
	if err == nil {
		o, err = wire.OpaqueOf(reply)
	}
	if err != nil {
		return wire.FailureOf(err)
	}
	return o
}

// wholeOf is a message as the map that it is on the wire.
func wholeOf(m wire.Msg) (wire.Opaque, error) {
	if u, ok := m.(*wire.UnknownMsg); ok {
		return u.Map, nil
	}
	raw, err := m.MarshalMsg(nil)
	return wire.Opaque{Raw: raw}, err
}

func (w *Worker) identity() map[string]any {
	return map[string]any{
		"type": "Worker", "id": w.id, "name": w.name, "address": w.address, "scheduler": w.set.Scheduler,
		"nthreads": w.set.NThreads, "memory_limit": w.set.MemoryLimit, "local_directory": w.dir.path,
		"status": w.Status(), "pid": os.Getpid(),
	}
}

func (w *Worker) keys() wire.Opaque {
	var raw []byte
	w.inbox.do(func() {
		n := uint32(0)
		w.m.Each(func(t *state.Task) {
			if t.State == state.Memory {
				raw = append(raw, t.Key...)
				n++
			}
		})
		raw = append(msgp.AppendArrayHeader(nil, n), raw...)
	})
	return wire.Opaque{Raw: raw}
}

func (w *Worker) freeKeys(m wire.Opaque) (any, error) {
	var keys wire.KeySet
	if o, ok := m.Field("keys"); ok {
		if _, err := keys.UnmarshalMsg(o.Raw); err != nil {
			return nil, fmt.Errorf("worker: free_keys: %w", err)
		}
	}
	w.inbox.do(func() { w.handleMsg(&wire.FreeKeys{Keys: keys, StimulusID: "free_keys"}) })
	return map[string]any{"status": "OK"}, nil
}

func (w *Worker) gatherRequest(m wire.Opaque) (any, error) {
	var whoHas wire.KeyAddresses
	if o, ok := m.Field("who_has"); ok {
		if _, err := whoHas.UnmarshalMsg(o.Raw); err != nil {
			return nil, fmt.Errorf("worker: gather: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(w.ctx, transferPatience)
	defer cancel()
	missing := w.gatherFrom(ctx, whoHas)
	if len(missing) == 0 {
		return map[string]any{"status": "OK"}, nil
	}
	raw := msgp.AppendMapHeader(nil, 2)
	raw = msgp.AppendString(msgp.AppendString(raw, "status"), "partial-fail")
	raw = msgp.AppendArrayHeader(msgp.AppendString(raw, "keys"), uint32(len(missing)))
	for _, k := range missing {
		raw = append(raw, k...)
	}
	return wire.Opaque{Raw: raw}, nil
}

// getLogs are the last lines as pairs of level and text, newest first.
func (w *Worker) getLogs(m wire.Opaque) any {
	n := 0
	if o, ok := m.Field("n"); ok {
		if i, _, err := msgp.ReadIntBytes(o.Raw); err == nil {
			n = i
		}
	}
	lines := w.logs.last(n)
	out := make([]any, len(lines))
	for i, l := range lines {
		out[i] = []any{l.level, l.text}
	}
	return out
}
