package scheduler

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// logs passes lines to the logger and keeps the last of them for clients that
// ask.
type logs struct {
	to   hclog.Logger
	max  int
	mu   sync.Mutex
	ring []logLine
	next int
}

type logLine struct {
	at          time.Time
	level, text string
}

// String is the line as Dask's schedulers write theirs.
func (l logLine) String() string {
	return l.at.Format("2006-01-02 15:04:05,000") + " - gdask.scheduler - " + l.level + " - " + l.text
}

// newLogs keeps the last lines, as many as length says.
func newLogs(to hclog.Logger, length int) *logs { return &logs{to: to, max: length} }

func (l *logs) debug(msg string, kv ...any) { l.to.Debug(msg, kv...) }

func (l *logs) info(msg string, kv ...any) {
	l.keep("INFO", msg, kv)
	l.to.Info(msg, kv...)
}

func (l *logs) warn(msg string, kv ...any) {
	l.keep("WARNING", msg, kv)
	l.to.Warn(msg, kv...)
}

func (l *logs) error(msg string, kv ...any) {
	l.keep("ERROR", msg, kv)
	l.to.Error(msg, kv...)
}

func (l *logs) keep(level, msg string, kv []any) {
	var b strings.Builder
	b.WriteString(msg)
	for i := 0; i+1 < len(kv); i += 2 {
		fmt.Fprintf(&b, " %v=%v", kv[i], kv[i+1])
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	line := logLine{time.Now(), level, b.String()}
	if len(l.ring) < l.max {
		l.ring = append(l.ring, line)
		return
	}
	l.ring[l.next] = line
	l.next = (l.next + 1) % l.max
}

// last returns the newest n lines, newest first; n <= 0: all kept.
func (l *logs) last(n int) []logLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := append(append([]logLine(nil), l.ring[l.next:]...), l.ring[:l.next]...)
	slices.Reverse(lines)
	if n > 0 && n < len(lines) {
		lines = lines[:n]
	}
	return lines
}

// usualEnd says whether err is how a peer leaves in the ordinary way.
func usualEnd(err error) bool {
	return err == nil || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}
