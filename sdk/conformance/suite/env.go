package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// env is what one case has: directories of its own, and the processes and
// schedulers that it started.
type env struct {
	program Program
	logf    func(format string, args ...any)
	base    string // everything below is the case's
	started []*process
	cleanup []func() error
}

// newEnv makes the directories. Their paths must be short: sockets go there.
func newEnv(p Program, logf func(string, ...any)) (*env, error) {
	e := &env{program: p, logf: logf}
	if !filepath.IsAbs(p.Path) {
		return e, fmt.Errorf("the plugin's path %q is not absolute", p.Path)
	}
	var err error
	if e.base, err = os.MkdirTemp(shortTemp(), "gdask-c"); err != nil {
		return e, err
	}
	for _, d := range []string{e.sockets(), e.temp(), e.local()} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return e, errors.Join(err, os.RemoveAll(e.base))
		}
	}
	return e, nil
}

// shortTemp is a directory for sockets: the system's own may have a path that
// leaves them no room.
func shortTemp() string {
	if st, err := os.Stat("/tmp"); err == nil && st.IsDir() {
		return "/tmp"
	}
	return os.TempDir()
}

func (e *env) sockets() string { return filepath.Join(e.base, "s") } // of plugin processes
func (e *env) temp() string    { return filepath.Join(e.base, "t") } // their TMPDIR
func (e *env) local() string   { return filepath.Join(e.base, "l") } // of workers

// environment is what a host gives every plugin, with the plugin's own
// variables and more on top.
func (e *env) environment(more ...string) []string {
	var vars []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if slices.Contains([]string{"PATH", "HOME", "USER", "LANG", "TZ", "GOMAXPROCS", "GODEBUG", "GOCOVERDIR"}, name) {
			vars = append(vars, kv)
		}
	}
	vars = append(vars, "TMPDIR="+e.temp())
	return append(append(vars, e.program.Env...), more...)
}

// atEnd runs f at the end of the case, last first.
func (e *env) atEnd(f func() error) { e.cleanup = append(e.cleanup, f) }

// close ends all that the case started.
func (e *env) close() error {
	var errs []error
	for _, f := range slices.Backward(e.cleanup) {
		errs = append(errs, f())
	}
	for _, p := range e.started {
		p.kill()
		<-p.done
	}
	if e.base != "" {
		errs = append(errs, os.RemoveAll(e.base))
	}
	return errors.Join(errs...)
}

// stderrText is the end of what the processes said, for the report.
func (e *env) stderrText() string {
	var lines []string
	for _, p := range e.started {
		lines = append(lines, p.stderr.last(8)...)
	}
	if len(lines) == 0 {
		return ""
	}
	return "\nits last lines:\n  " + strings.Join(lines[max(0, len(lines)-16):], "\n  ")
}

// files lists what is below the directories of the case, without what it made
// itself; directories that are shared by the workers of a user may stay.
func (e *env) files() ([]string, error) {
	var left []string
	for _, dir := range []string{e.sockets(), e.temp(), e.local()} {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || path == dir {
				return err
			}
			if shared := d.IsDir() && filepath.Dir(path) == e.temp(); shared {
				return nil
			}
			left = append(left, strings.TrimPrefix(path, e.base+"/"))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return left, nil
}

// within is ctx with the suite's patience.
func within(ctx context.Context, what string) (context.Context, context.CancelFunc) {
	d := patience(ctx)
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("%s: nothing within %v", what, d))
}
