package task

import (
	"bytes"
	"encoding"
	"fmt"
	"reflect"

	"github.com/tinylib/msgp/msgp"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/gdask/gdask/sdk/wire"
)

// DecodeValue decodes what [EncodeValue] made, or a plain msgpack value of a
// Python worker, to a value of type t. With t nil or an interface type the
// value takes its natural form: nil, bool, int, float64, string, []byte, []any,
// map[string]any or a slice of numbers. Large bytes and numbers share memory
// with o's frames.
func DecodeValue(o wire.Opaque, t reflect.Type) (any, error) {
	if t == nil {
		t = anyType
	}
	if o.Ref != nil {
		return asType(o.Ref, t)
	}
	if len(o.Raw) == 0 {
		return zero(t), nil
	}
	if i, ok := readPlaceholder(o.Raw); ok {
		return decodeFrames(o.Frames, i, t)
	}
	if v, ok := decodeScalar(o.Raw, t); ok {
		return v, nil
	}
	return decodeMsgpack(o.Raw, t)
}

func zero(t reflect.Type) any {
	if t.Kind() == reflect.Interface {
		return nil
	}
	return reflect.Zero(t).Interface()
}

// asType is a value that never left the process, as a t.
func asType(v any, t reflect.Type) (any, error) {
	if v == nil {
		return zero(t), nil
	}
	if reflect.TypeOf(v) == t {
		return v, nil
	}
	out, err := convert(reflect.ValueOf(v), t)
	if err != nil {
		return nil, fmt.Errorf("task: the value %w", err)
	}
	return out, nil
}

// decodeScalar is the short way for the types that most arguments have.
func decodeScalar(b []byte, t reflect.Type) (any, bool) {
	if t.PkgPath() != "" {
		return nil, false
	}
	switch t.Kind() {
	case reflect.Int:
		v, rest, err := msgp.ReadIntBytes(b)
		return v, err == nil && len(rest) == 0
	case reflect.Float64:
		v, rest, err := msgp.ReadFloat64Bytes(b)
		return v, err == nil && len(rest) == 0
	case reflect.String:
		v, rest, err := msgp.ReadStringBytes(b)
		return v, err == nil && len(rest) == 0
	case reflect.Bool:
		v, rest, err := msgp.ReadBoolBytes(b)
		return v, err == nil && len(rest) == 0
	}
	return nil, false
}

// decodeMsgpack leaves the value to the general decoder.
func decodeMsgpack(b []byte, t reflect.Type) (v any, err error) {
	defer func() { // user types' own decoders may do anything
		if r := recover(); r != nil {
			v, err = nil, fmt.Errorf("task: decoding a %s: panic: %v", t, r)
		}
	}()
	if err := checkDepth(b); err != nil {
		return nil, err
	}
	if t.Kind() == reflect.Interface {
		v, err := decodeNatural(b)
		if err == nil && v != nil && !reflect.TypeOf(v).AssignableTo(t) {
			err = fmt.Errorf("task: the value is a %T, wants %s", v, t)
		}
		return v, err
	}
	r := bytes.NewReader(b)
	p := reflect.New(t)
	err = msgpack.NewDecoder(r).Decode(p.Interface())
	v = p.Elem().Interface()
	if err != nil {
		return nil, fmt.Errorf("task: decoding %d bytes as %s: %w", len(b), t, err)
	}
	if r.Len() > 0 {
		return nil, fmt.Errorf("task: decoding %d bytes as %s: %d bytes are left over", len(b), t, r.Len())
	}
	return v, nil
}

// maxDepth bounds the nesting of values: decoding recurses.
const maxDepth = 512

// checkDepth refuses values that nest deeper than maxDepth or are cut off.
func checkDepth(b []byte) error {
	open := make([]uint64, 1, 16) // values left in each open container
	open[0] = 1
	for len(open) > 0 {
		if open[len(open)-1] == 0 {
			open = open[:len(open)-1]
			continue
		}
		open[len(open)-1]--
		var n uint32
		var err error
		switch msgp.NextType(b) {
		case msgp.ArrayType:
			n, b, err = msgp.ReadArrayHeaderBytes(b)
			open = append(open, uint64(n))
		case msgp.MapType:
			n, b, err = msgp.ReadMapHeaderBytes(b)
			open = append(open, 2*uint64(n))
		default:
			b, err = msgp.Skip(b)
		}
		if err != nil {
			return fmt.Errorf("task: value: %w", err)
		}
		if len(open) > maxDepth {
			return fmt.Errorf("task: value nests deeper than %d levels", maxDepth)
		}
	}
	return nil
}

// decodeFrames decodes the value whose header is frames[i].
func decodeFrames(frames [][]byte, i int, t reflect.Type) (any, error) {
	if i >= len(frames) {
		return nil, fmt.Errorf("task: value points to frame %d of %d", i, len(frames))
	}
	h, err := readHeader(frames[i])
	if err != nil {
		return nil, err
	}
	if h.serializer != serializer {
		return nil, fmt.Errorf("task: the value is a Python object (serializer %q) that Go cannot read; "+
			"return plain numbers, strings, bytes, lists or dicts from the Python task", h.serializer)
	}
	if h.frames != 1 || i+1 >= len(frames) {
		return nil, fmt.Errorf("task: value in frame %d has %d sub-frames and %d are there, wants 1", i, h.frames, len(frames)-i-1)
	}
	return decodeFrame(h.typ, frames[i+1], t)
}

func decodeFrame(typ string, data []byte, t reflect.Type) (any, error) {
	if typ == "binary" {
		return unmarshalBinary(data, t)
	}
	have := frameType(typ)
	if have == nil {
		return nil, fmt.Errorf("task: value has the unknown frame type %q; the peer is newer than this process", typ)
	}
	if t.Kind() == reflect.Slice && t.Elem().Kind() == have.Elem().Kind() {
		have = t
	}
	s, err := sliceFrom(data, have)
	if err != nil {
		return nil, err
	}
	return asType(s.Interface(), t)
}

func frameType(typ string) reflect.Type {
	if typ == "bytes" {
		return reflect.TypeFor[[]byte]()
	}
	for _, t := range []reflect.Type{
		reflect.TypeFor[[]int](), reflect.TypeFor[[]int8](), reflect.TypeFor[[]int16](), reflect.TypeFor[[]int32](),
		reflect.TypeFor[[]int64](), reflect.TypeFor[[]uint](), reflect.TypeFor[[]uint8](), reflect.TypeFor[[]uint16](),
		reflect.TypeFor[[]uint32](), reflect.TypeFor[[]uint64](), reflect.TypeFor[[]float32](), reflect.TypeFor[[]float64](),
	} {
		if typ == "[]"+t.Elem().Kind().String() {
			return t
		}
	}
	return nil
}

func unmarshalBinary(data []byte, t reflect.Type) (v any, err error) {
	defer func() {
		if r := recover(); r != nil {
			v, err = nil, fmt.Errorf("task: UnmarshalBinary of %s: panic: %v", t, r)
		}
	}()
	p, ptr := reflect.New(t), false
	if t.Kind() == reflect.Pointer {
		p, ptr = reflect.New(t.Elem()), true
	}
	u, ok := reflect.TypeAssert[encoding.BinaryUnmarshaler](p)
	if !ok {
		return asType(data, t)
	}
	if err := u.UnmarshalBinary(data); err != nil {
		return nil, fmt.Errorf("task: UnmarshalBinary of %s: %w", t, err)
	}
	if ptr {
		return p.Interface(), nil
	}
	return p.Elem().Interface(), nil
}
