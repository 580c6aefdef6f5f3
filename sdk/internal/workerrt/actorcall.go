package workerrt

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// callActor answers actor_execute and actor_attribute.
func (w *Worker) callActor(op string, m wire.Opaque) any {
	c, a, err := w.actorCall(op, m)
	if err != nil {
		return wire.FailureOf(err)
	}
	return a.call(c)
}

func (w *Worker) actorCall(op string, m wire.Opaque) (*actorCall, *actor, error) {
	field, _ := m.Field("actor")
	k, _, err := wire.ParseKey(field.Raw)
	if err != nil {
		return nil, nil, fmt.Errorf("worker: %s: field actor: %w", op, err)
	}
	a := w.actors.find(k)
	if a == nil {
		return nil, nil, fmt.Errorf("worker: %s: no actor %s lives on %s; it may have ended, or be another worker's", op, k, w.address)
	}
	name := "function"
	if op == "actor_attribute" {
		name = "attribute"
	}
	what, _ := m.Field(name)
	c := &actorCall{what: what.Text()}
	if op == "actor_attribute" {
		c.do = func(context.Context) any { return actorReply(a.attribute(c.what)) }
		return c, a, nil
	}
	if c.chain, err = chainOf(m); err != nil {
		return nil, nil, err
	}
	if slices.Contains(c.chain, k) {
		return nil, nil, fmt.Errorf("worker: actor %s would wait for itself: it is called by %v, which it waits for; "+
			"call a method of the object itself, or do not call back", k, c.chain)
	}
	c.do = func(ctx context.Context) any { return actorReply(a.execute(ctx, c.what, m)) }
	return c, a, nil
}

// chainOf are the actors that wait for a call.
func chainOf(m wire.Opaque) ([]wire.Key, error) {
	o, ok := m.Field("gdask_chain")
	if !ok {
		return nil, nil
	}
	var keys wire.KeySet
	if _, err := keys.UnmarshalMsg(o.Raw); err != nil {
		return nil, fmt.Errorf("worker: actor_execute: field gdask_chain: %w", err)
	}
	return keys, nil
}

// execute calls a method with the arguments of a message.
func (a *actor) execute(ctx context.Context, method string, m wire.Opaque) (any, error) {
	f, err := task.Method(a.value, method)
	if err != nil {
		return nil, err
	}
	if o, ok := m.Field("gdask_sig"); ok {
		if sig, _, err := msgp.ReadUint64Bytes(o.Raw); err != nil || sig != f.Sig() {
			return nil, fmt.Errorf("worker: method %s of a %T is a %s here, and has another signature at the caller; "+
				"build client and workers from the same source", method, a.value, f.Signature())
		}
	}
	args, err := argsOf(f, m)
	if err != nil {
		return nil, fmt.Errorf("worker: method %s of a %T: %w", method, a.value, err)
	}
	return f.Invoke(ctx, args)
}

// argsOf decodes the arguments to the types of the parameters.
func argsOf(f *task.Function, m wire.Opaque) ([]any, error) {
	if kw, ok := m.Field("kwargs"); ok {
		if n, _, err := msgp.ReadMapHeaderBytes(kw.Raw); err == nil && n > 0 {
			return nil, errors.New("arguments by name are for Python actors; give them in order")
		}
	}
	o, ok := m.Field("args")
	if !ok {
		return nil, nil
	}
	n, b, err := msgp.ReadArrayHeaderBytes(o.Raw)
	if err != nil {
		return nil, fmt.Errorf("arguments: %w", err)
	}
	var args []any
	for i := range int(n) {
		t := f.Accepts(i)
		if t == nil {
			return nil, fmt.Errorf("takes %d arguments, got %d", f.NumIn(), n)
		}
		rest, err := msgp.Skip(b)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		v, err := task.DecodeValue(wire.Opaque{Raw: b[:len(b)-len(rest)], Frames: o.Frames}, t)
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
		args, b = append(args, v), rest
	}
	return args, nil
}

// attribute reads an exported field of the object.
func (a *actor) attribute(name string) (any, error) {
	v := reflect.ValueOf(a.value)
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() == reflect.Struct {
		if f, ok := v.Type().FieldByName(name); ok && f.IsExported() {
			got, err := v.FieldByIndexErr(f.Index)
			if err != nil {
				return nil, fmt.Errorf("worker: field %s of a %T: %w", name, a.value, err)
			}
			return got.Interface(), nil
		}
	}
	return nil, fmt.Errorf("worker: a %T has no exported field %s", a.value, name)
}

// actorReply is a method's outcome as Dask has it. The result is encoded here,
// in the actor's turn: the next call may change what it points to.
func actorReply(v any, err error) (reply any) {
	defer func() { // methods of values and errors are users' code
		if r := recover(); r != nil {
			p := task.NewPanicError(r)
			reply = actorFailure(failureOf(p.Error(), p).Exception, p.Error(), p.Stack)
		}
	}()
	var o wire.Opaque
	if err == nil {
		o, err = task.EncodeValue(v)
	}
	if err != nil {
		f := failureOf(err.Error(), err)
		return actorFailure(f.Exception, f.Text, f.TracebackText)
	}
	raw := msgp.AppendMapHeader(nil, 2)
	raw = msgp.AppendString(msgp.AppendString(raw, "status"), "OK")
	raw = append(msgp.AppendString(raw, "result"), o.Raw...)
	return wire.Opaque{Raw: raw, Frames: o.Frames}
}

func actorFailure(exception wire.Opaque, text, stack string) wire.Opaque {
	raw := msgp.AppendMapHeader(nil, 4)
	raw = msgp.AppendString(msgp.AppendString(raw, "status"), "error")
	raw = append(msgp.AppendString(raw, "exception"), exception.Raw...)
	raw = msgp.AppendString(msgp.AppendString(raw, "exception_text"), text)
	raw = msgp.AppendString(msgp.AppendString(raw, "traceback_text"), stack)
	return wire.Opaque{Raw: raw, Frames: exception.Frames}
}
