package launch

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// Limits of what is kept of a plugin's standard error.
const (
	maxLine    = 64 << 10 // bytes of a line that are logged
	ringLines  = 64       // lines kept for the exit report
	ringLength = 2 << 10  // bytes kept of each
)

// stderrLog reads the standard error of a plugin: log entries in hclog's JSON go
// to the host's logger with their level, everything else as text. go-plugin
// never sees a byte of it, because it trusts the fields of JSON lines.
type stderrLog struct {
	logger hclog.Logger

	mu       sync.Mutex
	ring     []string // the last lines, oldest first
	panicked bool
}

// read logs in until its end.
func (s *stderrLog) read(in io.Reader) {
	r := bufio.NewReaderSize(in, maxLine)
	for {
		line, err := r.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		if text := strings.TrimRight(string(line), "\r\n"); text != "" {
			s.line(text)
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = r.ReadSlice('\n')
		}
		if long {
			s.logger.Debug("the rest of this line was too long to log", "limit", maxLine)
		}
		if err != nil {
			return
		}
	}
}

// line logs and keeps one line.
func (s *stderrLog) line(text string) {
	e, ok := parseEntry([]byte(text))
	if !ok {
		s.keep(text, startsPanic(text))
		s.plain(text)
		return
	}
	s.keep(e.text(), false)
	s.logger.Log(e.level, e.message, e.pairs...)
}

// plain logs text that is no entry, with the level that it begins with; what
// follows the beginning of a panic is an error.
func (s *stderrLog) plain(text string) {
	for _, l := range []hclog.Level{hclog.Trace, hclog.Debug, hclog.Info, hclog.Warn, hclog.Error} {
		if rest, ok := strings.CutPrefix(text, "["+strings.ToUpper(l.String())+"]"); ok {
			s.logger.Log(l, strings.TrimSpace(rest))
			return
		}
	}
	if s.sawPanic() {
		s.logger.Error(text)
		return
	}
	s.logger.Debug(text)
}

// keep puts a line into the ring.
func (s *stderrLog) keep(text string, panics bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.panicked = s.panicked || panics
	if len(s.ring) == ringLines {
		s.ring = slices.Delete(s.ring, 0, 1)
	}
	s.ring = append(s.ring, text[:min(len(text), ringLength)])
}

func (s *stderrLog) sawPanic() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.panicked
}

// tail returns the last lines, oldest first.
func (s *stderrLog) tail() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ring)
}

func startsPanic(text string) bool {
	return strings.HasPrefix(text, "panic: ") || strings.HasPrefix(text, "fatal error: ")
}

// entry is one log entry of hclog's JSON form.
type entry struct {
	level   hclog.Level
	message string
	pairs   []any
}

// text is the entry for people.
func (e entry) text() string {
	var b strings.Builder
	b.WriteString("[" + strings.ToUpper(e.level.String()) + "] " + e.message)
	for i := 0; i+1 < len(e.pairs); i += 2 {
		value, _ := json.Marshal(e.pairs[i+1])
		b.WriteString(" " + e.pairs[i].(string) + "=" + string(value))
	}
	return b.String()
}

// parseEntry accepts only lines with a message and a level that are strings;
// anything else is text.
func parseEntry(line []byte) (entry, bool) {
	if len(line) == 0 || line[0] != '{' {
		return entry{}, false
	}
	var fields map[string]any
	if json.Unmarshal(line, &fields) != nil {
		return entry{}, false
	}
	level, ok1 := fields["@level"].(string)
	message, ok2 := fields["@message"].(string)
	e := entry{level: hclog.LevelFromString(level), message: message}
	if !ok1 || !ok2 || e.level == hclog.NoLevel {
		return entry{}, false
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		if !strings.HasPrefix(name, "@") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		e.pairs = append(e.pairs, name, fields[name])
	}
	return e, true
}
