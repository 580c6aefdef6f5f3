package wire

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tinylib/msgp/msgp"
)

// Key names a task. Its bytes are the canonical msgpack form of a Dask key (a
// str, bytes, int, float or nested tuple of these, shortest integer and length
// forms), so keys compare, hash and travel without being parsed.
type Key string

// maxKeyDepth bounds the nesting of tuple keys.
const maxKeyDepth = 32

// StrKey is the key of a Python str, the usual form.
func StrKey(s string) Key {
	var space [96]byte // on the stack: the key is the only allocation
	return Key(msgp.AppendString(space[:0], s))
}

// StrKeyBytes is StrKey of a text that was put together in bytes.
func StrKeyBytes(s []byte) Key {
	var space [96]byte
	return Key(msgp.AppendStringFromBytes(space[:0], s))
}

// BytesKey is the key of a Python bytes.
func BytesKey(b []byte) Key { return Key(msgp.AppendBytes(make([]byte, 0, len(b)+5), b)) }

// IntKey is the key of a Python int.
func IntKey(i int64) Key { return Key(msgp.AppendInt64(nil, i)) }

// FloatKey is the key of a Python float.
func FloatKey(f float64) Key { return Key(msgp.AppendFloat64(nil, f)) }

// TupleKey is the key of a Python tuple of keys.
func TupleKey(parts ...Key) Key {
	b := msgp.AppendArrayHeader(nil, uint32(len(parts)))
	for _, p := range parts {
		b = append(b, p...)
	}
	return Key(b)
}

// KeyError says why bytes are not a key.
type KeyError struct{ Problem string }

// Error implements error.
func (e *KeyError) Error() string {
	return "wire: not a task key: " + e.Problem + "; keys are str, bytes, int, float or nested tuples of these"
}

// ParseKey returns the canonical key of one msgpack value and the bytes after it.
func ParseKey(raw []byte) (Key, []byte, error) {
	if n, ok := plainStr(raw); ok {
		return Key(raw[:n]), raw[n:], nil
	}
	out, rest, err := appendKey(nil, raw, 0)
	if err != nil {
		return "", raw, err
	}
	return Key(out), rest, nil
}

// plainStr recognises the common case: a complete str in its shortest form.
func plainStr(b []byte) (int, bool) {
	if len(b) > 0 && b[0]&0xe0 == 0xa0 {
		n := 1 + int(b[0]&0x1f)
		return n, n <= len(b)
	}
	if len(b) > 1 && b[0] == 0xd9 && b[1] > 31 {
		n := 2 + int(b[1])
		return n, n <= len(b)
	}
	return 0, false
}

func appendKey(out, raw []byte, depth int) ([]byte, []byte, error) {
	if depth > maxKeyDepth {
		return nil, nil, &KeyError{Problem: fmt.Sprintf("tuples nested deeper than %d", maxKeyDepth)}
	}
	switch t := msgp.NextType(raw); t {
	case msgp.StrType:
		s, rest, err := msgp.ReadStringZC(raw)
		return msgp.AppendStringFromBytes(out, s), rest, err
	case msgp.BinType:
		s, rest, err := msgp.ReadBytesZC(raw)
		return msgp.AppendBytes(out, s), rest, err
	case msgp.IntType, msgp.UintType:
		return appendIntKey(out, raw)
	case msgp.Float64Type, msgp.Float32Type:
		f, rest, err := msgp.ReadFloat64Bytes(raw)
		return msgp.AppendFloat64(out, f), rest, err
	case msgp.BoolType: // Python treats True as 1, but sends it as a bool
		v, rest, err := msgp.ReadBoolBytes(raw)
		return msgp.AppendBool(out, v), rest, err
	case msgp.ArrayType:
		return appendTupleKey(out, raw, depth)
	default:
		return nil, nil, &KeyError{Problem: "msgpack type " + t.String()}
	}
}

