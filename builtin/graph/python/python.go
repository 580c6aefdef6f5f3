// Package python is the builtin graph reader "python": it reads the graphs of
// Dask's Python clients with the user's own interpreter and packages.
package python

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	gdaskgraph "github.com/gdask/gdask/sdk/python/gdask_graph"
)

// Name is the reader's name in configuration.
const Name = "python"

// PythonEnv is the environment variable that names the interpreter; the
// configuration's plugins.graph.python.cmd goes before it.
const PythonEnv = "GDASK_PYTHON"

// probeTimeout bounds the question to an interpreter.
const probeTimeout = 20 * time.Second

// MissingError says that no interpreter can read graphs.
type MissingError struct {
	Tried   []string // interpreters, as given or looked for
	Reasons []string // what each of them said
}

// Error implements error.
func (e *MissingError) Error() string {
	return fmt.Sprintf("graph reader: no Python with dask, distributed and grpcio (%s); "+
		"install them there, or set plugins.graph.python.cmd or %s to an interpreter that has what the clients have",
		strings.Join(e.Reasons, "; "), PythonEnv)
}

// Program is the reader's process. The zero value is useful.
type Program struct {
	// Python is the interpreter, by path or name; empty: the environment variable
	// GDASK_PYTHON, else python3 or python of the search path.
	Python string
}

// probe prints the true path of the interpreter, which may be behind a wrapper
// script, and then the packages that it lacks.
const probe = `import sys, importlib.util as u
print(sys.executable)
print(*[m for m in ("dask", "distributed", "grpc") if u.find_spec(m) is None])`

// Command returns what to execute; the reader's source is written below dir.
// Without a usable interpreter the error is a *MissingError.
func (p Program) Command(ctx context.Context, dir string) (path string, args, env []string, err error) {
	env = Environment(os.Environ())
	candidates := []string{"python3", "python"}
	if named := cmp.Or(p.Python, os.Getenv(PythonEnv)); named != "" {
		candidates = []string{named}
	}
	missing := &MissingError{}
	for _, c := range candidates {
		path, err = check(ctx, c, env)
		if err == nil {
			script, err := install(dir)
			return path, []string{script}, env, err
		}
		missing.Tried = append(missing.Tried, c)
		missing.Reasons = append(missing.Reasons, c+": "+err.Error())
	}
	return "", nil, nil, missing
}

// check asks an interpreter who it is and what it lacks.
func check(ctx context.Context, name string, env []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, "-c", probe)
	cmd.Env, cmd.WaitDelay = env, time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if last := lastLine(stderr.String()); last != "" {
			return "", fmt.Errorf("%w: %s", err, last)
		}
		return "", unwrapLookup(err)
	}
	executable, lacks, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if lacks = strings.TrimSpace(lacks); lacks != "" {
		return "", fmt.Errorf("%s lacks %s", executable, strings.ReplaceAll(lacks, " ", ", "))
	}
	return executable, nil
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return s[strings.LastIndexByte(s, '\n')+1:]
}

// unwrapLookup drops the name, which the sentence around it has already.
func unwrapLookup(err error) error {
	if e, ok := errors.AsType[*exec.Error](err); ok {
		return e.Err
	}
	return err
}

// install writes the reader's source below dir and returns what the interpreter
// is to run.
func install(dir string) (script string, err error) {
	root := filepath.Join(dir, "src")
	pkg := filepath.Join(root, gdaskgraph.Name)
	if err := os.MkdirAll(pkg, 0o700); err != nil {
		return "", fmt.Errorf("graph reader: no place for its source: %w", err)
	}
	names, err := fs.Glob(gdaskgraph.Source, "*.py")
	if err != nil {
		return "", fmt.Errorf("graph reader: embedded source: %w", err)
	}
	for _, name := range names {
		text, err := gdaskgraph.Source.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("graph reader: embedded source: %w", err)
		}
		if err := os.WriteFile(filepath.Join(pkg, name), text, 0o600); err != nil {
			return "", fmt.Errorf("graph reader: no place for its source: %w", err)
		}
	}
	script = filepath.Join(root, "start.py")
	start := "from " + gdaskgraph.Name + ".server import main\n\nmain()\n"
	if err := os.WriteFile(script, []byte(start), 0o600); err != nil {
		return "", fmt.Errorf("graph reader: no place for its source: %w", err)
	}
	return script, nil
}

// passed returns the variables of the host's environment that the reader gets:
// what an interpreter needs to find the user's packages, and no secrets of others.
func passed() []string {
	return []string{"PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR",
		"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "SSL_CERT_FILE"}
}

// passedPrefixes are the same for families of variables.
func passedPrefixes() []string {
	return []string{"LC_", "PYTHON", "CONDA_", "DASK_", "PYENV_", "OMP_", "OPENBLAS_", "MKL_"}
}

// Environment filters the host's environment (os.Environ) for the reader.
func Environment(host []string) []string {
	names, prefixes := passed(), passedPrefixes()
	return slices.DeleteFunc(slices.Clone(host), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return !slices.Contains(names, name) &&
			!slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	})
}
