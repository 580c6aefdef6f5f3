package task

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// DecodeCall reads what [Call.Encode] made; in one process it returns the call
// itself. Literals stay encoded until [Function.Bind].
func DecodeCall(o wire.Opaque) (*Call, error) {
	if c, ok := o.Ref.(*Call); ok {
		return c, nil
	}
	if len(o.Raw) == 0 {
		return nil, fmt.Errorf("task: the run spec is empty (%T), wants a Go call", o.Ref)
	}
	d := callDecoder{b: o.Raw, frames: o.Frames}
	c, err := d.call()
	if err != nil {
		return nil, fmt.Errorf("task: run spec of %d bytes: %w", len(o.Raw), err)
	}
	return c, nil
}

type callDecoder struct {
	b      []byte
	frames [][]byte
}

func (d *callDecoder) call() (*Call, error) {
	n, err := d.array()
	if err != nil {
		return nil, err
	}
	if n < 2 {
		return nil, fmt.Errorf("an array of %d, wants name, signature and arguments", n)
	}
	c := &Call{}
	if c.Name, d.b, err = msgp.ReadStringBytes(d.b); err != nil {
		return nil, fmt.Errorf("name: %w", err)
	}
	if c.Sig, d.b, err = msgp.ReadUint64Bytes(d.b); err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	if n > 2 {
		c.Args = make([]Arg, n-2)
	}
	for i := range c.Args {
		if c.Args[i], err = d.arg(0); err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	if len(d.b) > 0 {
		return nil, fmt.Errorf("%d bytes are left over", len(d.b))
	}
	return c, nil
}

// array reads an array's length; it cannot exceed the bytes that are left, so
// that a few bytes cannot ask for much memory.
func (d *callDecoder) array() (int, error) {
	n, b, err := msgp.ReadArrayHeaderBytes(d.b)
	if err != nil {
		return 0, err
	}
	if int(n) > len(b) {
		return 0, fmt.Errorf("an array of %d in %d bytes", n, len(b))
	}
	d.b = b
	return int(n), nil
}

func (d *callDecoder) arg(depth int) (Arg, error) {
	if depth > maxDepth {
		return Arg{}, fmt.Errorf("nests deeper than %d levels", maxDepth)
	}
	if len(d.b) == 0 {
		return Arg{}, msgp.ErrShortBytes
	}
	if isScalar(d.b[0]) {
		return d.literal()
	}
	n, err := d.array()
	if err != nil {
		return Arg{}, err
	}
	if n == 0 {
		return Arg{}, fmt.Errorf("an empty array, wants a tag")
	}
	tag, b, err := msgp.ReadIntBytes(d.b)
	if err != nil {
		return Arg{}, fmt.Errorf("tag: %w", err)
	}
	d.b = b
	switch {
	case tag == tagLiteral && n == 2:
		return d.literal()
	case tag == tagKey && n == 2:
		raw, err := d.raw()
		return Arg{Key: wire.Key(raw)}, err
	case tag == int(NestList):
		return d.nest(NestList, n-1, depth)
	case tag == int(NestMap) && n%2 == 1:
		return d.nest(NestMap, n-1, depth)
	case tag == int(NestStruct) && n >= 2 && n%2 == 0:
		return d.nest(NestStruct, n-2, depth)
	}
	return Arg{}, fmt.Errorf("unknown tag %d with %d fields; the client is newer than this worker", tag, n-1)
}

func (d *callDecoder) nest(kind NestKind, items, depth int) (Arg, error) {
	n := &Nest{Kind: kind}
	if kind == NestStruct {
		base, err := d.arg(depth + 1)
		if err != nil {
			return Arg{}, err
		}
		n.Base = base.Value
		items /= 2
	}
	n.Items = make([]Arg, items)
	for i := range n.Items {
		if kind == NestStruct {
			name, b, err := msgp.ReadStringBytes(d.b)
			if err != nil {
				return Arg{}, fmt.Errorf("field name: %w", err)
			}
			n.Names, d.b = append(n.Names, name), b
		}
		a, err := d.arg(depth + 1)
		if err != nil {
			return Arg{}, err
		}
		n.Items[i] = a
	}
	return Arg{Nest: n}, nil
}

// literal keeps one value encoded.
func (d *callDecoder) literal() (Arg, error) {
	raw, err := d.raw()
	if err != nil {
		return Arg{}, err
	}
	if len(raw) == 1 && raw[0] == 0xc0 {
		return Arg{}, nil
	}
	return Arg{Value: literal{wire.Opaque{Raw: raw, Frames: d.frames}}}, nil
}

// raw cuts one msgpack value off.
func (d *callDecoder) raw() ([]byte, error) {
	rest, err := msgp.Skip(d.b)
	if err != nil {
		return nil, err
	}
	raw := d.b[: len(d.b)-len(rest) : len(d.b)-len(rest)]
	d.b = rest
	return raw, nil
}
