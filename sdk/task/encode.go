package task

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"
	"time"

	"github.com/tinylib/msgp/msgp"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/gdask/gdask/sdk/wire"
)

// FrameSize is the size in bytes from which a []byte, a slice of numbers or the
// output of an encoding.BinaryMarshaler travels as a frame of its own, without
// being copied.
const FrameSize = 64 << 10

// EncodeValue encodes a value for another process. Numbers, strings, bytes and
// their slices and maps are plain msgpack, which Python reads too; structs are
// msgpack maps by field name (tag msgpack:"..."). Large []byte and slices of
// numbers are not copied: they must not change while the Opaque is in use.
func EncodeValue(v any) (wire.Opaque, error) {
	if o, ok := v.(wire.Opaque); ok {
		return o, nil
	}
	var e encoder
	if err := e.value(v); err != nil {
		return wire.Opaque{}, err
	}
	return wire.Opaque{Raw: e.b, Frames: e.frames}, nil
}

// Encode encodes the call for another process: the msgpack array [name,
// signature, arguments...], with large literals as frames.
func (c *Call) Encode() (wire.Opaque, error) {
	e := encoder{b: make([]byte, 0, 32+len(c.Name)+16*len(c.Args))}
	e.b = msgp.AppendArrayHeader(e.b, uint32(2+len(c.Args)))
	e.b = msgp.AppendString(e.b, c.Name)
	e.b = msgp.AppendUint64(e.b, c.Sig)
	for i := range c.Args {
		if err := e.arg(&c.Args[i]); err != nil {
			return wire.Opaque{}, fmt.Errorf("task: argument %d of %q: %w", i+1, c.Name, err)
		}
	}
	return wire.Opaque{Raw: e.b, Frames: e.frames}, nil
}

// encoder writes msgpack and collects the frames beside it.
type encoder struct {
	b      []byte
	frames [][]byte
}

func (e *encoder) arg(a *Arg) error {
	switch {
	case a.Key != "":
		e.b = msgp.AppendArrayHeader(e.b, 2)
		e.b = msgp.AppendInt(e.b, tagKey)
		e.b = append(e.b, a.Key...) // a key is msgpack already
		return nil
	case a.Nest != nil:
		return e.nest(a.Nest)
	}
	return e.literal(a.Value)
}

// literal writes scalars as they are and wraps what starts like an array or a
// map, so that it is not taken for a tagged argument.
func (e *encoder) literal(v any) error {
	start := len(e.b)
	if err := e.value(v); err != nil {
		return err
	}
	if isScalar(e.b[start]) {
		return nil
	}
	e.b = append(e.b, 0, 0)
	copy(e.b[start+2:], e.b[start:])
	e.b[start], e.b[start+1] = 0x92, tagLiteral
	return nil
}

func (e *encoder) nest(n *Nest) error {
	size := 1 + len(n.Items) + len(n.Names)
	if n.Kind == NestStruct {
		size++
	}
	e.b = msgp.AppendArrayHeader(e.b, uint32(size))
	e.b = msgp.AppendInt(e.b, int(n.Kind))
	if n.Kind == NestStruct {
		if err := e.literal(n.Base); err != nil {
			return err
		}
	}
	for i := range n.Items {
		if n.Kind == NestStruct {
			e.b = msgp.AppendString(e.b, n.Names[i])
		}
		if err := e.arg(&n.Items[i]); err != nil {
			return err
		}
	}
	return nil
}

// value writes any value.
func (e *encoder) value(v any) error {
	switch v := v.(type) {
	case nil:
		e.b = msgp.AppendNil(e.b)
	case bool:
		e.b = msgp.AppendBool(e.b, v)
	case int:
		e.b = msgp.AppendInt(e.b, v)
	case int64:
		e.b = msgp.AppendInt64(e.b, v)
	case float64:
		e.b = msgp.AppendFloat64(e.b, v)
	case string:
		e.b = msgp.AppendString(e.b, v)
	case []byte:
		e.bytes("bytes", v)
	case literal:
		e.splice(v.o)
	case *wire.Opaque, wire.Opaque:
		return fmt.Errorf("task: an encoded value cannot be part of another one; decode it first")
	default:
		return e.reflected(v)
	}
	return nil
}

func (e *encoder) reflected(v any) error {
	rv := reflect.ValueOf(v)
	if k := rv.Kind(); k == reflect.Chan || k == reflect.Func || k == reflect.UnsafePointer {
		return fmt.Errorf("task: a %T cannot leave its process", v)
	}
	if name := rawSlice(rv.Type()); name != "" && !rv.IsNil() {
		if data := sliceBytes(rv); len(data) >= FrameSize {
			e.frame(name, data)
			return nil
		}
	}
	v = addressable(v, rv)
	if m, ok := v.(encoding.BinaryMarshaler); ok && !timed(v) && (rv.Kind() != reflect.Pointer || !rv.IsNil()) {
		data, err := marshalBinary(m)
		if err != nil {
			return fmt.Errorf("task: MarshalBinary of %s: %w", rv.Type(), err)
		}
		e.bytes("binary", data)
		return nil
	}
	return e.msgpack(v, rv.Type())
}

// timed says that v is a time, which has a msgpack form of its own.
func timed(v any) bool {
	switch v.(type) {
	case time.Time, *time.Time:
		return true
	}
	return false
}

// addressable is a pointer to a copy of values whose own codec, or that of a part
// of them, may have a pointer receiver, as url.URL and big.Int do.
func addressable(v any, rv reflect.Value) any {
	t := rv.Type()
	switch {
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Array:
	case t.Name() == "" || t.Kind() == reflect.Pointer || reflect.PointerTo(t).NumMethod() == t.NumMethod():
		return v
	}
	p := reflect.New(t)
	p.Elem().Set(rv)
	return p.Interface()
}

// marshalBinary calls users' code, which may do anything.
func marshalBinary(m encoding.BinaryMarshaler) (data []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return m.MarshalBinary()
}

// msgpack leaves the value, or the value behind a pointer, to the general encoder.
func (e *encoder) msgpack(v any, t reflect.Type) (err error) {
	defer func() { // user types' own encoders may do anything
		if r := recover(); r != nil {
			err = fmt.Errorf("task: encoding a %s: panic: %v", t, r)
		}
	}()
	var buf bytes.Buffer
	enc := msgpack.NewEncoder(&buf)
	enc.UseCompactInts(true)
	enc.SetSortMapKeys(true)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("task: encoding a %s: %w", t, err)
	}
	// More or less than one value would spoil the whole message around it.
	if rest, err := msgp.Skip(buf.Bytes()); err != nil || len(rest) > 0 {
		return fmt.Errorf("task: encoding a %s: its encoder must write exactly one msgpack value", t)
	}
	e.b = append(e.b, buf.Bytes()...)
	return nil
}

// isScalar says that the msgpack value that starts with b is neither array nor map.
func isScalar(b byte) bool {
	return b < 0x80 || b > 0x9f && b < 0xdc || b >= 0xe0
}
