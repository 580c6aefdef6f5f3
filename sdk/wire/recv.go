package wire

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// Incoming is what one Recv returns: exactly one of Msgs (one request, or the
// batch of a stream), or Raw (a reply or a bare value such as "OK").
type Incoming struct {
	Msgs  []Msg  // decoded messages; an unknown op is an *UnknownMsg
	Batch bool   // Msgs came as a list
	Raw   Opaque // a value that is no message: a map without op, a string, ...
	// Request fields of Msgs[0] when it is not a batch:
	Reply bool // the peer waits for an answer (default true)
	Close bool // the peer wants the connection closed after the answer
}

// Recv reads one message or batch. io.EOF is the clean end.
func (c *Conn) Recv() (Incoming, error) {
	if c.values != nil {
		v, err := c.values.RecvValue()
		if err != nil {
			return Incoming{}, eof(err)
		}
		return incomingValue(v), nil
	}
	b, err := c.next()
	if err != nil {
		return Incoming{}, eof(err)
	}
	defer c.reader.forget()
	return c.decoder.incoming(b)
}

// next reads one message and checks that it is one value.
func (c *Conn) next() ([]byte, error) {
	frames, shared, err := c.reader.next()
	if err != nil {
		return nil, err
	}
	if err := checkValue(frames[0], c.reader.limits.MaxDepth); err != nil {
		return nil, err
	}
	c.decoder.message(frames, shared)
	return frames[0], nil
}

func incomingValue(v any) Incoming {
	switch v := v.(type) {
	case []Msg:
		for i, m := range v {
			v[i] = known(m)
		}
		return Incoming{Msgs: v, Batch: true}
	case Msg:
		return Incoming{Msgs: []Msg{known(v)}, Reply: wantsReply(v)}
	case reply:
		return Incoming{Raw: refOpaque(v.value)}
	default:
		return Incoming{Raw: Opaque{Ref: v}}
	}
}

// known gives a message that came without its Go struct the one it has.
func known(m Msg) Msg {
	u, ok := m.(*UnknownMsg)
	if !ok {
		return m
	}
	t := newMsg([]byte(u.Name))
	if t == nil || DecodeBody(u.Map, t) != nil {
		return m
	}
	return t
}

// wantsReply says whether the sender of a request waits for an answer.
func wantsReply(m Msg) bool {
	switch m := m.(type) {
	case *RegisterClient:
		return m.Reply
	case *RegisterWorker:
		return m.Reply
	}
	return true
}

func refOpaque(v any) Opaque {
	if o, ok := v.(Opaque); ok {
		return o
	}
	return Opaque{Ref: v}
}

func (d *decoder) incoming(b []byte) (Incoming, error) {
	switch msgp.NextType(b) {
	case msgp.ArrayType:
		return d.batch(b)
	case msgp.MapType:
		return d.single(b)
	default:
		return d.raw(b)
	}
}

func (d *decoder) raw(b []byte) (Incoming, error) {
	o := Opaque{Raw: b}
	d.settle(&o)
	return Incoming{Raw: o}, d.err
}

func (d *decoder) single(b []byte) (Incoming, error) {
	h, err := readHead(b, true)
	if err != nil {
		return Incoming{}, fmt.Errorf("wire: message: %w", err)
	}
	if h.op == nil {
		return d.raw(b)
	}
	m, _, err := d.decodeMsg(b, h.op)
	if err != nil {
		return Incoming{}, err
	}
	return Incoming{Msgs: []Msg{m}, Reply: h.reply, Close: h.close}, nil
}

// batch reads the list of a stream. Bare values between the messages (Dask
// sends "OK") are passed over; a list without a single message is a value.
func (d *decoder) batch(b []byte) (Incoming, error) {
	n, rest, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil {
		return Incoming{}, fmt.Errorf("wire: batch: %w", err)
	}
	in := Incoming{Batch: true, Msgs: make([]Msg, 0, min(int(n), len(rest)/3+1))}
	for range n {
		h := head{}
		if msgp.NextType(rest) == msgp.MapType {
			if h, err = readHead(rest, false); err != nil {
				return Incoming{}, fmt.Errorf("wire: batch: %w", err)
			}
		}
		if h.op == nil {
			if rest, err = skip(rest); err != nil {
				return Incoming{}, fmt.Errorf("wire: batch: %w", err)
			}
			continue
		}
		var m Msg
		if m, rest, err = d.decodeMsg(rest, h.op); err != nil {
			return Incoming{}, err
		}
		in.Msgs = append(in.Msgs, m)
	}
	if len(in.Msgs) == 0 {
		return d.raw(b)
	}
	return in, nil
}
