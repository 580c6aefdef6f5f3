package wire

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tinylib/msgp/msgp"
)

// MarshalMsg implements msgp.Marshaler.
func (z KeyAddresses) MarshalMsg(b []byte) ([]byte, error) {
	b = msgp.AppendMapHeader(b, uint32(len(z)))
	for i := range z {
		b = append(b, z[i].Key...)
		b = appendStrings(b, z[i].Addresses)
	}
	return b, nil
}

func appendStrings(b []byte, ss []string) []byte {
	b = msgp.AppendArrayHeader(b, uint32(len(ss)))
	for _, s := range ss {
		b = msgp.AppendString(b, s)
	}
	return b
}

// UnmarshalMsg implements msgp.Unmarshaler; nil reads as empty.
func (z *KeyAddresses) UnmarshalMsg(b []byte) ([]byte, error) {
	out := (*z)[:0]
	rest, err := eachEntry(b, func(k Key, v []byte) ([]byte, error) {
		ss, v, err := readStrings(v)
		out = append(out, KeyAddress{Key: k, Addresses: ss})
		return v, err
	})
	*z = out
	return rest, err
}

// Msgsize implements msgp.Sizer.
func (z KeyAddresses) Msgsize() int {
	n := 5
	for i := range z {
		n += len(z[i].Key) + 5
		for _, a := range z[i].Addresses {
			n += len(a) + 5
		}
	}
	return n
}

// eachEntry walks a map whose keys are task keys; nil is an empty map.
func eachEntry(b []byte, f func(Key, []byte) ([]byte, error)) ([]byte, error) {
	if msgp.IsNil(b) {
		return msgp.ReadNilBytes(b)
	}
	n, rest, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return b, err
	}
	for range n {
		var k Key
		if k, rest, err = ParseKey(rest); err != nil {
			return b, err
		}
		if rest, err = f(k, rest); err != nil {
			return b, err
		}
	}
	return rest, nil
}

// readStrings reads an array (or __Set__) of str; nil is empty.
func readStrings(b []byte) ([]string, []byte, error) {
	n, rest, after, err := openList(b)
	if err != nil {
		return nil, b, err
	}
	out := make([]string, 0, min(int(n), len(rest)))
	for range n {
		var s string
		if s, rest, err = readText(rest); err != nil {
			return nil, b, err
		}
		out = append(out, s)
	}
	return out, after(rest), nil
}

// readText reads a str, or anything else as its text (worker names may be ints).
func readText(b []byte) (string, []byte, error) {
	switch msgp.NextType(b) {
	case msgp.StrType:
		return msgp.ReadStringBytes(b)
	case msgp.NilType:
		rest, err := msgp.ReadNilBytes(b)
		return "", rest, err
	case msgp.BinType:
		v, rest, err := msgp.ReadBytesZC(b)
		return string(v), rest, err
	default:
		v, rest, err := msgp.ReadIntfBytes(b)
		return fmt.Sprint(v), rest, err
	}
}

// openList opens an array, nil or {"__Set__": true, "as-list": [...]}; after
// must be applied to what is left behind the last item.
func openList(b []byte) (n uint32, rest []byte, after func([]byte) []byte, err error) {
	same := func(r []byte) []byte { return r }
	switch msgp.NextType(b) {
	case msgp.NilType:
		rest, err = msgp.ReadNilBytes(b)
		return 0, rest, same, err
	case msgp.MapType:
		end, err := skip(b)
		if err != nil {
			return 0, b, same, err
		}
		list := fieldOf(b, "as-list")
		if list == nil {
			return 0, b, same, fmt.Errorf("wire: a map where a list is due; only {\"__Set__\": true, \"as-list\": [...]} may stand there")
		}
		n, rest, err = msgp.ReadArrayHeaderBytes(list)
		return n, rest, func([]byte) []byte { return end }, err
	default:
		n, rest, err = msgp.ReadArrayHeaderBytes(b)
		return n, rest, same, err
	}
}

