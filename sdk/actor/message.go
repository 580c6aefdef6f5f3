package actor

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// message is the request as Dask has it; the fields that begin with gdask are
// for Go workers, and others never see them: only Go callers have a signature.
func (c *Call) message() *wire.UnknownMsg {
	if c.Attribute {
		raw := msgp.AppendMapHeader(nil, 3)
		raw = msgp.AppendString(msgp.AppendString(raw, "op"), "actor_attribute")
		raw = append(msgp.AppendString(raw, "actor"), c.Ref.Key...)
		raw = msgp.AppendString(msgp.AppendString(raw, "attribute"), c.Method)
		return &wire.UnknownMsg{Name: "actor_attribute", Map: wire.Opaque{Raw: raw}}
	}
	body := &execute{c}
	o, _ := wire.BodyOpaque(body) // its parts are encoded already
	return &wire.UnknownMsg{Name: "actor_execute", Map: o}
}

// proxied is the request to the scheduler to pass m on.
func (c *Call) proxied(m *wire.UnknownMsg) *wire.UnknownMsg {
	raw := msgp.AppendMapHeader(nil, 3)
	raw = msgp.AppendString(msgp.AppendString(raw, "op"), "proxy")
	raw = msgp.AppendString(msgp.AppendString(raw, "worker"), c.Ref.Address)
	raw = append(msgp.AppendString(raw, "msg"), m.Map.Raw...)
	return &wire.UnknownMsg{Name: "proxy", Map: wire.Opaque{Raw: raw, Frames: m.Map.Frames}}
}

// execute is the body of actor_execute.
type execute struct{ *Call }

// EachOpaque implements wire.Carrier.
func (e *execute) EachOpaque(f func(*wire.Opaque)) {
	for i := range e.Args {
		f(&e.Args[i])
	}
}

// MarshalMsg implements msgp.Marshaler.
func (e *execute) MarshalMsg(b []byte) ([]byte, error) {
	fields := uint32(5)
	if e.Sig != 0 {
		fields += 2
	}
	b = msgp.AppendMapHeader(b, fields)
	b = msgp.AppendString(msgp.AppendString(b, "op"), "actor_execute")
	b = append(msgp.AppendString(b, "actor"), e.Ref.Key...)
	b = msgp.AppendString(msgp.AppendString(b, "function"), e.Method)
	b = msgp.AppendMapHeader(msgp.AppendString(b, "kwargs"), 0)
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "args"), uint32(len(e.Args)))
	for i := range e.Args {
		var err error
		if b, err = e.Args[i].MarshalMsg(b); err != nil {
			return b, err
		}
	}
	if e.Sig == 0 {
		return b, nil
	}
	b = msgp.AppendUint64(msgp.AppendString(b, "gdask_sig"), e.Sig)
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "gdask_chain"), uint32(len(e.Chain)))
	for _, k := range e.Chain {
		b = append(b, k...)
	}
	return b, nil
}

// result reads the answer.
func (c *Call) result(o wire.Opaque) (wire.Opaque, error) {
	o, err := plain(o)
	if err != nil {
		return o, fmt.Errorf("actor: answer of %s to %s: %w", c.Ref.Address, c.Method, err)
	}
	status, _ := o.Field("status")
	if status.Text() == "OK" {
		value, _ := o.Field("result")
		return value, nil
	}
	e := &CallError{Key: c.Ref.Key, Method: c.Method}
	e.Exception, _ = o.Field("exception")
	if text, ok := o.Field("exception_text"); ok {
		e.Message = text.Text()
	}
	if text, ok := o.Field("traceback_text"); ok {
		e.Stack = text.Text()
	}
	if e.Message == "" {
		if e.Message, _ = e.Exception.AsString(); e.Message == "" {
			e.Message = fmt.Sprintf("a failure of another language (%d bytes)", len(e.Exception.Raw))
		}
	}
	return o, e
}

// plain encodes an answer that came by reference.
func plain(o wire.Opaque) (wire.Opaque, error) {
	if o.Ref == nil || o.Raw != nil {
		return o, nil
	}
	switch v := o.Ref.(type) {
	case wire.Opaque:
		return v, nil
	case msgp.Marshaler:
		return wire.BodyOpaque(v)
	default:
		return wire.OpaqueOf(v)
	}
}
