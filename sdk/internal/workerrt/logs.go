package workerrt

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// logRing writes to the logger and keeps the last lines.
type logRing struct {
	out hclog.Logger
	max int // lines that get_logs can show

	mu    sync.Mutex
	lines []logLine
	next  int
	// forwards are the plugins that want lines published, by publish.
	forwards map[string]struct{}
	publish  func(topics []string, level, logger, text string, at time.Time)
}

type logLine struct{ level, text string }

func newLogRing(out hclog.Logger, length int) *logRing { return &logRing{out: out, max: length} }

func (l *logRing) Debug(msg string, args ...any) {
	l.out.Debug(msg, args...)
}

func (l *logRing) Info(msg string, args ...any) {
	l.out.Info(msg, args...)
	l.keep("INFO", msg, args)
}

func (l *logRing) Warn(msg string, args ...any) {
	l.out.Warn(msg, args...)
	l.keep("WARNING", msg, args)
}

func (l *logRing) Error(msg string, args ...any) {
	l.out.Error(msg, args...)
	l.keep("ERROR", msg, args)
}

func (l *logRing) keep(level, msg string, args []any) {
	var b strings.Builder
	now := time.Now()
	b.WriteString(now.Format("2006-01-02 15:04:05.000") + " - ")
	prefix := b.Len()
	b.WriteString(msg)
	for i := 0; i+1 < len(args); i += 2 {
		fmt.Fprintf(&b, " %v=%v", args[i], args[i+1])
	}
	if topics := l.topics(); len(topics) > 0 {
		l.publish(topics, level, l.name(), b.String()[prefix:], now)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) < l.max {
		l.lines = append(l.lines, logLine{level, b.String()})
		return
	}
	l.lines[l.next] = logLine{level, b.String()}
	l.next = (l.next + 1) % l.max
}

// name is the logger's, for those who choose by it.
func (l *logRing) name() string {
	if n := l.out.Name(); n != "" {
		return n
	}
	return "gdask.worker"
}

// topics are those that a line is published under.
func (l *logRing) topics() (topics []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for plugin := range l.forwards {
		if forwarded(plugin, l.name()) {
			topics = append(topics, forwardTopic+plugin)
		}
	}
	return topics
}

// last are the newest n lines (0: all), newest first.
func (l *logRing) last(n int) []logLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n <= 0 || n > len(l.lines) {
		n = len(l.lines)
	}
	out := make([]logLine, n)
	for i := range out {
		out[i] = l.lines[((l.next-1-i)%len(l.lines)+len(l.lines))%len(l.lines)]
	}
	return out
}

// newID is a name that no other process has.
func newID(kind string) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return kind + "-" + hex.EncodeToString(b[:])
}
