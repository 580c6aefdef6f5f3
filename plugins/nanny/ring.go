package nanny

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// keptLines is how many lines get_logs can show.
const keptLines = 1000

// ring is a logger that keeps the last lines.
type ring struct {
	hclog.Logger
	mu    sync.Mutex
	lines [][2]string // level and text, oldest first
}

func newRing(to hclog.Logger) *ring { return &ring{Logger: to} }

func (r *ring) Info(msg string, args ...any) {
	r.Logger.Info(msg, args...)
	r.keep("INFO", msg, args)
}

func (r *ring) Warn(msg string, args ...any) {
	r.Logger.Warn(msg, args...)
	r.keep("WARNING", msg, args)
}

func (r *ring) Error(msg string, args ...any) {
	r.Logger.Error(msg, args...)
	r.keep("ERROR", msg, args)
}

func (r *ring) keep(level, msg string, args []any) {
	var b strings.Builder
	b.WriteString(time.Now().Format("2006-01-02 15:04:05.000") + " - nanny - " + msg)
	for i := 0; i+1 < len(args); i += 2 {
		fmt.Fprintf(&b, " %v=%v", args[i], args[i+1])
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) >= keptLines {
		r.lines = append(r.lines[:0:0], r.lines[keptLines/8:]...)
	}
	r.lines = append(r.lines, [2]string{level, b.String()})
}

// answer is the newest n lines (field n; absent: all), newest first.
func (r *ring) answer(m wire.Opaque) any {
	limit := keptLines
	if o, ok := m.Field("n"); ok {
		if i, _, err := msgp.ReadIntBytes(o.Raw); err == nil && i > 0 {
			limit = i
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	out := []any{}
	for i := len(r.lines) - 1; i >= 0 && len(out) < limit; i-- {
		out = append(out, []any{r.lines[i][0], r.lines[i][1]})
	}
	return out
}
