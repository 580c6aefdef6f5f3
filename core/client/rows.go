package client

import (
	"math"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// eachItem calls f for the elements of a msgpack array; nil is an empty one.
func eachItem(raw []byte, f func(item []byte) error) error {
	if msgp.IsNil(raw) {
		return nil
	}
	n, b, err := msgp.ReadArrayHeaderBytes(raw)
	for i := uint32(0); i < n && err == nil; i++ {
		var rest []byte
		if rest, err = msgp.Skip(b); err != nil {
			return err
		}
		err = f(b[:len(b)-len(rest)])
		b = rest
	}
	return err
}

// eachEntry calls f for the entries of a msgpack map by task keys, which a str is
// as well.
func eachEntry(raw []byte, f func(key wire.Key, value []byte) error) error {
	if msgp.IsNil(raw) {
		return nil
	}
	n, b, err := msgp.ReadMapHeaderBytes(raw)
	for i := uint32(0); i < n && err == nil; i++ {
		var k wire.Key
		if k, b, err = wire.ParseKey(b); err != nil {
			return err
		}
		var rest []byte
		if rest, err = msgp.Skip(b); err != nil {
			return err
		}
		err = f(k, b[:len(b)-len(rest)])
		b = rest
	}
	return err
}

// items are the elements of a msgpack array; nothing for any other value.
func items(raw []byte) (list [][]byte) {
	if msgp.NextType(raw) != msgp.ArrayType {
		return nil
	}
	_ = eachItem(raw, func(item []byte) error { list = append(list, item); return nil }) // what can be read counts
	return list
}

// text is a msgpack str, or "".
func text(raw []byte) string { return wire.Opaque{Raw: raw}.Text() }

// floatOf is a msgpack number, or 0.
func floatOf(raw []byte) float64 {
	var n wire.Number
	if _, err := n.UnmarshalMsg(raw); err != nil {
		return 0
	}
	return float64(n)
}

// moment is Unix seconds as a time; the zero time for 0.
func moment(seconds float64) time.Time {
	if !(math.Abs(seconds) < 1e11) || seconds == 0 {
		return time.Time{}
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e9))
}

// field is the value of a str key of a msgpack map; nil when there is none.
func field(raw []byte, name string) []byte {
	o, _ := wire.Opaque{Raw: raw}.Field(name)
	return o.Raw
}
