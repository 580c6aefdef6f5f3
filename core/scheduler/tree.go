package scheduler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gdask/gdask/core/dump"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
)

// field and object are a map in a fixed order. Values are nil, bool, int,
// int64, float64, string, []string, []any, wire.Key, []wire.Key, keyList,
// object, keyed, *wire.Opaque or a msgp.Marshaler.
type field struct {
	name  string
	value any
}

type object []field

// keyed is a map by task keys.
type keyed []keyedItem

type keyedItem struct {
	key   wire.Key
	value any
}

// tree is an answer made of such values.
type tree struct{ v any }

var errWriteOnly = errors.New("scheduler: an answer cannot be read into its own form")

// MarshalMsg implements msgp.Marshaler.
func (t *tree) MarshalMsg(b []byte) ([]byte, error) { return appendTree(b, t.v) }

// UnmarshalMsg implements msgp.Unmarshaler; trees are only written.
func (t *tree) UnmarshalMsg(b []byte) ([]byte, error) { return b, errWriteOnly }

// Msgsize implements msgp.Sizer.
func (t *tree) Msgsize() int { return 256 }

// EachOpaque implements wire.Carrier.
func (t *tree) EachOpaque(f func(*wire.Opaque)) { eachOpaque(t.v, f) }

func appendTree(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case object:
		return appendObject(b, v)
	case keyed:
		return appendKeyed(b, v)
	case []any:
		var err error
		b = msgp.AppendArrayHeader(b, uint32(len(v)))
		for i := range v {
			if b, err = appendTree(b, v[i]); err != nil {
				return b, err
			}
		}
		return b, nil
	case []string:
		b = msgp.AppendArrayHeader(b, uint32(len(v)))
		for _, s := range v {
			b = msgp.AppendString(b, s)
		}
		return b, nil
	case []wire.Key:
		b = msgp.AppendArrayHeader(b, uint32(len(v)))
		for _, k := range v {
			b = append(b, k...)
		}
		return b, nil
	case keyList:
		b = msgp.AppendArrayHeader(b, uint32(len(v)))
		for _, k := range v {
			b = msgp.AppendString(b, k.String())
		}
		return b, nil
	case wire.Key:
		return append(b, v...), nil
	case msgp.Marshaler:
		return v.MarshalMsg(b)
	}
	b, err := msgp.AppendIntf(b, v)
	if err != nil {
		return b, fmt.Errorf("scheduler: answer with a %T: %w", v, err)
	}
	return b, nil
}

func appendObject(b []byte, o object) (_ []byte, err error) {
	b = msgp.AppendMapHeader(b, uint32(len(o)))
	for i := range o {
		b = msgp.AppendString(b, o[i].name)
		if b, err = appendTree(b, o[i].value); err != nil {
			return b, err
		}
	}
	return b, nil
}

func appendKeyed(b []byte, o keyed) (_ []byte, err error) {
	b = msgp.AppendMapHeader(b, uint32(len(o)))
	for i := range o {
		b = append(b, o[i].key...)
		if b, err = appendTree(b, o[i].value); err != nil {
			return b, err
		}
	}
	return b, nil
}

func eachOpaque(v any, f func(*wire.Opaque)) {
	switch v := v.(type) {
	case *wire.Opaque:
		f(v)
	case object:
		for i := range v {
			eachOpaque(v[i].value, f)
		}
	case keyed:
		for i := range v {
			eachOpaque(v[i].value, f)
		}
	case []any:
		for i := range v {
			eachOpaque(v[i], f)
		}
	case wire.Carrier:
		v.EachOpaque(f)
	}
}

// MarshalJSON implements json.Marshaler: fields stay in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(o[i].name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(jsonValue(o[i].value))
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", o[i].name, err)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// jsonValue replaces what JSON does not know.
func jsonValue(v any) any {
	switch v := v.(type) {
	case *wire.Opaque:
		if len(v.Raw) == 0 {
			return v.Ref
		}
		x, err := dump.Decode(v.Raw)
		if err != nil {
			return nil
		}
		return x
	case wire.Key:
		return v.String()
	}
	return v
}

// get is the value of a field, or nil.
func (o object) get(name string) any {
	for i := range o {
		if o[i].name == name {
			return o[i].value
		}
	}
	return nil
}

// without is o without some fields.
func (o object) without(names ...string) object {
	out := make(object, 0, len(o))
next:
	for _, f := range o {
		for _, n := range names {
			if f.name == n {
				continue next
			}
		}
		out = append(out, f)
	}
	return out
}
