package wire

import (
	"bytes"
	"fmt"
	"unique"
	"unsafe"

	"github.com/tinylib/msgp/msgp"
)

// decoder gives the Opaques of one message their bytes and frames.
type decoder struct {
	frames [][]byte // out-of-band frames
	first  int      // the index that placeholders give to frames[0]
	shared bool     // frame 0 will be overwritten: keep copies
	marked bool     // there may be placeholders
	used   int      // frames taken so far
	err    error
	each   func(*Opaque) // settle as a value; made once to save an allocation
}

func newDecoder() *decoder {
	d := &decoder{}
	d.each = d.settle
	return d
}

// message prepares for a message as it came from a connection.
func (d *decoder) message(frames [][]byte, shared bool) {
	d.frames, d.first, d.shared = frames[1:], 1, shared
	d.marked = len(frames) > 1 || hasMark(frames[0])
	d.used, d.err = 0, nil
}

// part prepares for a value that was part of a message, or is all of it.
func (d *decoder) part(o Opaque) {
	d.frames, d.first, d.shared = o.Frames, 0, false
	d.marked, d.used, d.err = len(o.Frames) > 0, 0, nil
}

func hasMark(b []byte) bool {
	return bytes.Contains(b, []byte(serializedMark)) || bytes.Contains(b, []byte(pickledMark))
}

// decode reads one value into v, which may be a Carrier.
func (d *decoder) decode(b []byte, v Body) ([]byte, error) {
	rest, err := v.UnmarshalMsg(b)
	if err != nil {
		return b, err
	}
	if c, ok := v.(Carrier); ok {
		c.EachOpaque(d.each)
		err = d.err
	}
	return rest, err
}

// settle makes o independent of the message that it was read from.
func (d *decoder) settle(o *Opaque) {
	if d.err != nil || len(o.Raw) == 0 {
		return
	}
	if d.marked {
		var bound bool
		if bound, d.err = d.bind(o); bound || d.err != nil {
			return
		}
	}
	if d.shared {
		o.Raw = own(o.Raw)
	}
}

// bind attaches the frames that o's placeholders point to and makes the indexes
// relative. It reports whether there were any.
func (d *decoder) bind(o *Opaque) (bool, error) {
	if i, mark, ok := onlyPlaceholder(o.Raw); ok {
		group, err := d.group(i)
		if err != nil {
			return false, err
		}
		o.Frames = append(make([][]byte, 0, len(group)), group...)
		if mark == serializedFirst {
			o.Raw = placeholders[:len(serializedFirst):len(serializedFirst)]
		} else {
			o.Raw = placeholders[len(serializedFirst):]
		}
		return true, nil
	}
	if !hasMark(o.Raw) {
		return false, nil
	}
	var mine [][]byte
	raw, _, err := rebase(make([]byte, 0, len(o.Raw)), o.Raw, func(i int) (int, error) {
		group, err := d.group(i)
		at := len(mine)
		mine = append(mine, group...)
		return at, err
	}, 0)
	if err != nil || len(mine) == 0 {
		return false, err
	}
	o.Raw, o.Frames = raw, mine
	return true, nil
}

// group returns the header frame of a placeholder with its sub-frames.
func (d *decoder) group(i int) ([][]byte, error) {
	group, err := groupAt(d.frames, i-d.first)
	if err != nil {
		return nil, err
	}
	// Each frame belongs to one placeholder; more would let a small message
	// grow without bound when it is passed on.
	if d.used += len(group); d.used > len(d.frames) {
		return nil, fmt.Errorf("wire: placeholders use %d of %d frames", d.used, len(d.frames))
	}
	return group, nil
}

const (
	serializedFirst = "\x81\xae" + serializedMark + "\x00"
	pickledFirst    = "\x81\xab" + pickledMark + "\x00"
)

// placeholders is the usual Raw of a value in frames, shared by all; read only.
var placeholders = []byte(serializedFirst + pickledFirst)

// onlyPlaceholder recognises a value that is one placeholder, the usual form.
func onlyPlaceholder(b []byte) (i int, mark string, ok bool) {
	const s, p = len(serializedFirst) - 1, len(pickledFirst) - 1
	switch {
	case len(b) > s && string(b[:s]) == serializedFirst[:s]:
		mark, b = serializedFirst, b[s:]
	case len(b) > p && string(b[:p]) == pickledFirst[:p]:
		mark, b = pickledFirst, b[p:]
	default:
		return 0, "", false
	}
	i, rest, err := msgp.ReadIntBytes(b)
	return i, mark, err == nil && len(rest) == 0
}

// groupAt returns a placeholder's header frame with its sub-frames.
func groupAt(frames [][]byte, i int) ([][]byte, error) {
	if i < 0 || i >= len(frames) {
		return nil, fmt.Errorf("wire: placeholder points to out-of-band frame %d of %d", i, len(frames))
	}
	n := 0.0
	if v := fieldOf(frames[i], "num-sub-frames"); v != nil {
		var err error
		if n, _, err = readNumber(v); err != nil {
			return nil, fmt.Errorf("wire: num-sub-frames of frame %d: %w", i, err)
		}
	}
	if !(n >= 0 && n <= float64(len(frames)-i-1)) {
		return nil, fmt.Errorf("wire: out-of-band frame %d announces %v sub-frames, %d follow", i, n, len(frames)-i-1)
	}
	return frames[i : i+1+int(n)], nil
}

// own copies b; what occurs all the time is not copied each time.
func own(b []byte) []byte {
	switch {
	case len(b) == 1: // nil, {}, small numbers
		return singles[b[0] : int(b[0])+1 : int(b[0])+1]
	case len(b) <= internBytes && b[0] == 0xc4: // the pickled class of a result
		s := intern(b)
		return unsafe.Slice(unsafe.StringData(s), len(s)) // an Opaque's Raw is never written to
	}
	return append(make([]byte, 0, len(b)), b...)
}

// singles are all values of one byte.
var singles = func() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}()

// internBytes is the size up to which texts that repeat are kept once.
const internBytes = 64

// intern returns b as a string that equal calls share, without a copy when it
// is known already.
func intern(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unique.Make(unsafe.String(&b[0], len(b))).Value() // Make copies what it keeps
}
