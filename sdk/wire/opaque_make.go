package wire

import "github.com/tinylib/msgp/msgp"

// StringOpaque is a msgpack str.
func StringOpaque(s string) Opaque { return Opaque{Raw: msgp.AppendString(nil, s)} }

// BytesOpaque is a msgpack bin, the form of a pickle in an exception field.
func BytesOpaque(b []byte) Opaque { return Opaque{Raw: msgp.AppendBytes(nil, b)} }

// OpaqueOf encodes a simple value: nil, bool, number, string, []byte, or slices
// and string-keyed maps of these. Other types are an error that names the type.
func OpaqueOf(v any) (Opaque, error) {
	b, err := appendAny(nil, v)
	return Opaque{Raw: b}, err
}

// BodyOpaque encodes a message without its op, or a reply, with its frames. m
// must not be in use elsewhere.
func BodyOpaque(m msgp.Marshaler) (Opaque, error) {
	var o Opaque
	if c, ok := m.(Carrier); ok {
		c.EachOpaque(func(part *Opaque) {
			// Base 0 stands for "as it is", which is what the first one needs.
			part.base = len(o.Frames)
			o.Frames = append(o.Frames, part.Frames...)
		})
	}
	var err error
	o.Raw, err = m.MarshalMsg(nil)
	return o, err
}

// AsString is the value as text when it is a str or bin.
func (o Opaque) AsString() (string, bool) {
	if s, ok := o.Ref.(string); ok && len(o.Raw) == 0 {
		return s, true
	}
	switch msgp.NextType(o.Raw) {
	case msgp.StrType, msgp.BinType:
		s, _, err := readText(o.Raw)
		return s, err == nil
	default:
		return "", false
	}
}

// Text is the value as text whatever its type is; nil is "".
func (o Opaque) Text() string {
	if len(o.Raw) == 0 {
		return ""
	}
	s, _, err := readText(o.Raw)
	if err != nil {
		return ""
	}
	return s
}

// Field returns the value of a str key when the value is a map.
func (o Opaque) Field(name string) (Opaque, bool) {
	v := fieldOf(o.Raw, name)
	if v == nil {
		return Opaque{}, false
	}
	rest, err := skip(v)
	if err != nil {
		return Opaque{}, false
	}
	return Opaque{Raw: v[:len(v)-len(rest)], Frames: o.Frames}.narrow(), true
}

// Each calls f for the entries of a map with text keys, in their order.
func (o Opaque) Each(f func(key string, v Opaque)) error {
	n, b, err := msgp.ReadMapHeaderBytes(o.Raw)
	for i := uint32(0); i < n && err == nil; i++ {
		var key string
		if key, b, err = readText(b); err != nil {
			break
		}
		rest, failed := skip(b)
		if failed != nil {
			return failed
		}
		f(key, Opaque{Raw: b[:len(b)-len(rest)], Frames: o.Frames}.narrow())
		b = rest
	}
	return err
}

// narrow keeps only the frames that the value's own placeholders point to.
func (o Opaque) narrow() Opaque {
	if len(o.Frames) == 0 {
		return o
	}
	d := newDecoder()
	d.part(o)
	n := Opaque{Raw: o.Raw}
	d.settle(&n)
	return n
}

func appendAny(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return msgp.AppendNil(b), nil
	case Opaque:
		return v.MarshalMsg(b)
	case msgp.Marshaler:
		return v.MarshalMsg(b)
	case []string:
		return appendStrings(b, v), nil
	default:
		return msgp.AppendIntf(b, v)
	}
}
