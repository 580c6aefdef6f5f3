package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gdask/gdask"
	"github.com/gdask/gdask/core/config"
	"github.com/gdask/gdask/plugins"
	"github.com/gdask/gdask/plugins/catalog"
	"github.com/gdask/gdask/sdk/conformance/suite"
)

// registerFunctions makes this command's worker classes able to run what the
// conformance suite asks for. It must be called before gdask.Main.
func registerFunctions() {
	for name, fn := range suite.Functions() {
		gdask.Func[any](name, fn)
	}
}

func (a *app) pluginTestCommand() *cobra.Command {
	var pattern string
	cmd := &cobra.Command{
		Use: "test NAME|PATH", Short: "Run the conformance suite on a plugin", Args: arguments(1, 1, "a plugin's name or the path of its executable"),
		Long: "Start a worker plugin, written in whatever language, as a host does, and check what\n" +
			"every host relies on: file, handshake, configuration, life and death, tasks and data.\n" +
			"Prints one line for each case; what fails says the rule and what to do. Exits with 1\n" +
			"when a case failed. A PATH is told from a NAME by the slash in it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := a.load(cmd.Flags(), keys{"plugin-dir": "plugins.dirs"})
			if err != nil {
				return err
			}
			only, err := regexp.Compile(pattern)
			if err != nil {
				return usagef("--run %q: %w", pattern, err)
			}
			p, err := a.program(&l.Config, args[0])
			if err != nil {
				return err
			}
			return a.testPlugin(cmd.Context(), p, only)
		},
	}
	pluginDirFlag(cmd)
	cmd.Flags().StringVar(&pattern, "run", "", "run only cases whose names match this regular `expression`, such as ^lifecycle/")
	return cmd
}

// program is what to start for a plugin: a file, or this executable again.
func (a *app) program(c *config.Config, arg string) (suite.Program, error) {
	if strings.ContainsRune(arg, '/') || strings.ContainsRune(arg, filepath.Separator) {
		path, err := filepath.Abs(arg)
		if err != nil {
			return suite.Program{}, err
		}
		_, err = os.Stat(path)
		return suite.Program{Path: path}, err
	}
	h, err := a.host(c)
	if err != nil {
		return suite.Program{}, err
	}
	e, err := h.Resolve(arg)
	if err != nil {
		return suite.Program{}, err
	}
	classes, err := classSettings(c)
	if err != nil {
		return suite.Program{}, err
	}
	return a.programOf(e, classes[e.Name])
}

// programOf adds what the configuration says of a class.
func (a *app) programOf(e catalog.Entry, s plugins.ClassSettings) (suite.Program, error) {
	p := suite.Program{Path: e.Path, Args: s.Args}
	for k, v := range s.Env {
		p.Env = append(p.Env, k+"="+v)
	}
	for _, k := range s.EnvPassthrough {
		if v, ok := a.getenv(k); ok {
			p.Env = append(p.Env, k+"="+v)
		}
	}
	var err error
	if len(s.Config) > 0 {
		if p.Config, err = json.Marshal(s.Config); err != nil {
			return p, fmt.Errorf("plugins.worker.%s.config: %w", e.Name, err)
		}
	}
	if !e.Builtin {
		return p, nil
	}
	if p.Class = e.Name; e.Name == plugins.Subprocess { // threadpool in a process of its own
		p.Class = plugins.Threadpool
	}
	p.Path, err = os.Executable()
	return p, err
}

func (a *app) testPlugin(ctx context.Context, p suite.Program, only *regexp.Regexp) error {
	_, _ = fmt.Fprintln(a.out, p.Path)
	v := &verdict{app: a, ctx: ctx, only: only, noted: map[string]bool{}}
	suite.Worker(v, p)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted after %d cases", v.cases)
	case v.cases == 0:
		return usagef("no case matches --run %q; cases are %s", only, strings.Join(suite.Names(), ", "))
	case v.failures > 0:
		return fmt.Errorf("%d of %d cases failed", v.failures, v.cases)
	}
	_, err := fmt.Fprintf(a.out, "all %d cases passed\n", v.cases)
	return err
}

// verdict prints the cases as they end. It is the suite's T.
type verdict struct {
	app             *app
	ctx             context.Context
	only            *regexp.Regexp
	noted           map[string]bool
	cases, failures int
	errors, notes   []string // of the present case
}

// Context ends with the command.
func (v *verdict) Context() context.Context { return v.ctx }

// Run runs one case and prints its line.
func (v *verdict) Run(name string, f func(*verdict)) bool {
	if v.ctx.Err() != nil || !v.only.MatchString(name) {
		return true
	}
	v.errors, v.notes = nil, nil
	began := time.Now()
	f(v)
	if v.ctx.Err() != nil { // what failed now failed for that
		return false
	}
	v.cases++
	word := "ok  "
	if len(v.errors) > 0 {
		word = "FAIL"
		v.failures++
	}
	_, _ = fmt.Fprintf(v.app.out, "%s  %-26s %6.2f s\n", word, name, time.Since(began).Seconds())
	for _, text := range append(v.notes, v.errors...) {
		_, _ = fmt.Fprintf(v.app.out, "      %s\n", strings.ReplaceAll(text, "\n", "\n      "))
	}
	return len(v.errors) == 0
}

// Errorf makes the present case fail.
func (v *verdict) Errorf(format string, args ...any) {
	v.errors = append(v.errors, fmt.Sprintf(format, args...))
}

// Logf notes what is worth knowing, once.
func (v *verdict) Logf(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !v.noted[text] {
		v.noted[text] = true
		v.notes = append(v.notes, text)
	}
}
