package wire

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// newMsg returns an empty message of the op, or nil for one without a Go struct.
func newMsg(op []byte) Msg {
	f := ops[string(op)]
	if f == nil {
		return nil
	}
	return f()
}

// appendMsg writes m as a map with its op in front of the generated fields.
func appendMsg(b []byte, m Msg) ([]byte, error) {
	start := len(b)
	if u, ok := m.(*UnknownMsg); ok {
		if fieldOf(u.Map.Raw, "op") != nil {
			return u.Map.MarshalMsg(b)
		}
		if u.Map.IsNil() {
			return appendOp(append(b, 0x81), u.Name), nil
		}
	}
	b = appendOp(b, m.Op())
	fields := len(b)
	b, err := m.MarshalMsg(b)
	if err != nil {
		return b[:start], fmt.Errorf("wire: encode %q: %w", m.Op(), err)
	}
	if b, err = spliceOp(b, start, fields); err != nil {
		return b[:start], fmt.Errorf("wire: encode %q: %w", m.Op(), err)
	}
	return b, nil
}

func appendOp(b []byte, op string) []byte {
	return msgp.AppendString(append(b, 0xa2, 'o', 'p'), op)
}

// spliceOp makes one map of b[start:fields], which is the op's entry, and the
// map at b[fields:]: the entry moves behind the map's header, which counts one
// more. The fields stay where they are unless the header grows.
func spliceOp(b []byte, start, fields int) ([]byte, error) {
	n, rest, err := msgp.ReadMapHeaderBytes(b[fields:])
	if err != nil {
		return b, err
	}
	old := len(b) - len(rest) - fields
	var head [5]byte
	header := msgp.AppendMapHeader(head[:0], n+1)
	if grow := len(header) - old; grow > 0 {
		b = append(b, header[:grow]...)
		copy(b[fields+old+grow:], b[fields+old:])
	} else if grow < 0 {
		return b, fmt.Errorf("map header of %d entries is not in its shortest form", n)
	}
	copy(b[start+len(header):], b[start:fields])
	copy(b[start:], header)
	return b, nil
}

// head is what every request may say beside its own fields.
type head struct {
	op           []byte
	reply, close bool
}

// readHead finds op, reply and close in a map; nobody promises their place.
func readHead(b []byte, whole bool) (head, error) {
	h := head{reply: true}
	n, rest, err := msgp.ReadMapHeaderBytes(b)
	for i := uint32(0); i < n && err == nil; i++ {
		if msgp.NextType(rest) != msgp.StrType {
			if rest, err = skip(rest); err == nil {
				rest, err = skip(rest)
			}
			continue
		}
		var k []byte
		if k, rest, err = msgp.ReadStringZC(rest); err != nil {
			break
		}
		if rest, err = h.field(k, rest); h.op != nil && !whole {
			break
		}
	}
	return h, err
}

func (h *head) field(k, v []byte) ([]byte, error) {
	switch {
	case string(k) == "op" && msgp.NextType(v) == msgp.StrType:
		op, rest, err := msgp.ReadStringZC(v)
		h.op = op
		return rest, err
	case string(k) == "reply" && msgp.NextType(v) == msgp.BoolType:
		f, rest, err := msgp.ReadBoolBytes(v)
		h.reply = f
		return rest, err
	case string(k) == "close" && msgp.NextType(v) == msgp.BoolType:
		f, rest, err := msgp.ReadBoolBytes(v)
		h.close = f
		return rest, err
	default:
		return skip(v)
	}
}

// decodeMsg reads one map with an op.
func (d *decoder) decodeMsg(b, op []byte) (Msg, []byte, error) {
	m := newMsg(op)
	if m == nil {
		m = &UnknownMsg{Name: string(op)}
	}
	rest, err := d.decode(b, m)
	if err != nil {
		return nil, b, fmt.Errorf("wire: decode %q: %w", m.Op(), err)
	}
	return m, rest, nil
}