func appendIntKey(out, raw []byte) ([]byte, []byte, error) {
	if i, rest, err := msgp.ReadInt64Bytes(raw); err == nil {
		return msgp.AppendInt64(out, i), rest, nil
	}
	u, rest, err := msgp.ReadUint64Bytes(raw)
	return msgp.AppendUint64(out, u), rest, err
}

func appendTupleKey(out, raw []byte, depth int) ([]byte, []byte, error) {
	n, rest, err := msgp.ReadArrayHeaderBytes(raw)
	if err != nil {
		return nil, nil, err
	}
	out = msgp.AppendArrayHeader(out, n)
	for range n {
		if out, rest, err = appendKey(out, rest, depth+1); err != nil {
			return nil, nil, err
		}
	}
	return out, rest, nil
}

// String is the key as Python prints it, a str without quotes.
func (k Key) String() string {
	if k == "" {
		return "<no key>"
	}
	if s, ok := k.Str(); ok {
		return s
	}
	var b strings.Builder
	if _, err := k.print(&b, []byte(k)); err != nil {
		return strconv.Quote(string(k))
	}
	return b.String()
}

// Str returns the text of a str key.
func (k Key) Str() (string, bool) {
	switch {
	case len(k) > 0 && k[0]&0xe0 == 0xa0:
		return string(k[1:]), true
	case len(k) > 2 && k[0] == 0xd9:
		return string(k[2:]), true
	case len(k) > 3 && k[0] == 0xda:
		return string(k[3:]), true
	case len(k) > 5 && k[0] == 0xdb:
		return string(k[5:]), true
	}
	return "", false
}

func (k Key) print(b *strings.Builder, raw []byte) ([]byte, error) {
	switch msgp.NextType(raw) {
	case msgp.StrType:
		s, rest, err := msgp.ReadStringBytes(raw)
		b.WriteString(pythonQuote(s))
		return rest, err
	case msgp.BinType:
		s, rest, err := msgp.ReadBytesZC(raw)
		b.WriteString("b" + pythonQuote(string(s)))
		return rest, err
	case msgp.ArrayType:
		return k.printTuple(b, raw)
	case msgp.Float64Type:
		f, rest, err := msgp.ReadFloat64Bytes(raw)
		b.WriteString(pythonFloat(f))
		return rest, err
	default:
		v, rest, err := msgp.ReadIntfBytes(raw)
		fmt.Fprint(b, v)
		return rest, err
	}
}

func (k Key) printTuple(b *strings.Builder, raw []byte) ([]byte, error) {
	n, rest, err := msgp.ReadArrayHeaderBytes(raw)
	b.WriteByte('(')
	for i := uint32(0); i < n && err == nil; i++ {
		if i > 0 {
			b.WriteString(", ")
		}
		rest, err = k.print(b, rest)
	}
	if n == 1 {
		b.WriteByte(',')
	}
	b.WriteByte(')')
	return rest, err
}

// pythonQuote is the literal of a str, near enough to Python's for people.
func pythonQuote(s string) string {
	q := strconv.Quote(s)
	return "'" + strings.ReplaceAll(strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`), "'", `\'`) + "'"
}

func pythonFloat(f float64) string {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if math.Trunc(f) == f && !strings.ContainsAny(s, "e.") {
		s += ".0"
	}
	return s
}

// MarshalMsg implements msgp.Marshaler; the empty key is nil.
func (k Key) MarshalMsg(b []byte) ([]byte, error) {
	if k == "" {
		return msgp.AppendNil(b), nil
	}
	return append(b, k...), nil
}

// UnmarshalMsg implements msgp.Unmarshaler.
func (k *Key) UnmarshalMsg(b []byte) ([]byte, error) {
	if msgp.IsNil(b) {
		*k = ""
		return msgp.ReadNilBytes(b)
	}
	v, rest, err := ParseKey(b)
	if err != nil {
		return b, err
	}
	*k = v
	return rest, nil
}

// Msgsize implements msgp.Sizer.
func (k Key) Msgsize() int { return max(1, len(k)) }
