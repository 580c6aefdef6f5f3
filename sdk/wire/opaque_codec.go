package wire

import (
	"errors"
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

const (
	serializedMark = "__Serialized__"
	pickledMark    = "__Pickled__"
)

// errByReference: an in-process value met a connection that leaves the process.
var errByReference = errors.New("wire: a Go value by reference cannot leave the process; encode it first")

// MarshalMsg implements msgp.Marshaler: Raw with its placeholders re-based to
// the message being written.
func (o Opaque) MarshalMsg(b []byte) ([]byte, error) {
	if len(o.Raw) == 0 {
		if o.Ref != nil {
			return b, errByReference
		}
		return msgp.AppendNil(b), nil
	}
	if len(o.Frames) == 0 || o.base == 0 {
		return append(b, o.Raw...), nil
	}
	if i, mark, ok := onlyPlaceholder(o.Raw); ok {
		return msgp.AppendInt(append(b, mark[:len(mark)-1]...), o.base+i), nil
	}
	b, rest, err := rebase(b, o.Raw, func(i int) (int, error) { return o.base + i, nil }, 0)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("wire: %d bytes behind an opaque value", len(rest))
	}
	return b, err
}

// UnmarshalMsg implements msgp.Unmarshaler: a view of the value's bytes. Its
// frames are attached once the whole message is there.
func (o *Opaque) UnmarshalMsg(b []byte) ([]byte, error) {
	*o = Opaque{}
	if msgp.IsNil(b) {
		return msgp.ReadNilBytes(b)
	}
	rest, err := skip(b)
	if err != nil {
		return b, err
	}
	n := len(b) - len(rest)
	o.Raw = b[:n:n]
	return rest, nil
}

// Msgsize implements msgp.Sizer.
func (o Opaque) Msgsize() int { return max(1, len(o.Raw)+8) }

// IsNil says that the value is None.
func (o Opaque) IsNil() bool {
	return o.Ref == nil && (len(o.Raw) == 0 || len(o.Raw) == 1 && o.Raw[0] == 0xc0)
}

// rebase copies one msgpack value from src to dst with each placeholder's index
// replaced by what f makes of it.
func rebase(dst, src []byte, f func(int) (int, error), depth int) (out, rest []byte, err error) {
	if depth > defaultMaxDepth {
		return dst, src, fmt.Errorf("wire: value nested deeper than %d", defaultMaxDepth)
	}
	switch msgp.NextType(src) {
	case msgp.MapType:
		return rebaseMap(dst, src, f, depth)
	case msgp.ArrayType:
		n, rest, err := msgp.ReadArrayHeaderBytes(src)
		if err != nil {
			return dst, src, err
		}
		dst = append(dst, src[:len(src)-len(rest)]...)
		for range n {
			if dst, rest, err = rebase(dst, rest, f, depth+1); err != nil {
				return dst, src, err
			}
		}
		return dst, rest, nil
	default:
		rest, err := skip(src)
		if err != nil {
			return dst, src, err
		}
		return append(dst, src[:len(src)-len(rest)]...), rest, nil
	}
}

func rebaseMap(dst, src []byte, f func(int) (int, error), depth int) (out, rest []byte, err error) {
	n, rest, err := msgp.ReadMapHeaderBytes(src)
	if err != nil {
		return dst, src, err
	}
	dst = append(dst, src[:len(src)-len(rest)]...)
	if n == 1 && msgp.NextType(rest) == msgp.StrType {
		if k, after, err := msgp.ReadStringZC(rest); err == nil && isMark(k) {
			if i, tail, err := msgp.ReadIntBytes(after); err == nil {
				if i, err = f(i); err != nil {
					return dst, src, err
				}
				dst = append(dst, rest[:len(rest)-len(after)]...)
				return msgp.AppendInt(dst, i), tail, nil
			}
		}
	}
	for range 2 * uint64(n) {
		if dst, rest, err = rebase(dst, rest, f, depth+1); err != nil {
			return dst, src, err
		}
	}
	return dst, rest, nil
}

func isMark(k []byte) bool { return string(k) == serializedMark || string(k) == pickledMark }