// fieldOf returns the bytes that start with the value of a str key of the map b, or nil.
func fieldOf(b []byte, name string) []byte {
	n, rest, err := msgp.ReadMapHeaderBytes(b)
	for i := uint32(0); i < n && err == nil; i++ {
		if msgp.NextType(rest) == msgp.StrType {
			var k []byte
			if k, rest, err = msgp.ReadStringZC(rest); err == nil && string(k) == name {
				return rest
			}
		} else {
			rest, err = skip(rest)
		}
		if err == nil {
			rest, err = skip(rest)
		}
	}
	return nil
}

// MarshalMsg implements msgp.Marshaler.
func (z KeySizes) MarshalMsg(b []byte) ([]byte, error) {
	b = msgp.AppendMapHeader(b, uint32(len(z)))
	for i := range z {
		b = append(b, z[i].Key...)
		b = msgp.AppendInt64(b, z[i].Nbytes)
	}
	return b, nil
}

// UnmarshalMsg implements msgp.Unmarshaler; nil reads as empty.
func (z *KeySizes) UnmarshalMsg(b []byte) ([]byte, error) {
	out := (*z)[:0]
	rest, err := eachEntry(b, func(k Key, v []byte) ([]byte, error) {
		f, v, err := readNumber(v)
		out = append(out, KeySize{Key: k, Nbytes: int64(f)})
		return v, err
	})
	*z = out
	return rest, err
}

// Msgsize implements msgp.Sizer.
func (z KeySizes) Msgsize() int {
	n := 5
	for i := range z {
		n += len(z[i].Key) + 9
	}
	return n
}

// MarshalMsg implements msgp.Marshaler: a plain array.
func (z KeySet) MarshalMsg(b []byte) ([]byte, error) {
	b = msgp.AppendArrayHeader(b, uint32(len(z)))
	for _, k := range z {
		b = append(b, k...)
	}
	return b, nil
}

// UnmarshalMsg implements msgp.Unmarshaler for arrays, sets and nil.
func (z *KeySet) UnmarshalMsg(b []byte) ([]byte, error) {
	n, rest, after, err := openList(b)
	if err != nil {
		return b, err
	}
	out := make(KeySet, 0, min(int(n), len(rest)))
	for range n {
		var k Key
		if k, rest, err = ParseKey(rest); err != nil {
			return b, err
		}
		out = append(out, k)
	}
	*z = out
	return after(rest), nil
}

// Msgsize implements msgp.Sizer.
func (z KeySet) Msgsize() int {
	n := 5
	for _, k := range z {
		n += len(k)
	}
	return n
}

// MarshalMsg implements msgp.Marshaler.
func (z DataMap) MarshalMsg(b []byte) ([]byte, error) {
	b = msgp.AppendMapHeader(b, uint32(len(z)))
	var err error
	for i := range z {
		b = append(b, z[i].Key...)
		if b, err = z[i].Value.MarshalMsg(b); err != nil {
			return b, err
		}
	}
	return b, nil
}

// UnmarshalMsg implements msgp.Unmarshaler; nil reads as empty.
func (z *DataMap) UnmarshalMsg(b []byte) ([]byte, error) {
	out := (*z)[:0]
	rest, err := eachEntry(b, func(k Key, v []byte) ([]byte, error) {
		var o Opaque
		v, err := o.UnmarshalMsg(v)
		out = append(out, DataItem{Key: k, Value: o})
		return v, err
	})
	*z = out
	return rest, err
}

// Msgsize implements msgp.Sizer.
func (z DataMap) Msgsize() int {
	n := 5
	for i := range z {
		n += len(z[i].Key) + z[i].Value.Msgsize()
	}
	return n
}

// EachOpaque calls f for each value.
func (z DataMap) EachOpaque(f func(*Opaque)) {
	for i := range z {
		f(&z[i].Value)
	}
}

