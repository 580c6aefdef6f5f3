// Package lifeline notices the death of the host of a plugin process. The host
// holds one end of a socket pair, the plugin the other: when the host ends, in
// whatever way, the kernel closes its end and the plugin reads end of file.
package lifeline

import (
	"errors"
	"io"
	"os"
	"strconv"
)

// Open returns the lifeline whose descriptor number is value, the host's
// environment variable; "" means that the host gave none and returns nil, nil.
func Open(value string) (*os.File, error) {
	if value == "" {
		return nil, nil
	}
	fd, err := strconv.Atoi(value)
	if err != nil || fd < 3 {
		return nil, errors.New("lifeline: the host named " + strconv.Quote(value) + ", which is no file descriptor above 2")
	}
	return open(fd)
}

// Wait returns when the host is gone, or when f is closed: gone tells them apart.
// What the host writes is skipped.
func Wait(f io.Reader) (gone bool) {
	buf := make([]byte, 64)
	for {
		_, err := f.Read(buf)
		switch {
		case err == nil:
		case errors.Is(err, os.ErrClosed):
			return false
		default:
			return true
		}
	}
}
