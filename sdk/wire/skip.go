package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tinylib/msgp/msgp"
)

// errCut is the error of a value whose bytes end too early.
var errCut = errors.New("wire: msgpack value is cut off")

// skip returns what follows the first msgpack value of b.
func skip(b []byte) ([]byte, error) { return skipDepth(b, defaultMaxDepth) }

// skipDepth is skip for a value with at most depth levels of nesting.
func skipDepth(b []byte, depth int) ([]byte, error) {
	size, items, err := valueHead(b)
	if err != nil {
		return b, err
	}
	b = b[size:]
	if items == 0 {
		return b, nil
	}
	if depth <= 0 {
		return b, &LimitError{What: "levels of nesting beyond", Value: defaultMaxDepth, Limit: defaultMaxDepth}
	}
	if items > uint64(len(b)) { // every item has at least one byte
		return b, errCut
	}
	for range items {
		// Most items are short texts and small numbers: no call for these.
		if len(b) > 0 {
			if c := b[0]; c < 0x80 || c >= 0xe0 || c == 0xc0 {
				b = b[1:]
				continue
			} else if c&0xe0 == 0xa0 {
				if n := 1 + int(c&0x1f); n <= len(b) {
					b = b[n:]
					continue
				}
			}
		}
		if b, err = skipDepth(b, depth-1); err != nil {
			return b, err
		}
	}
	return b, nil
}

// valueHead is the size of a scalar, or of a container's header together with
// the number of values inside (two for each entry of a map).
func valueHead(b []byte) (size int, items uint64, err error) {
	if len(b) == 0 {
		return 0, 0, errCut
	}
	c := b[0]
	switch {
	case c < 0x80 || c >= 0xe0:
		return 1, 0, nil
	case c < 0x90:
		return 1, 2 * uint64(c&0x0f), nil
	case c < 0xa0:
		return 1, uint64(c & 0x0f), nil
	case c < 0xc0:
		size = 1 + int(c&0x1f)
	default:
		return longHead(b, c)
	}
	if size > len(b) {
		return 0, 0, errCut
	}
	return size, 0, nil
}

// longHead is valueHead for the forms that start with a byte of their own.
func longHead(b []byte, c byte) (size int, items uint64, err error) {
	fixed, width := form(c)
	if fixed == 0 {
		return 0, 0, fmt.Errorf("wire: byte %#x starts no msgpack value", c)
	}
	if len(b) < fixed {
		return 0, 0, errCut
	}
	if width == 0 {
		return fixed, 0, nil
	}
	n := length(b[1 : 1+width])
	switch {
	case c >= 0xde:
		return fixed, 2 * n, nil
	case c >= 0xdc:
		return fixed, n, nil
	case n > uint64(len(b)-fixed):
		return 0, 0, errCut
	}
	return fixed + int(n), 0, nil
}

// form is the size of a value's fixed part and the width of the length in it.
func form(c byte) (fixed, width int) {
	switch c {
	case 0xc0, 0xc2, 0xc3:
		return 1, 0
	case 0xc4, 0xd9:
		return 2, 1
	case 0xc5, 0xda, 0xdc, 0xde:
		return 3, 2
	case 0xc6, 0xdb, 0xdd, 0xdf:
		return 5, 4
	case 0xc7: // extensions have a type byte behind the length
		return 3, 1
	case 0xc8:
		return 4, 2
	case 0xc9:
		return 6, 4
	case 0xcc, 0xd0:
		return 2, 0
	case 0xcd, 0xd1:
		return 3, 0
	case 0xca, 0xce, 0xd2:
		return 5, 0
	case 0xcb, 0xcf, 0xd3:
		return 9, 0
	case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
		return 2 + 1<<(c-0xd4), 0
	}
	return 0, 0
}

func length(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	default:
		return uint64(binary.BigEndian.Uint32(b))
	}
}

// checkValue makes sure that the whole of b is one value of bounded nesting, so
// that what decodes it may trust the counts in it.
func checkValue(b []byte, depth int) error {
	rest, err := skipDepth(b, depth)
	if limit := (*LimitError)(nil); errors.As(err, &limit) {
		return &LimitError{What: "nesting deeper than", Value: uint64(depth), Limit: uint64(depth)}
	}
	if err != nil {
		return fmt.Errorf("wire: frame 0 is not msgpack: %w", err)
	}
	if len(rest) > 0 {
		return fmt.Errorf("wire: %d bytes behind the value in frame 0", len(rest))
	}
	return nil
}

// isStr says that b starts with a str.
func isStr(b []byte) bool { return msgp.NextType(b) == msgp.StrType }
