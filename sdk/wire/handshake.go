package wire

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// extensions is the version of gdask's additions to the protocol.
const extensions = 1

// picklePython is the pickle protocol that Python peers and gdask agree on.
const pickleProtocol = 5

// appendHandshake writes what this side says: no compression towards Go, and a
// Python version because Python peers look at it.
func appendHandshake(b []byte) []byte {
	b = msgp.AppendMapHeader(b, 4)
	b = msgp.AppendNil(msgp.AppendString(b, "compression"))
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "python"), 3)
	b = msgp.AppendInt(msgp.AppendInt(msgp.AppendInt(b, 3), 11), 0)
	b = msgp.AppendInt(msgp.AppendString(b, "pickle-protocol"), pickleProtocol)
	return msgp.AppendInt(msgp.AppendString(b, "gdask"), extensions)
}

// readHandshake reads the peer's map.
func readHandshake(b []byte) (Peer, error) {
	if msgp.NextType(b) != msgp.MapType {
		return Peer{}, fmt.Errorf("wire: handshake is no map; the peer does not speak Dask's protocol")
	}
	if _, err := skip(b); err != nil {
		return Peer{}, fmt.Errorf("wire: handshake: %w", err)
	}
	num := func(name string) int {
		v := fieldOf(b, name)
		if v == nil {
			return 0
		}
		f, _, err := readNumber(v)
		if err != nil {
			return 0 // a field of another type is a field this side does not know
		}
		return int(f)
	}
	p := Peer{GDask: num("gdask"), Pickle: min(pickleProtocol, num("pickle-protocol"))}
	if p.GDask == 0 {
		var v Priority
		if raw := fieldOf(b, "python"); raw != nil && msgp.NextType(raw) == msgp.ArrayType {
			if _, err := v.UnmarshalMsg(raw); err != nil {
				return Peer{}, fmt.Errorf("wire: handshake: python version: %w", err)
			}
		}
		for _, f := range v {
			p.Python = append(p.Python, int(f))
		}
	}
	return p, nil
}
