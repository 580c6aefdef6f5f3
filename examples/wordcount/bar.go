package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// bar shows on stderr how many tasks are done: a line that is drawn over and
// over on a terminal, else a plain line for every tenth.
type bar struct {
	total, done int
	tenth       int
	tty         bool
	drawn       time.Time
}

func newBar(total int) *bar {
	return &bar{total: total, tty: term.IsTerminal(int(os.Stderr.Fd()))}
}

func (b *bar) step() {
	b.done++
	switch tenth := 10 * b.done / b.total; {
	case b.tty && (b.done == b.total || time.Since(b.drawn) > 50*time.Millisecond):
		b.drawn = time.Now()
		full := 40 * b.done / b.total
		fmt.Fprintf(os.Stderr, "\r[%s%s] %d/%d", strings.Repeat("#", full), strings.Repeat(" ", 40-full), b.done, b.total)
	case !b.tty && tenth > b.tenth:
		b.tenth = tenth
		fmt.Fprintf(os.Stderr, "%3d %% of %d tasks\n", 10*tenth, b.total)
	}
}

func (b *bar) end() {
	if b.tty && !b.drawn.IsZero() {
		fmt.Fprintln(os.Stderr)
	}
}
