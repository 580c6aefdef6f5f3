package launch

import (
	"bufio"
	"errors"
	"io"
)

// maxHandshake is the longest handshake line: it holds at most a certificate.
const maxHandshake = 64 << 10

// firstLine copies the first line of in to out, closes out, and then reads on to
// the end so that the plugin never blocks. What follows is no protocol: lines of
// any length are thrown away.
func firstLine(in io.Reader, out *io.PipeWriter) {
	r := bufio.NewReaderSize(in, 4<<10)
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxHandshake {
			line = line[:0] // no handshake: go-plugin reports the empty line
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			break
		}
	}
	if len(line) > 0 {
		_, _ = out.Write(line)
	}
	_ = out.Close()
	_, _ = io.Copy(io.Discard, r)
}
