package plugins

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tree is what the tests look for in the files of the module.
type tree struct {
	tests   map[string]bool   // directory.Function
	sources map[string]string // Go files that are no tests
}

var pythonTest = regexp.MustCompile(`(?m)^def (test_\w+)\(`)

func readTree(t *testing.T) tree {
	t.Helper()
	tr := tree{map[string]bool{}, map[string]string{}}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && path != ".." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin"):
			return filepath.SkipDir
		case d.IsDir():
			return nil
		}
		return tr.add(path)
	})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func (tr tree) add(path string) error {
	dir := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), ".."+string(filepath.Separator)))
	ext := filepath.Ext(path)
	if ext != ".go" && ext != ".py" {
		return nil
	}
	text, err := os.ReadFile(path)
	switch {
	case err != nil:
		return err
	case ext == ".py":
		for _, m := range pythonTest.FindAllStringSubmatch(string(text), -1) {
			tr.tests[dir+"."+m[1]] = true
		}
		return nil
	case !strings.HasSuffix(path, "_test.go"):
		tr.sources[path] = string(text)
		return nil
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
	if err != nil {
		return err
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
			tr.tests[dir+"."+f.Name.Name] = true
		}
	}
	return nil
}

// TestTraps checks the table: every trap has an answer, and every answer is
// shown by a test that exists or rests on something that is not there.
func TestTraps(t *testing.T) {
	tr := readTree(t)
	if len(tr.tests) < 100 || len(tr.sources) < 100 {
		t.Fatalf("found %d tests and %d sources", len(tr.tests), len(tr.sources))
	}
	const count = 34
	if len(traps) != count {
		t.Errorf("%d traps, want %d", len(traps), count)
	}
	for i, x := range traps {
		if x.number != i+1 {
			t.Errorf("trap %d stands at place %d", x.number, i+1)
		}
		if x.what == "" || !strings.HasSuffix(x.answer, ".") || strings.Count(x.answer, ". ") > 0 {
			t.Errorf("trap %d, %q, wants an answer of one sentence: %q", x.number, x.what, x.answer)
		}
		if len(x.shown) == 0 && x.absent == "" {
			t.Errorf("trap %d: nothing shows that %q does not happen", x.number, x.what)
		}
		for _, test := range x.shown {
			if !tr.tests[test] {
				t.Errorf("trap %d: there is no test %s", x.number, test)
			}
		}
		for path, text := range tr.sources {
			if x.absent != "" && strings.Contains(text, x.absent) {
				t.Errorf("trap %d: %s has %q", x.number, path, x.absent)
			}
		}
	}
}

// The end of plugin processes is only certain on unix systems.
func TestOtherSystemsAreRefused(t *testing.T) {
	text, err := os.ReadFile("launch/other.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"//go:build !unix\n", "func (r *processRunner) spawnLocked() error { return errUnix }",
		"plugin processes need a unix system; use worker class threadpool",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("launch/other.go lacks %q", want)
		}
	}
}

func TestGoPluginIsNewEnough(t *testing.T) {
	text, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^\s+github.com/hashicorp/go-plugin v1\.([89]|\d\d+)\.`).Match(text) {
		t.Error("go.mod does not require github.com/hashicorp/go-plugin v1.8.0 or a later v1")
	}
}