// MarshalMsg implements msgp.Marshaler; nil travels as nil.
func (z Resources) MarshalMsg(b []byte) ([]byte, error) {
	if z == nil {
		return msgp.AppendNil(b), nil
	}
	b = msgp.AppendMapHeader(b, uint32(len(z)))
	for k, v := range z {
		b = msgp.AppendString(b, k)
		b = appendNumber(b, v)
	}
	return b, nil
}

// UnmarshalMsg implements msgp.Unmarshaler.
func (z *Resources) UnmarshalMsg(b []byte) ([]byte, error) {
	if msgp.IsNil(b) {
		*z = nil
		return msgp.ReadNilBytes(b)
	}
	n, rest, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return b, err
	}
	out := make(Resources, min(int(n), len(rest)))
	for range n {
		var k string
		var v float64
		if k, rest, err = readText(rest); err != nil {
			return b, err
		}
		if v, rest, err = readNumber(rest); err != nil {
			return b, err
		}
		out[k] = v
	}
	*z = out
	return rest, nil
}

// Msgsize implements msgp.Sizer.
func (z Resources) Msgsize() int {
	n := 5
	for k := range z {
		n += len(k) + 14
	}
	return n
}

// readNumber reads any msgpack number, bool or nil as a float.
func readNumber(b []byte) (float64, []byte, error) {
	switch msgp.NextType(b) {
	case msgp.NilType:
		rest, err := msgp.ReadNilBytes(b)
		return 0, rest, err
	case msgp.Float64Type, msgp.Float32Type:
		return msgp.ReadFloat64Bytes(b)
	case msgp.BoolType:
		v, rest, err := msgp.ReadBoolBytes(b)
		if v {
			return 1, rest, err
		}
		return 0, rest, err
	case msgp.UintType:
		u, rest, err := msgp.ReadUint64Bytes(b)
		return float64(u), rest, err
	case msgp.StrType:
		s, rest, err := msgp.ReadStringBytes(b)
		if err != nil {
			return 0, b, err
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		return f, rest, err
	default:
		i, rest, err := msgp.ReadInt64Bytes(b)
		return float64(i), rest, err
	}
}

// appendNumber writes f as an int where it is whole, as Python would.
func appendNumber(b []byte, f float64) []byte {
	if i := int64(f); float64(i) == f && i < 1<<53 && i > -(1<<53) {
		return msgp.AppendInt64(b, i)
	}
	return msgp.AppendFloat64(b, f)
}

// MarshalMsg implements msgp.Marshaler.
func (z Number) MarshalMsg(b []byte) ([]byte, error) { return appendNumber(b, float64(z)), nil }

// UnmarshalMsg implements msgp.Unmarshaler.
func (z *Number) UnmarshalMsg(b []byte) ([]byte, error) {
	f, rest, err := readNumber(b)
	*z = Number(f)
	return rest, err
}

// Msgsize implements msgp.Sizer.
func (z Number) Msgsize() int { return 9 }

// MarshalMsg implements msgp.Marshaler.
func (z Priority) MarshalMsg(b []byte) ([]byte, error) {
	b = msgp.AppendArrayHeader(b, uint32(len(z)))
	for _, f := range z {
		b = appendNumber(b, f)
	}
	return b, nil
}

// UnmarshalMsg implements msgp.Unmarshaler; nil reads as empty.
func (z *Priority) UnmarshalMsg(b []byte) ([]byte, error) {
	n, rest, after, err := openList(b)
	if err != nil {
		return b, err
	}
	out := make(Priority, 0, min(int(n), len(rest)))
	for range n {
		var f float64
		if f, rest, err = readNumber(rest); err != nil {
			return b, err
		}
		out = append(out, f)
	}
	*z = out
	return after(rest), nil
}

// Msgsize implements msgp.Sizer.
func (z Priority) Msgsize() int { return 5 + 9*len(z) }
