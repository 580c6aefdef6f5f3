// Package catalog finds plugins by kind and name: builtins, and files named
// gdask-plugin-<kind>-<name> in plugin directories. It never looks in the
// current directory or on PATH.
package catalog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/gdask/gdask/sdk/handshake"
	"github.com/gdask/gdask/sdk/nearest"
)

// Entry is one known plugin.
type Entry struct {
	Kind, Name string
	Builtin    bool
	Path       string // of the executable; "" for builtins
	Problem    string // why it cannot be used; "" when it can
}

// Catalog resolves names. It is immutable; files are looked up at each call.
type Catalog struct {
	// Builtins are the names of builtin classes of the kind.
	Builtins []string
	// Aliases are other spellings of names, such as Dask's.
	Aliases map[string]string
	// Commands are executables that configuration names, by plugin name.
	Commands map[string]string
	// Override are names whose external plugin may replace a builtin.
	Override map[string]bool
	// Dirs are searched in this order; all hits count, see Resolve.
	Dirs []string
	// Kind of the plugins.
	Kind string
}

// prefix of file names of the kind.
func (c *Catalog) prefix() string { return "gdask-plugin-" + c.Kind + "-" }

func exeSuffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

// Resolve finds the plugin of a name: a configured command, a builtin, or one
// file in the plugin directories. A file that has a builtin's name is refused
// unless overriding is allowed; two files of one name are an error.
func (c *Catalog) Resolve(name string) (Entry, error) {
	if alias, ok := c.Aliases[name]; ok {
		name = alias
	}
	if !handshake.ValidName(name) {
		return Entry{}, c.badName(name)
	}
	e, err := c.find(name)
	if errors.Is(err, errNotFound) {
		err = c.notFound(name)
	}
	return e, err
}

// errNotFound is what Resolve says in more words. Those take a list of what is
// there, so that find, which the list is made with, cannot say them itself.
var errNotFound = errors.New("not found")

// find is Resolve for a valid name that is no alias.
func (c *Catalog) find(name string) (Entry, error) {
	builtin := slices.Contains(c.Builtins, name)
	if cmd := c.Commands[name]; cmd != "" {
		if builtin && !c.Override[name] {
			return Entry{}, fmt.Errorf("%s plugin %q: %s would replace the builtin of that name; set plugins.%s.%s.override: true if that is meant",
				c.Kind, name, cmd, c.Kind, name)
		}
		return c.file(name, cmd)
	}
	hits := c.hits(name)
	switch {
	case len(hits) > 1:
		return Entry{}, fmt.Errorf("%s plugin %q is there twice: %s and %s; remove one or name one in plugins.%s.%s.cmd",
			c.Kind, name, hits[0], hits[1], c.Kind, name)
	case len(hits) == 1 && builtin && !c.Override[name]:
		return Entry{}, fmt.Errorf("%s plugin %q: %s would replace the builtin of that name; rename it or set plugins.%s.%s.override: true",
			c.Kind, name, hits[0], c.Kind, name)
	case len(hits) == 1:
		return c.file(name, hits[0])
	case builtin:
		return Entry{Kind: c.Kind, Name: name, Builtin: true}, nil
	}
	return Entry{}, errNotFound
}

func (c *Catalog) hits(name string) []string {
	var hits []string
	for _, dir := range c.Dirs {
		path := filepath.Join(dir, c.prefix()+name+exeSuffix())
		if _, err := os.Stat(path); err == nil && !slices.Contains(hits, path) {
			hits = append(hits, path)
		}
	}
	return hits
}

// file checks an executable before it is started.
func (c *Catalog) file(name, path string) (Entry, error) {
	e := Entry{Kind: c.Kind, Name: name, Path: path}
	if !filepath.IsAbs(path) {
		return e, fmt.Errorf("%s plugin %q: command %q is no absolute path", c.Kind, name, path)
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return e, fmt.Errorf("%s plugin %q: %s: %w", c.Kind, name, path, err)
	}
	e.Path = resolved
	if err := checkFile(resolved); err != nil {
		return e, fmt.Errorf("%s plugin %q: %w", c.Kind, name, err)
	}
	return e, nil
}

func (c *Catalog) badName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("the name of the %s plugin is empty; known are %s", c.Kind, c.known())
	case strings.Contains(name, "."):
		return fmt.Errorf("%s plugin %q: Python import paths are not loaded here; known are %s, others are executables named %s<name>",
			c.Kind, name, c.known(), c.prefix())
	}
	return fmt.Errorf("%s plugin %q: %s%s", c.Kind, name, nameRule, c.hint(name))
}

const nameRule = "names are a lower-case letter and up to 62 letters, digits and dashes"

func (c *Catalog) notFound(name string) error {
	return fmt.Errorf("no %s plugin %q%s; known are %s; an executable %s%s%s would be found in %s",
		c.Kind, name, c.hint(name), c.known(), c.prefix(), name, exeSuffix(), strings.Join(c.Dirs, ", "))
}

func (c *Catalog) hint(name string) string {
	var names []string
	for _, e := range c.List() {
		names = append(names, e.Name)
	}
	if near := nearest.Of(name, names); near != "" {
		return fmt.Sprintf(", did you mean %q?", near)
	}
	return ""
}

func (c *Catalog) known() string {
	var names []string
	for _, e := range c.List() {
		if e.Problem == "" {
			names = append(names, e.Name)
		}
	}
	return strings.Join(slices.Compact(names), ", ")
}

// List returns all plugins of the kind, also those that cannot be used.
func (c *Catalog) List() []Entry {
	var out []Entry
	for _, n := range c.Builtins {
		out = append(out, Entry{Kind: c.Kind, Name: n, Builtin: true})
	}
	add := func(name, path string) {
		e, err := c.file(name, path)
		if err == nil {
			_, err = c.find(name)
		}
		switch {
		case !handshake.ValidName(name):
			e.Problem = nameRule
		case err != nil:
			e.Problem = err.Error()
		}
		out = append(out, e)
	}
	for name, path := range c.Commands {
		add(name, path)
	}
	for i, dir := range c.Dirs {
		if slices.Contains(c.Dirs[:i], dir) {
			continue
		}
		files, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			out = append(out, Entry{Kind: c.Kind, Name: "?", Path: dir, Problem: err.Error()})
		}
		for _, f := range files {
			name, ok := strings.CutPrefix(strings.TrimSuffix(f.Name(), exeSuffix()), c.prefix())
			if ok && handshake.ValidName(name) && c.Commands[name] == "" {
				add(name, filepath.Join(dir, f.Name()))
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return out
}
