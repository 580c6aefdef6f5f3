package scheduler

import (
	"fmt"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
)

// request reads the fields of a message that has no Go struct. Fields are views
// of the message's bytes.
type request struct {
	op     string
	fields map[string]wire.Opaque
}

// newRequest splits m into its fields, whatever its Go type.
func newRequest(m wire.Msg) (*request, error) {
	var whole wire.Opaque
	if u, ok := m.(*wire.UnknownMsg); ok {
		whole = u.Map
	} else {
		b, err := m.MarshalMsg(nil)
		if err != nil {
			return nil, fmt.Errorf("operation %s: %w", m.Op(), err)
		}
		whole.Raw = b
	}
	fields, err := splitMap(whole)
	if err != nil {
		return nil, fmt.Errorf("operation %s: %w", m.Op(), err)
	}
	return &request{op: m.Op(), fields: fields}, nil
}

// splitMap returns views of the values of a msgpack map with text keys.
func splitMap(o wire.Opaque) (map[string]wire.Opaque, error) {
	n, b, err := msgp.ReadMapHeaderBytes(o.Raw)
	if err != nil {
		return nil, fmt.Errorf("not a map: %w", err)
	}
	fields := make(map[string]wire.Opaque, min(n, 64))
	for range n {
		var key []byte
		if key, b, err = msgp.ReadMapKeyZC(b); err != nil {
			return nil, fmt.Errorf("field name: %w", err)
		}
		var value []byte
		if value, b, err = nextValue(b); err != nil {
			return nil, fmt.Errorf("field %q: %w", key, err)
		}
		fields[string(key)] = wire.Opaque{Raw: value, Frames: o.Frames}
	}
	return fields, nil
}

// nextValue cuts one msgpack value off b.
func nextValue(b []byte) (value, rest []byte, err error) {
	if rest, err = msgp.Skip(b); err != nil {
		return nil, b, err
	}
	n := len(b) - len(rest)
	return b[:n:n], rest, nil
}

func (r *request) has(name string) bool { return !r.fields[name].IsNil() }

// raw is the msgpack bytes of a field; nil when absent.
func (r *request) raw(name string) []byte { return r.fields[name].Raw }

func (r *request) opaque(name string) wire.Opaque { return r.fields[name] }

// str is a text field; numbers are written out, nil and absence are "".
func (r *request) str(name string) string { return textOf(r.fields[name]) }

func (r *request) bool(name string, absent bool) bool {
	if !r.has(name) {
		return absent
	}
	v, _, err := msgp.ReadBoolBytes(r.raw(name))
	if err != nil {
		return r.float(name, 0) != 0
	}
	return v
}

func (r *request) float(name string, absent float64) float64 {
	v, _, err := msgp.ReadFloat64Bytes(r.raw(name))
	if err == nil {
		return v
	}
	if i, _, err := msgp.ReadInt64Bytes(r.raw(name)); err == nil {
		return float64(i)
	}
	return absent
}

// duration is a number of seconds or a text such as "30 s".
func (r *request) duration(name string, absent time.Duration) time.Duration {
	var d wire.Duration
	if !r.has(name) {
		return absent
	}
	if _, err := d.UnmarshalMsg(r.raw(name)); err != nil || d < 0 || float64(d) > 1e9 {
		return absent
	}
	return time.Duration(float64(d) * float64(time.Second))
}

// items are the elements of an array or a set; a bare value counts as one.
func (r *request) items(name string) ([]wire.Opaque, error) {
	if !r.has(name) {
		return nil, nil
	}
	return elements(r.fields[name])
}

func elements(o wire.Opaque) ([]wire.Opaque, error) {
	b := o.Raw
	switch msgp.NextType(b) {
	case msgp.ArrayType:
	case msgp.MapType: // {"__Set__": true, "as-list": [...]}
		fields, err := splitMap(o)
		if err != nil {
			return nil, err
		}
		list, ok := fields["as-list"]
		if !ok {
			return nil, fmt.Errorf("a list or set was expected, not a map")
		}
		if msgp.NextType(list.Raw) != msgp.ArrayType {
			return nil, fmt.Errorf("a set was expected to have its elements in a list")
		}
		return elements(list)
	default:
		return []wire.Opaque{o}, nil
	}
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return nil, err
	}
	out := make([]wire.Opaque, 0, min(int(n), len(b)))
	for range n {
		var v []byte
		if v, b, err = nextValue(b); err != nil {
			return nil, err
		}
		out = append(out, wire.Opaque{Raw: v, Frames: o.Frames})
	}
	return out, nil
}

// keys are task keys.
func (r *request) keys(name string) ([]wire.Key, error) {
	items, err := r.items(name)
	if err != nil {
		return nil, fmt.Errorf("operation %s: field %s: %w", r.op, name, err)
	}
	keys := make([]wire.Key, len(items))
	for i, o := range items {
		if keys[i], _, err = wire.ParseKey(o.Raw); err != nil {
			return nil, fmt.Errorf("operation %s: field %s: %w", r.op, name, err)
		}
	}
	return keys, nil
}

// texts are strings; numbers are written out, (host, port) pairs joined.
func (r *request) texts(name string) ([]string, error) {
	items, err := r.items(name)
	if err != nil {
		return nil, fmt.Errorf("operation %s: field %s: %w", r.op, name, err)
	}
	out := make([]string, len(items))
	for i, o := range items {
		out[i] = textOf(o)
		if pair, err := elements(o); err == nil && len(pair) == 2 {
			out[i] = textOf(pair[0]) + ":" + textOf(pair[1])
		}
	}
	return out, nil
}

// updateData reads who_has, nbytes and the client that wants the keys.
func (r *request) updateData(owner string) (state.UpdateData, error) {
	e := state.UpdateData{Client: owner}
	if r.has("client") {
		e.Client = r.str("client")
	}
	for name, into := range map[string]msgp.Unmarshaler{"who_has": &e.WhoHas, "nbytes": &e.Nbytes} {
		if !r.has(name) {
			continue
		}
		if _, err := into.UnmarshalMsg(r.raw(name)); err != nil {
			return e, fmt.Errorf("operation %s: field %s: %w", r.op, name, err)
		}
	}
	return e, nil
}
