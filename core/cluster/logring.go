package cluster

import (
	"bytes"
	"slices"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// DefaultLogLength is how many lines of log are kept unless told otherwise.
const DefaultLogLength = 10000

// LogRing keeps the last lines that were logged through its Tee.
type LogRing struct {
	mu   sync.Mutex
	max  int
	next int
	buf  []string
}

// NewLogRing returns an empty ring for so many lines; 0 means DefaultLogLength.
func NewLogRing(length int) *LogRing {
	if length <= 0 {
		length = DefaultLogLength
	}
	return &LogRing{max: length}
}

// Write keeps each line; it never fails.
func (r *LogRing) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range bytes.Lines(p) {
		text := string(bytes.TrimRight(line, "\n"))
		if len(r.buf) < r.max {
			r.buf = append(r.buf, text)
			continue
		}
		r.buf[r.next] = text
		r.next = (r.next + 1) % r.max
	}
	return len(p), nil
}

// Lines are those kept, newest first.
func (r *LogRing) Lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := append(append([]string(nil), r.buf[r.next:]...), r.buf[:r.next]...)
	slices.Reverse(lines)
	return lines
}

// Tee returns a logger of that name that logs to l and, from level info on, to the ring.
func (r *LogRing) Tee(name string, l hclog.Logger) hclog.Logger {
	both := hclog.NewInterceptLogger(&hclog.LoggerOptions{Name: name, Level: hclog.Info, Output: r})
	both.RegisterSink(forward{l})
	return both
}

// forward is a sink that hands records on to a logger.
type forward struct{ to hclog.Logger }

// Accept implements hclog.SinkAdapter.
func (f forward) Accept(_ string, level hclog.Level, msg string, args ...any) {
	f.to.Log(level, msg, args...)
}
