package client

import "encoding/binary"

// PickledText is the text in the pickle of a Python str; of anything else, a
// sentence that says so.
func PickledText(pickle []byte) string {
	const unknown = "(an object that only Python can read)"
	b := pickle
	if len(b) > 2 && b[0] == 0x80 { // protocol
		b = b[2:]
	}
	if len(b) > 9 && b[0] == 0x95 { // frame
		b = b[9:]
	}
	var n int
	switch {
	case len(b) > 2 && b[0] == 0x8c: // short text
		n, b = int(b[1]), b[2:]
	case len(b) > 5 && b[0] == 'X':
		n, b = int(binary.LittleEndian.Uint32(b[1:])), b[5:]
	default:
		return unknown
	}
	if n < 0 || n > len(b) {
		return unknown
	}
	text, rest := b[:n], b[n:]
	if len(rest) > 0 && rest[0] == 0x94 { // memo
		rest = rest[1:]
	}
	if string(rest) != "." {
		return unknown
	}
	return string(text)
}
