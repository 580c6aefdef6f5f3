package task

import (
	"fmt"
	"math"
	"reflect"

	"github.com/tinylib/msgp/msgp"
	"github.com/vmihailenco/msgpack/v5"
)

// decodeNatural decodes a whole msgpack value to its natural Go form. The
// nesting was checked before.
func decodeNatural(b []byte) (any, error) {
	v, rest, err := natural(b)
	if err != nil {
		return nil, fmt.Errorf("task: decoding %d bytes: %w", len(b), err)
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("task: decoding %d bytes: %d bytes are left over", len(b), len(rest))
	}
	return v, nil
}

func natural(b []byte) (any, []byte, error) {
	switch msgp.NextType(b) {
	case msgp.NilType:
		rest, err := msgp.ReadNilBytes(b)
		return nil, rest, err
	case msgp.BoolType:
		return boxed(msgp.ReadBoolBytes(b))
	case msgp.IntType:
		return boxed(msgp.ReadIntBytes(b))
	case msgp.UintType:
		u, rest, err := msgp.ReadUint64Bytes(b)
		if u > math.MaxInt {
			return u, rest, err
		}
		return int(u), rest, err
	case msgp.Float32Type:
		f, rest, err := msgp.ReadFloat32Bytes(b)
		return float64(f), rest, err
	case msgp.Float64Type:
		return boxed(msgp.ReadFloat64Bytes(b))
	case msgp.StrType:
		return boxed(msgp.ReadStringBytes(b))
	case msgp.BinType:
		return boxed(msgp.ReadBytesBytes(b, nil))
	case msgp.ArrayType:
		return naturalList(b)
	case msgp.MapType:
		return naturalMap(b)
	}
	return naturalOther(b)
}

func boxed[T any](v T, rest []byte, err error) (any, []byte, error) { return v, rest, err }

func naturalList(b []byte) (any, []byte, error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return nil, b, err
	}
	list := make([]any, 0, min(int(n), len(b)))
	for range n {
		var v any
		if v, b, err = natural(b); err != nil {
			return nil, b, err
		}
		list = append(list, v)
	}
	return list, b, nil
}

// naturalMap makes a map[string]any, or a map[any]any when a key is no string.
func naturalMap(b []byte) (any, []byte, error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return nil, b, err
	}
	texts := make(map[string]any, min(int(n), len(b)/2))
	var mixed map[any]any
	for range n {
		var k, v any
		if k, b, err = natural(b); err != nil {
			return nil, b, err
		}
		if v, b, err = natural(b); err != nil {
			return nil, b, err
		}
		s, text := k.(string)
		if text && mixed == nil {
			texts[s] = v
			continue
		}
		if k != nil && !reflect.ValueOf(k).Comparable() {
			return nil, b, fmt.Errorf("a %T is a key of a map", k)
		}
		if mixed == nil {
			mixed = make(map[any]any, len(texts)+1)
			for s, v := range texts {
				mixed[s] = v
			}
		}
		mixed[k] = v
	}
	if mixed != nil {
		return mixed, b, nil
	}
	return texts, b, nil
}

// naturalOther decodes extensions: times.
func naturalOther(b []byte) (any, []byte, error) {
	rest, err := msgp.Skip(b)
	if err != nil {
		return nil, b, err
	}
	var v any
	err = msgpack.Unmarshal(b[:len(b)-len(rest)], &v)
	return v, rest, err
}
