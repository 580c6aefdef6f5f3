package wire

import (
	"strings"
	"unsafe"
)

// unzeroed is memory for n bytes that are about to be overwritten, all of them.
// To clear memory that the runtime uses again costs a large frame a third of its
// speed, and only a strings.Builder gets memory without that.
func unzeroed(n int) []byte {
	if n < maxBuffer {
		return make([]byte, n)
	}
	var room strings.Builder
	room.Grow(n)
	_ = room.WriteByte(0)                                    // which a builder never refuses
	return unsafe.Slice(unsafe.StringData(room.String()), n) // nobody else has the string
}
