package python

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakePython is a shell script that answers the probe.
func fakePython(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "python")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCommandInstallsTheSource(t *testing.T) {
	dir := t.TempDir()
	python := fakePython(t, "echo /true/python; echo")
	path, args, _, err := Program{Python: python}.Command(t.Context(), dir)
	if err != nil || path != "/true/python" || len(args) != 1 {
		t.Fatalf("got %q, %q, %v", path, args, err)
	}
	for _, f := range []string{args[0], filepath.Join(dir, "src", "gdask_graph", "server.py"), filepath.Join(dir, "src", "gdask_graph", "reader.py")} {
		if info, err := os.Stat(f); err != nil || info.Size() == 0 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info, err)
		}
	}
}

func TestMissingInterpretersAndPackagesAreNamed(t *testing.T) {
	lacking := fakePython(t, "echo /true/python; echo dask grpc")
	broken := fakePython(t, "echo noise >&2; echo 'bad install' >&2; exit 1")
	for python, parts := range map[string][]string{
		lacking:            {lacking, "/true/python lacks dask, grpc", "plugins.graph.python.cmd", "GDASK_PYTHON"},
		broken:             {broken, "exit status 1", "bad install"},
		"no-such-python-9": {"no-such-python-9", "not found"},
	} {
		_, _, _, err := Program{Python: python}.Command(t.Context(), t.TempDir())
		var missing *MissingError
		if !errors.As(err, &missing) || !slices.Equal(missing.Tried, []string{python}) {
			t.Errorf("%s: %v", python, err)
			continue
		}
		for _, part := range parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q lacks %q", err, part)
			}
		}
	}
}

func TestTheEnvironmentVariableNamesTheInterpreter(t *testing.T) {
	t.Setenv(PythonEnv, fakePython(t, "echo /from/env; echo"))
	if path, _, _, err := (Program{}).Command(t.Context(), t.TempDir()); err != nil || path != "/from/env" {
		t.Errorf("got %q, %v", path, err)
	}
	named := fakePython(t, "echo /from/config; echo")
	if path, _, _, err := (Program{Python: named}).Command(t.Context(), t.TempDir()); err != nil || path != "/from/config" {
		t.Errorf("got %q, %v", path, err)
	}
}

func TestTheSearchPathIsTheLastResort(t *testing.T) {
	t.Setenv(PythonEnv, "")
	t.Setenv("PATH", filepath.Dir(fakePython(t, "echo /on/path; echo")))
	if path, _, _, err := (Program{}).Command(t.Context(), t.TempDir()); err != nil || path != "/on/path" {
		t.Errorf("got %q, %v", path, err)
	}
}

func TestEnvironmentKeepsSecretsOfOthersBack(t *testing.T) {
	host := []string{"PATH=/bin", "AWS_SECRET_ACCESS_KEY=x", "PYTHONPATH=/p", "LC_ALL=C", "GDASK_PLUGIN=worker", "DASK_TEMPORARY_DIRECTORY=/t"}
	want := []string{"PATH=/bin", "PYTHONPATH=/p", "LC_ALL=C", "DASK_TEMPORARY_DIRECTORY=/t"}
	if got := Environment(host); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
