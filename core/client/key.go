package client

import (
	"fmt"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// KeyText is a key for people: the text of a str, Dask's spelling of the rest.
func KeyText(k wire.Key) string {
	text, _, err := appendKey(nil, []byte(k))
	if err != nil {
		return fmt.Sprintf("%q", string(k))
	}
	return string(text)
}

func appendKey(dst, raw []byte) (text, rest []byte, err error) {
	if msgp.NextType(raw) == msgp.StrType {
		s, rest, err := msgp.ReadStringZC(raw)
		return append(dst, s...), rest, err
	}
	return appendPart(dst, raw)
}

// appendPart spells one element as Python does: strings inside tuples are quoted.
func appendPart(dst, raw []byte) (text, rest []byte, err error) {
	switch msgp.NextType(raw) {
	case msgp.ArrayType:
		return appendTuple(dst, raw)
	case msgp.StrType:
		s, rest, err := msgp.ReadStringZC(raw)
		return append(append(append(dst, '\''), s...), '\''), rest, err
	default:
		v, rest, err := msgp.ReadIntfBytes(raw)
		return fmt.Append(dst, v), rest, err
	}
}

func appendTuple(dst, raw []byte) (text, rest []byte, err error) {
	n, rest, err := msgp.ReadArrayHeaderBytes(raw)
	if err != nil {
		return dst, rest, err
	}
	var parts []string
	for range n {
		var part []byte
		if part, rest, err = appendPart(nil, rest); err != nil {
			return dst, rest, err
		}
		parts = append(parts, string(part))
	}
	return fmt.Appendf(dst, "(%s)", strings.Join(parts, ", ")), rest, nil
}
