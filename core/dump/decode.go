package dump

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// maxDepth bounds the nesting of values.
const maxDepth = 64

var errTooDeep = errors.New("msgpack value nested deeper than 64 levels")

// Decode reads one msgpack value for people: maps get text keys, whatever their
// keys were, bytes become base64, infinities and NaN become text.
func Decode(raw []byte) (any, error) {
	v, rest, err := decode(raw, 0)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes behind the msgpack value", len(rest))
	}
	return v, err
}

func decode(b []byte, depth int) (v any, rest []byte, err error) {
	if depth > maxDepth {
		return nil, b, errTooDeep
	}
	switch t := msgp.NextType(b); t {
	case msgp.BinType:
		bytes, rest, err := msgp.ReadBytesZC(b)
		return base64.StdEncoding.EncodeToString(bytes), rest, err
	case msgp.Float32Type, msgp.Float64Type:
		f, rest, err := msgp.ReadFloat64Bytes(b)
		if math.IsInf(f, 0) || math.IsNaN(f) {
			return strconv.FormatFloat(f, 'g', -1, 64), rest, err
		}
		return f, rest, err
	case msgp.ArrayType:
		return list(b, depth)
	case msgp.MapType:
		return mapping(b, depth)
	case msgp.StrType, msgp.IntType, msgp.UintType, msgp.BoolType, msgp.NilType:
		return msgp.ReadIntfBytes(b)
	default:
		rest, err := msgp.Skip(b)
		return fmt.Sprintf("<%v>", t), rest, err
	}
}

func list(b []byte, depth int) (any, []byte, error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return nil, b, err
	}
	out := make([]any, 0, min(int(n), len(b)))
	for range n {
		var v any
		if v, b, err = decode(b, depth+1); err != nil {
			return nil, b, err
		}
		out = append(out, v)
	}
	return out, b, nil
}

func mapping(b []byte, depth int) (any, []byte, error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return nil, b, err
	}
	out := make(map[string]any, min(int(n), len(b)))
	for range n {
		var k string
		if k, b, err = keyText(b, depth); err != nil {
			return nil, b, err
		}
		var v any
		if v, b, err = decode(b, depth+1); err != nil {
			return nil, b, err
		}
		out[k] = v
	}
	return out, b, nil
}

// keyText is the text of a map's key, mostly that of a task's key.
func keyText(b []byte, depth int) (string, []byte, error) {
	if k, rest, err := wire.ParseKey(b); err == nil {
		return k.String(), rest, nil
	}
	v, rest, err := decode(b, depth+1)
	return fmt.Sprint(v), rest, err
}
