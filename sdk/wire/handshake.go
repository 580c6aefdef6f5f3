package wire

import (
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

const (
	// extensions is the version of gdask's additions to the protocol.
	extensions = 1
	// oldestExtensions is the oldest version of them that this side still speaks.
	oldestExtensions = 1
)

// picklePython is the pickle protocol that Python peers and gdask agree on.
const pickleProtocol = 5

// appendHandshake writes what this side says: no compression towards Go, and a
// Python version because Python peers look at it.
func appendHandshake(b []byte) []byte {
	b = msgp.AppendMapHeader(b, 5)
	b = msgp.AppendNil(msgp.AppendString(b, "compression"))
	b = msgp.AppendArrayHeader(msgp.AppendString(b, "python"), 3)
	b = msgp.AppendInt(msgp.AppendInt(msgp.AppendInt(b, 3), 11), 0)
	b = msgp.AppendInt(msgp.AppendString(b, "pickle-protocol"), pickleProtocol)
	b = msgp.AppendInt(msgp.AppendString(b, "gdask"), extensions)
	return msgp.AppendInt(msgp.AppendString(b, "gdask-oldest"), oldestExtensions)
}

// VersionError says that two programs of gdask do not understand each other.
type VersionError struct {
	Theirs, TheirOldest int // versions of the protocol that the peer speaks
	Ours, OurOldest     int
}

// Error implements error.
func (e *VersionError) Error() string {
	which := "update the program at the other end"
	if e.TheirOldest > e.Ours {
		which = "update this program"
	}
	return fmt.Sprintf("wire: the peer speaks versions %d to %d of gdask's protocol, this program %d to %d: they cannot work together; %s",
		e.TheirOldest, e.Theirs, e.OurOldest, e.Ours, which)
}

// agree is the version that two peers of gdask speak: the older one's, as far as
// the newer still can.
func agree(theirs, theirOldest, ours, ourOldest int) (int, error) {
	if theirs < ourOldest || theirOldest > ours {
		return 0, &VersionError{theirs, theirOldest, ours, ourOldest}
	}
	return min(theirs, ours), nil
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
	if p.GDask != 0 {
		var err error
		if p.GDask, err = agree(p.GDask, max(num("gdask-oldest"), 1), extensions, oldestExtensions); err != nil {
			return Peer{}, err
		}
	} else {
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
