package wire

import (
	"errors"
	"fmt"
	"math"

	"github.com/tinylib/msgp/msgp"
)

// The generated code reads fields through these: Python sends None where a
// field is unset, ints for floats and bytes for text, and is right to.

// lenientString reads a str or bin; nil is "".
func lenientString(b []byte) (string, []byte, error) { return readText(b) }

// lenientFloat reads any number; nil is 0.
func lenientFloat(b []byte) (float64, []byte, error) { return readNumber(b) }

// lenientBool reads a bool, a number or nil.
func lenientBool(b []byte) (bool, []byte, error) {
	f, rest, err := readNumber(b)
	return f != 0, rest, err
}

// lenientInt64 reads any whole number; nil is 0.
func lenientInt64(b []byte) (int64, []byte, error) {
	if i, rest, err := msgp.ReadInt64Bytes(b); err == nil {
		return i, rest, nil
	}
	f, rest, err := readNumber(b)
	if err == nil && (math.Trunc(f) != f || math.Abs(f) > 1<<63-1025) {
		err = fmt.Errorf("wire: %v where a whole number of 64 bits is due", f)
	}
	return int64(f), rest, err
}

// lenientInt is lenientInt64 as an int.
func lenientInt(b []byte) (int, []byte, error) {
	i, rest, err := lenientInt64(b)
	return int(i), rest, err
}

// lenientArray opens an array, nil or a set; nothing follows a set's list, so
// that the bytes behind its last item are those behind the set.
func lenientArray(b []byte) (uint32, []byte, error) {
	switch msgp.NextType(b) {
	case msgp.ArrayType:
	case msgp.NilType:
		return 0, b[1:], nil
	case msgp.MapType:
		const set = "\x82\xa7__Set__\xc3\xa7as-list"
		if len(b) < len(set) || string(b[:len(set)]) != set {
			return 0, b, errors.New("wire: a map where a list is due; only {\"__Set__\": true, \"as-list\": [...]} may stand there")
		}
		b = b[len(set):]
	}
	n, rest, err := msgp.ReadArrayHeaderBytes(b)
	if err == nil && uint64(n) > uint64(len(rest)) {
		err = errCut
	}
	return n, rest, err
}
