package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gdask/gdask/core/config"
	"github.com/gdask/gdask/sdk/handshake"
)

// skeletonOptions are the flags of `gdask plugin new`.
type skeletonOptions struct {
	name, kind, dir, module, replace string
}

func (a *app) pluginNewCommand() *cobra.Command {
	var o skeletonOptions
	cmd := &cobra.Command{
		Use: "new NAME", Short: "Write a Go module with a plugin of your own", Args: arguments(1, 1, "the plugin's name"),
		Long: "Write the Go module of a worker plugin: the program, a test that runs the conformance\n" +
			"suite, and a README. Nothing that exists is changed.",
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := a.load(cmd.Flags(), nil)
			if err != nil {
				return err
			}
			o.name = args[0]
			return a.newPlugin(cmd.Context(), &l.Config, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.kind, "kind", handshake.KindWorker, "kind of plugin: worker")
	f.StringVar(&o.dir, "dir", "", "`directory` to write to (default gdask-plugin-worker-NAME)")
	f.StringVar(&o.module, "module", "", "`path` of the module (default gdask-plugin-worker-NAME)")
	f.StringVar(&o.replace, "replace", "", "build against the checkout of gdask in this `directory`")
	return cmd
}

// modulePath is what Go accepts for the path of a module that nobody downloads.
var modulePath = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~/-]*[A-Za-z0-9]$`)

// complete checks the flags and fills in the defaults.
func (o *skeletonOptions) complete(a *app, c *config.Config) error {
	if o.kind != handshake.KindWorker {
		return usagef("--kind %q: only plugins of the kind worker can be made", o.kind)
	}
	if !handshake.ValidName(o.name) {
		return usagef("plugin name %q: want a lower-case letter and then up to 62 letters, digits and dashes", o.name)
	}
	h, err := a.host(c)
	if err != nil {
		return err
	}
	for _, e := range h.List() {
		if e.Builtin && e.Name == o.name {
			return usagef("plugin name %q: there is a builtin %s class of that name; choose another", o.name, o.kind)
		}
	}
	base := handshake.BinaryPrefix(o.kind) + o.name
	if o.module == "" {
		o.module = base
	}
	if !modulePath.MatchString(o.module) || strings.Contains(o.module, "//") {
		return usagef("--module %q: want a path such as example.com/%s", o.module, base)
	}
	if o.dir == "" {
		o.dir = base
	}
	return nil
}

func (a *app) newPlugin(_ context.Context, c *config.Config, o skeletonOptions) error {
	if err := o.complete(a, c); err != nil {
		return err
	}
	files, err := o.files()
	if err != nil {
		return err
	}
	if err := writeNew(o.dir, files); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s is a new %s plugin. Next:\n\n%s\n", o.dir, o.kind, indent(o.commands()))
	return err
}

// file is one file to write.
type file struct{ name, text string }

// writeNew writes all files or, when one of them is there already, none.
func writeNew(dir string, files []file) error {
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return errors.Join(fmt.Errorf("%s is there already; choose another --dir or remove it", path), err)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		w, err := os.OpenFile(filepath.Join(dir, f.name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = w.WriteString(f.text)
		if err := errors.Join(err, w.Close()); err != nil {
			return err
		}
	}
	return nil
}

// files are the texts of the module.
func (o *skeletonOptions) files() ([]file, error) {
	fill := strings.NewReplacer("NAME", o.name, "COMMANDS", indent(o.commands()))
	out := []file{
		{"main.go", fill.Replace(skeletonMain)},
		{"conformance_test.go", fill.Replace(skeletonTest)},
		{"README.md", fill.Replace(skeletonReadme)},
	}
	if o.replace == "" {
		return append(out, file{"go.mod", "module " + o.module + "\n\ngo " + goVersion + "\n"}), nil
	}
	module, err := o.moduleFiles()
	return append(out, module...), err
}

// commands are what to type next.
func (o *skeletonOptions) commands() string {
	binary := handshake.BinaryName(o.kind, o.name)
	var b strings.Builder
	fmt.Fprintf(&b, "cd %s\n", quoted(o.dir))
	if o.replace == "" {
		b.WriteString("go mod tidy                              # once: adds gdask to go.mod and go.sum\n")
	}
	fmt.Fprintf(&b, "go build -o %s .\n", binary)
	fmt.Fprintf(&b, "mkdir -p ~/.local/share/gdask/plugins && cp %s ~/.local/share/gdask/plugins/\n", binary)
	fmt.Fprintf(&b, "gdask --worker-class=%s", o.name)
	return b.String()
}

func indent(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }

// moduleFiles are go.mod and go.sum for a checkout: what its own minimal plugin
// needs is what any needs, so the module builds without a network.
func (o *skeletonOptions) moduleFiles() ([]file, error) {
	root, err := filepath.Abs(o.replace)
	if err != nil {
		return nil, err
	}
	example := filepath.Join(root, "examples", "worker-minimal")
	mod, err := os.ReadFile(filepath.Join(example, "go.mod"))
	if err != nil {
		return nil, fmt.Errorf("--replace %s is no checkout of gdask: %w", o.replace, err)
	}
	sum, err := os.ReadFile(filepath.Join(example, "go.sum"))
	if err != nil {
		return nil, fmt.Errorf("--replace %s is no checkout of gdask: %w", o.replace, err)
	}
	lines := strings.Split(string(mod), "\n")
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "module "):
			lines[i] = "module " + o.module
		case strings.HasPrefix(line, "replace "):
			lines[i] = "replace github.com/gdask/gdask => " + quoted(root)
		}
	}
	return []file{{"go.mod", strings.Join(lines, "\n")}, {"go.sum", string(sum)}}, nil
}

// quoted is a path as go.mod and shells want it.
func quoted(path string) string {
	if strings.ContainsAny(path, " \t'\"`(),") {
		return strconv.Quote(path)
	}
	return path
}
