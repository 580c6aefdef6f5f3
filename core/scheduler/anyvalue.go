package scheduler

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/tinylib/msgp/msgp"
)

// maxDepth bounds the nesting of values that are decoded for people to read.
const maxDepth = 64

var errTooDeep = errors.New("msgpack value nested deeper than 64 levels")

// readAny decodes one msgpack value for JSON: maps get text keys, whatever
// their keys were, bytes become base64, infinities and NaN become text.
func readAny(b []byte, depth int) (v any, rest []byte, err error) {
	if depth > maxDepth {
		return nil, b, errTooDeep
	}
	switch t := msgp.NextType(b); t {
	case msgp.StrType:
		return wrap(msgp.ReadStringBytes(b))
	case msgp.BinType:
		raw, rest, err := msgp.ReadBytesZC(b)
		return base64.StdEncoding.EncodeToString(raw), rest, err
	case msgp.IntType:
		return wrap(msgp.ReadInt64Bytes(b))
	case msgp.UintType:
		return wrap(msgp.ReadUint64Bytes(b))
	case msgp.BoolType:
		return wrap(msgp.ReadBoolBytes(b))
	case msgp.Float32Type, msgp.Float64Type:
		f, rest, err := msgp.ReadFloat64Bytes(b)
		if math.IsInf(f, 0) || math.IsNaN(f) {
			return strconv.FormatFloat(f, 'g', -1, 64), rest, err
		}
		return f, rest, err
	case msgp.NilType:
		rest, err := msgp.ReadNilBytes(b)
		return nil, rest, err
	case msgp.ArrayType:
		return readArray(b, depth)
	case msgp.MapType:
		return readMap(b, depth)
	default:
		rest, err := msgp.Skip(b)
		return fmt.Sprintf("<%v>", t), rest, err
	}
}

func wrap[T any](v T, rest []byte, err error) (any, []byte, error) { return v, rest, err }

func readArray(b []byte, depth int) (any, []byte, error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return nil, b, err
	}
	out := make([]any, 0, min(int(n), len(b)))
	for range n {
		var v any
		if v, b, err = readAny(b, depth+1); err != nil {
			return nil, b, err
		}
		out = append(out, v)
	}
	return out, b, nil
}

func readMap(b []byte, depth int) (any, []byte, error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return nil, b, err
	}
	out := make(map[string]any, min(int(n), len(b)))
	for range n {
		var k, v any
		if k, b, err = readAny(b, depth+1); err != nil {
			return nil, b, err
		}
		if v, b, err = readAny(b, depth+1); err != nil {
			return nil, b, err
		}
		if s, ok := k.(string); ok {
			out[s] = v
		} else {
			out[pythonText(k)] = v
		}
	}
	return out, b, nil
}
