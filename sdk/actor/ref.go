package actor

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// mark begins the bytes of every handle.
const mark = "gdask-actor"

// Ref is what travels instead of an actor: where it is and how to name it there.
type Ref struct {
	Key     wire.Key // of the task that made it
	Address string   // of the worker where it lives
	Type    string   // of the object, for people
}

// MarshalBinary implements encoding.BinaryMarshaler: a msgpack array of a mark,
// the key, the address and the type.
func (r Ref) MarshalBinary() ([]byte, error) {
	b := msgp.AppendArrayHeader(nil, 4)
	b = msgp.AppendString(b, mark)
	b = msgp.AppendBytes(b, []byte(r.Key))
	b = msgp.AppendString(b, r.Address)
	return msgp.AppendString(b, r.Type), nil
}

// UnmarshalBinary implements encoding.BinaryUnmarshaler.
func (r *Ref) UnmarshalBinary(b []byte) error {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil || n != 4 {
		return fmt.Errorf("actor: %d bytes are no handle of an actor; is the argument the future of one?", len(b))
	}
	var got, key string
	var raw []byte
	for i, into := range []*string{&got, &key, &r.Address, &r.Type} {
		if i == 1 {
			raw, b, err = msgp.ReadBytesZC(b)
			key = string(raw)
		} else {
			*into, b, err = msgp.ReadStringBytes(b)
		}
		if err != nil || got != mark {
			return fmt.Errorf("actor: field %d of a handle of an actor: %w", i, orMark(err))
		}
	}
	r.Key = wire.Key(key)
	return nil
}

func orMark(err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("want the mark %q", mark)
}

// Opaque is the handle as a value on the wire.
func (r Ref) Opaque() wire.Opaque {
	b, _ := r.MarshalBinary() // never fails
	return wire.BytesOpaque(b)
}
