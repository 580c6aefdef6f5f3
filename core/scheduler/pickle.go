package scheduler

import (
	"errors"
	"strings"
)

var errNoGraphReader = errors.New("this scheduler cannot read graphs of Python clients: it has no graph reader; " +
	"install Python 3 with the packages dask and distributed beside it and set `graph: python`, " +
	"or submit from a gdask client")

// shufflePlugin is the pickle of the plugin that Python workers need for
// peer-to-peer shuffles: a class called without arguments, in protocol 0.
const shufflePlugin = "cdistributed.shuffle._worker_plugin\nShuffleWorkerPlugin\n(tR."

// pickleError is the pickle (protocol 0) of a builtin Python exception with a text.
func pickleError(class, text string) []byte {
	return []byte("cbuiltins\n" + class + "\n(V" + pickleText(text) + "\ntR.")
}

// pickleText writes text as the argument of a V instruction: raw-unicode-escape
// with what would end the line escaped.
func pickleText(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\\' || r == '\n' || r == '\r' || r == 0 || r == 0x1a:
			escape(&b, r, "\\u", 4)
		case r > 0xffff:
			escape(&b, r, "\\U", 8)
		case r > 0xff:
			escape(&b, r, "\\u", 4)
		default: // one Latin-1 byte
			b.WriteByte(byte(r))
		}
	}
	return b.String()
}

func escape(b *strings.Builder, r rune, prefix string, digits int) {
	const hex = "0123456789abcdef"
	b.WriteString(prefix)
	for i := digits - 1; i >= 0; i-- {
		b.WriteByte(hex[(r>>(4*i))&15])
	}
}
