package hook

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/gdask/gdask/sdk/task"
)

// Preload is what runs when a worker, nanny or scheduler starts and again when it
// ends. A name is that of a registered function or of an executable.
//
// A function may take a context, in which it finds its surroundings, then the phase,
// "setup" or "teardown", then the arguments as a []string. An executable gets the
// phase and the arguments, and its role and addresses in variables named GDASK_PRELOAD_*.
// What fails or takes too long is logged, and nothing else.
type Preload struct {
	Names []string `json:"names,omitempty"`
	Args  []string `json:"args,omitempty"`
	// Limit bounds each one; 0 means 30 s.
	Limit time.Duration `json:"limit,omitempty"`
}

// defaultPreloadLimit bounds one preload whose limit is not set; teardownLimit
// all of them at the end.
const (
	defaultPreloadLimit = 30 * time.Second
	teardownLimit       = 5 * time.Second
)

// Setup runs all, in order, before the host does its work.
func (p Preload) Setup(ctx context.Context, role string, h Host, reg *task.Registry) {
	limit := p.Limit
	if limit <= 0 {
		limit = defaultPreloadLimit
	}
	for _, name := range p.Names {
		p.one(ctx, preloaded{name, "setup", role, h, reg}, limit)
	}
}

// Teardown runs all, the last one first, at the end.
func (p Preload) Teardown(role string, h Host, reg *task.Registry) {
	ctx, cancel := context.WithTimeout(context.Background(), teardownLimit)
	defer cancel()
	for _, name := range slices.Backward(p.Names) {
		p.one(ctx, preloaded{name, "teardown", role, h, reg}, teardownLimit)
	}
}

// preloaded is one run of one preload.
type preloaded struct {
	name, phase, role string
	h                 Host
	reg               *task.Registry
}

func (p Preload) one(ctx context.Context, r preloaded, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	run := r.program
	if r.reg != nil && r.reg.Lookup(r.name) != nil {
		run = r.function
	}
	err := Guard(With(ctx, r.h), "preload "+r.name+": "+r.phase, func(ctx context.Context) error { return run(ctx, p.Args) })
	if err != nil {
		r.h.Logger().Error("a preload failed", "preload", r.name, "phase", r.phase, "error", err)
	}
}

// function calls a registered function with as much as it takes.
func (r preloaded) function(ctx context.Context, argv []string) error {
	f := r.reg.Lookup(r.name)
	given := []any{r.phase, argv}
	fits := f.NumIn() <= len(given) && !f.Variadic()
	for i := 0; fits && i < f.NumIn(); i++ {
		fits = f.In(i) == reflect.TypeOf(given[i])
	}
	if !fits {
		return fmt.Errorf("the function is %s; a preload is a func([context.Context][, phase string][, args []string]) [error]", f.Signature())
	}
	_, err := f.Invoke(ctx, given[:f.NumIn()])
	return err
}

// program runs an executable; what it prints is logged.
func (r preloaded) program(ctx context.Context, argv []string) error {
	path, err := exec.LookPath(r.name)
	if err != nil {
		return fmt.Errorf("%q is neither a registered function nor an executable (Python modules are for Python workers): %w", r.name, err)
	}
	cmd := exec.CommandContext(ctx, path, append([]string{r.phase}, argv...)...)
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "GDASK_PRELOAD_PHASE="+r.phase, "GDASK_PRELOAD_ROLE="+r.role, "GDASK_PRELOAD_ADDRESS="+r.h.Address())
	if s, ok := r.h.(interface{ Scheduler() string }); ok {
		cmd.Env = append(cmd.Env, "GDASK_PRELOAD_SCHEDULER="+s.Scheduler())
	}
	var out tail
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	for line := range strings.Lines(out.text()) {
		r.h.Logger().Info("preload says", "preload", r.name, "line", strings.TrimRight(line, "\r\n"))
	}
	return err
}

// tail keeps the end of what a program prints, however much that is.
type tail struct {
	last []byte
	cut  bool
}

// mostOutput is how much is kept.
const mostOutput = 16 << 10

// Write implements io.Writer; it never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.last = append(t.last, p...)
	if n := len(t.last) - mostOutput; n > 0 {
		t.last = append(t.last[:0], t.last[n:]...)
		t.cut = true
	}
	return len(p), nil
}

// text is the kept lines that are whole.
func (t *tail) text() string {
	if i := bytes.IndexByte(t.last, '\n'); t.cut && i >= 0 {
		return string(t.last[i+1:])
	}
	return string(t.last)
}
