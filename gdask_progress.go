package gdask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/gdask/gdask/core/scheduler/state"
)

// progressTime is the time between two pictures of a bar.
const progressTime = 100 * time.Millisecond

// Progress waits for the futures and shows on w how many of each name are done:
// a line that is drawn over and over on a terminal, else a plain line for every
// tenth. It returns when all are done, or the end of ctx.
func Progress[F AnyFuture](ctx context.Context, w io.Writer, fs ...F) error {
	done := NewCompleted(fs...)
	b := &progressBar{w: w, start: time.Now(), groups: map[string]*progressGroup{}, shown: -1}
	if f, ok := w.(*os.File); ok {
		b.tty = term.IsTerminal(int(f.Fd()))
	}
	for _, f := range fs {
		b.group(f).total++
	}
	b.draw()
	for done.Len() > 0 {
		batch, err := progressBatch(ctx, done)
		if err != nil {
			b.end()
			return err
		}
		for _, f := range batch {
			b.add(f)
		}
		b.draw()
	}
	b.end()
	return done.err
}

// progressBatch waits for something to be done, a while at most.
func progressBatch[F AnyFuture](ctx context.Context, done *Completed[F]) ([]F, error) {
	tick, cancel := context.WithTimeout(ctx, progressTime)
	defer cancel()
	batch, err := done.NextBatch(tick)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return nil, nil
	}
	return batch, err
}

// progressBar is what is shown.
type progressBar struct {
	w           io.Writer
	tty         bool
	start       time.Time
	groups      map[string]*progressGroup
	total, done int
	shown       int // tenths
}

// progressGroup are the futures of one name.
type progressGroup struct{ total, done, failed int }

func (b *progressBar) group(f AnyFuture) *progressGroup {
	name := state.PrefixOf(f.TaskKey())
	g := b.groups[name]
	if g == nil {
		g = &progressGroup{}
		b.groups[name] = g
	}
	return g
}

func (b *progressBar) add(f AnyFuture) {
	g := b.group(f)
	g.done++
	b.done++
	if f.Status() != Finished {
		g.failed++
	}
}

// draw shows the present picture; without a terminal only at new tenths.
func (b *progressBar) draw() {
	b.total = 0
	for _, g := range b.groups {
		b.total += g.total
	}
	if b.tty {
		_, _ = fmt.Fprintf(b.w, "\r%s  %.1f s\x1b[K", b.text(), time.Since(b.start).Seconds())
		return
	}
	if tenth := 10 * b.done / max(b.total, 1); tenth > b.shown && tenth > 0 {
		b.shown = tenth
		_, _ = fmt.Fprintln(b.w, b.text())
	}
}

func (b *progressBar) end() {
	if b.tty {
		_, _ = fmt.Fprintln(b.w)
	}
}

// text is the bars of all names side by side.
func (b *progressBar) text() string {
	parts := make([]string, 0, len(b.groups))
	width := max(5, 40/max(len(b.groups), 1))
	for _, name := range slices.Sorted(maps.Keys(b.groups)) {
		g := b.groups[name]
		full := width * g.done / max(g.total, 1)
		part := fmt.Sprintf("%s [%s%s] %d/%d", name, strings.Repeat("#", full), strings.Repeat(" ", width-full), g.done, g.total)
		if g.failed > 0 {
			part += fmt.Sprintf(", %d failed", g.failed)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "  ")
}
