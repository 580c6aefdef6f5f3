package suite

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// maxOutput is how much of an output is kept: its beginning.
const maxOutput = 1 << 20

// output keeps what a process wrote and tells when the first line is there. It
// takes everything, so that the process never blocks.
type output struct {
	line chan struct{} // closed when the first line is complete

	mu    sync.Mutex
	data  []byte
	total int
	ring  []string // the last lines
	part  []byte   // of a line
}

func newOutput() *output { return &output{line: make(chan struct{})} }

// Write takes p.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := bytes.IndexByte(o.data, '\n') >= 0
	o.data = append(o.data, p[:min(len(p), maxOutput-len(o.data))]...)
	o.total += len(p)
	if !before && bytes.IndexByte(o.data, '\n') >= 0 {
		close(o.line)
	}
	o.lines(p)
	return len(p), nil
}

// lines keeps the last lines, shortened.
func (o *output) lines(p []byte) {
	o.part = append(o.part, p...)
	for {
		i := bytes.IndexByte(o.part, '\n')
		if i < 0 {
			o.part = o.part[:min(len(o.part), 4096)]
			return
		}
		o.ring = append(o.ring, string(o.part[:min(i, 400)]))
		o.part = o.part[i+1:]
		if len(o.ring) > 32 {
			o.ring = o.ring[1:]
		}
	}
}

// text is what was written, at most its first part.
func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.data)
}

// firstLine is the first line without its end, and whether it is complete.
func (o *output) firstLine() (string, bool) {
	line, _, ok := strings.Cut(o.text(), "\n")
	return strings.TrimRight(line, "\r"), ok
}

// last are the last n lines.
func (o *output) last(n int) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.ring[max(0, len(o.ring)-n):])
}

// shorten makes text fit into a message.
func shorten(text string) string {
	if len(text) > 200 {
		return text[:200] + "..."
	}
	return text
}
