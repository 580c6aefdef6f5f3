package task

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/gdask/gdask/sdk/wire"
)

// CodecError says why a value would not come back as what it is after encoding
// and decoding.
type CodecError struct {
	Type string // of the value
	Why  string // what in it has no codec
}

// Error implements error.
func (e *CodecError) Error() string {
	return fmt.Sprintf("task: a %s cannot be written and read back: %s; export its fields, or give it MarshalBinary and UnmarshalBinary",
		e.Type, e.Why)
}

// Faithful returns nil when a value that is encoded with [EncodeValue] and
// decoded to its [FaithfulType] again is the same, and otherwise a *CodecError. Encoding
// for another process is more lenient: it leaves out what has no codec. A type
// that has a codec of its own is trusted.
func Faithful(v any) error {
	switch v := v.(type) {
	case nil, wire.Opaque:
		return nil
	case []any, map[string]any:
		if why := unnatural(v, 0); why != "" {
			return &CodecError{fmt.Sprintf("%T", v), why}
		}
		return nil
	}
	t := reflect.TypeOf(v)
	if why := unfaithful(t, nil); why != "" {
		return &CodecError{t.String(), why}
	}
	return nil
}

// FaithfulType is the type to decode a value to that is to be what it was.
func FaithfulType(v any) reflect.Type {
	switch v.(type) {
	case nil, []any, map[string]any:
		return anyType // their parts take their natural forms
	}
	return reflect.TypeOf(v)
}

// unnatural is what keeps a value from having its natural form already.
func unnatural(v any, depth int) string {
	if depth >= maxDepth {
		return "it nests too deep"
	}
	switch v := v.(type) {
	case nil, bool, int, float64, string, []byte:
		return ""
	case []any:
		for _, x := range v {
			if why := unnatural(x, depth+1); why != "" {
				return why
			}
		}
		return ""
	case map[string]any:
		for _, x := range v {
			if why := unnatural(x, depth+1); why != "" {
				return why
			}
		}
		return ""
	}
	return fmt.Sprintf("it holds a %T where its type says any", v)
}

// codecs are the interfaces of types that see to their own coding.
func codecs() [][2]reflect.Type {
	return [][2]reflect.Type{
		{reflect.TypeFor[encoding.BinaryMarshaler](), reflect.TypeFor[encoding.BinaryUnmarshaler]()},
		{reflect.TypeFor[msgpack.CustomEncoder](), reflect.TypeFor[msgpack.CustomDecoder]()},
		{reflect.TypeFor[msgpack.Marshaler](), reflect.TypeFor[msgpack.Unmarshaler]()},
	}
}

func ownCodec(t reflect.Type) bool {
	if t == reflect.TypeFor[time.Time]() {
		return true
	}
	for _, c := range codecs() {
		if p := reflect.PointerTo(t); p.Implements(c[0]) && p.Implements(c[1]) {
			return true
		}
	}
	return false
}

// unfaithful is what in a type has no codec; open are the types that it is part of.
func unfaithful(t reflect.Type, open []reflect.Type) string {
	if ownCodec(t) {
		return ""
	}
	if slices.Contains(open, t) {
		return fmt.Sprintf("%s contains itself, so that its values may have no end", t)
	}
	open = append(open, t)
	switch t.Kind() {
	case reflect.Pointer:
		return unfaithfulPointer(t, open)
	case reflect.Slice, reflect.Array:
		return unfaithful(t.Elem(), open)
	case reflect.Map:
		if why := unfaithful(t.Key(), open); why != "" {
			return why
		}
		return unfaithful(t.Elem(), open)
	case reflect.Struct:
		return unfaithfulFields(t, open)
	case reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Uintptr, reflect.Complex64, reflect.Complex128:
		return fmt.Sprintf("it holds a %s", t)
	}
	return ""
}

// unfaithfulPointer knows that nil and a pointer to nil look the same.
func unfaithfulPointer(t reflect.Type, open []reflect.Type) string {
	switch t.Elem().Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return fmt.Sprintf("it holds a %s, whose nil is not told from one to nil", t)
	}
	return unfaithful(t.Elem(), open)
}

func unfaithfulFields(t reflect.Type, open []reflect.Type) string {
	for f := range t.Fields() {
		switch {
		case !f.IsExported():
			return fmt.Sprintf("field %s of %s is not exported", f.Name, t)
		case f.Tag.Get("msgpack") == "-":
			return fmt.Sprintf("field %s of %s is left out by its tag", f.Name, t)
		}
		if why := unfaithful(f.Type, open); why != "" {
			return why
		}
	}
	return ""
}
