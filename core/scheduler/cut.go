package scheduler

import (
	"fmt"

	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
)

// cutter copies a msgpack value while collecting the frames that it points to,
// so that a part of a message can be kept or sent without the rest of it.
type cutter struct {
	from   [][]byte
	frames [][]byte
	out    []byte
}

// cut returns o with only the frames that its own placeholders need.
func cut(o wire.Opaque) (wire.Opaque, error) {
	if len(o.Frames) == 0 || len(o.Raw) == 0 {
		return o, nil
	}
	c := &cutter{from: o.Frames, out: make([]byte, 0, len(o.Raw))}
	if _, err := c.value(o.Raw, 0); err != nil {
		return o, err
	}
	return wire.Opaque{Raw: c.out, Frames: c.frames}, nil
}

func (c *cutter) value(b []byte, depth int) ([]byte, error) {
	if depth > 8*maxDepth {
		return b, fmt.Errorf("msgpack value nested deeper than %d levels", 8*maxDepth)
	}
	switch msgp.NextType(b) {
	case msgp.ArrayType:
		n, rest, err := msgp.ReadArrayHeaderBytes(b)
		if err != nil {
			return b, err
		}
		c.out = append(c.out, b[:len(b)-len(rest)]...)
		return c.values(rest, int(n), depth)
	case msgp.MapType:
		return c.mapping(b, depth)
	}
	v, rest, err := nextValue(b)
	c.out = append(c.out, v...)
	return rest, err
}

func (c *cutter) values(b []byte, n, depth int) (_ []byte, err error) {
	for range n {
		if b, err = c.value(b, depth+1); err != nil {
			return b, err
		}
	}
	return b, nil
}

func (c *cutter) mapping(b []byte, depth int) ([]byte, error) {
	n, rest, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return b, err
	}
	c.out = append(c.out, b[:len(b)-len(rest)]...)
	if n == 1 && msgp.NextType(rest) == msgp.StrType {
		name, after, err := msgp.ReadStringZC(rest)
		if err != nil {
			return b, err
		}
		if s := string(name); s == "__Serialized__" || s == "__Pickled__" {
			c.out = append(c.out, rest[:len(rest)-len(after)]...)
			return c.placeholder(after)
		}
	}
	return c.values(rest, 2*int(n), depth)
}

// placeholder moves the frames of one placeholder, whose index b begins with.
func (c *cutter) placeholder(b []byte) ([]byte, error) {
	i, rest, err := msgp.ReadInt64Bytes(b)
	if err != nil {
		return b, fmt.Errorf("placeholder without a frame number: %w", err)
	}
	if i < 0 || i >= int64(len(c.from)) {
		return b, fmt.Errorf("placeholder points to frame %d of %d", i, len(c.from))
	}
	header, err := splitMap(wire.Opaque{Raw: c.from[i]})
	if err != nil {
		return b, fmt.Errorf("header frame %d: %w", i, err)
	}
	subs, _, err := msgp.ReadInt64Bytes(header["num-sub-frames"].Raw)
	if err != nil {
		return b, fmt.Errorf("header frame %d: num-sub-frames: %w", i, err)
	}
	if subs < 0 || i+1+subs > int64(len(c.from)) {
		return b, fmt.Errorf("header frame %d announces %d frames, %d are left", i, subs, int64(len(c.from))-i-1)
	}
	c.out = msgp.AppendInt(c.out, len(c.frames))
	c.frames = append(c.frames, c.from[i:i+1+subs]...)
	return rest, nil
}
