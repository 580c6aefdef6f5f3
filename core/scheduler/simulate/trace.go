package simulate

import (
	"fmt"
	"strings"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// trace is the history: as a hash, and as its latest lines where asked for.
type trace struct {
	hash  uint64
	buf   []byte
	lines []string
	next  int
	total int64
}

func newTrace(keep int) trace { return trace{hash: 0xcbf29ce484222325, lines: make([]string, keep)} }

// note adds what a node was told or said: node, a sign for which of the two,
// and the event or message.
func (w *World) note(node, sign string, what any) {
	t := &w.trace
	t.total++
	t.buf = append(append(append(t.buf[:0], node...), sign...), ' ')
	t.buf = appendWords(t.buf, what)
	h := t.hash ^ uint64(w.now)
	for _, c := range t.buf {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	t.hash = h
	if len(t.lines) > 0 {
		t.lines[t.next] = fmt.Sprintf("%10.3fms  %s", float64(w.now)/float64(time.Millisecond), t.buf)
		t.next = (t.next + 1) % len(t.lines)
	}
}

// latest are the last n lines that mention the key; "" is any that is no mere
// routine.
func (t *trace) latest(n int, key string) []string {
	var r []string
	for i := range t.lines {
		l := t.lines[(t.next+i)%len(t.lines)]
		if l != "" && mentions(l, key) {
			r = append(r, l)
		}
	}
	return r[max(0, len(r)-n):]
}

// mentions looks for a key as a whole word.
func mentions(line, key string) bool {
	if key == "" {
		return !strings.Contains(line, "heartbeat") && !strings.Contains(line, "RunAhead") && !strings.Contains(line, "FindMissing") && !strings.Contains(line, "Tick")
	}
	for {
		i := strings.Index(line, key)
		if i < 0 {
			return false
		}
		line = line[i+len(key):]
		if line == "" || line[0] < '0' || line[0] > '9' {
			return true
		}
	}
}

// Failure is what went wrong in a world.
type Failure struct {
	Settings Settings
	Event    int64 // by number
	Time     time.Duration
	Key      wire.Key // that it is about; "" none
	What     string
	Lines    []string // the latest history, with Settings.Keep
	Story    []string // of it, what is about the key
	States   []string // of the key, with the scheduler and the workers
}

// Error says what went wrong, when, and how to see it again.
func (f *Failure) Error() string {
	s := f.Settings
	return fmt.Sprintf("seed %d, event %d, after %v: %s\nto see it again: "+
		"go test ./core/scheduler/simulate -run TestReplay -v -seed=%d -size=%d,%d,%d,%d,%d -span=%v -every=%d%s", s.Seed, f.Event, f.Time, f.What,
		s.Seed, s.Workers, s.Clients, s.Graphs, s.Tasks, s.Chaos, s.Span, s.CheckEvery, s.Plant.flag())
}

// Tell is Error with the history that was kept.
func (f *Failure) Tell() string {
	var b strings.Builder
	b.WriteString(f.Error())
	for _, part := range []struct {
		title string
		lines []string
	}{{"the latest events", f.Lines}, {"the story of " + f.Key.String(), f.Story}, {"what is known of it", f.States}} {
		if len(part.lines) > 0 {
			fmt.Fprintf(&b, "\n%s:\n  %s", part.title, strings.Join(part.lines, "\n  "))
		}
	}
	return b.String()
}

// fail notes the first failure; the world ends with it.
func (w *World) fail(k wire.Key, format string, a ...any) {
	if w.failed != nil {
		return
	}
	if w.About != "" {
		k = w.About
	}
	f := &Failure{Settings: w.Settings, Event: w.stats.Events, Time: w.now, Key: k, What: fmt.Sprintf(format, a...)}
	w.failed = f
	if w.Keep > 0 {
		f.Lines = w.trace.latest(60, "")
		if k != "" {
			f.Story = w.trace.latest(200, k.String())
			f.States = w.describe(k)
		}
	}
}
