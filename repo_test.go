package gdask_test

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

const (
	maxFileLines     = 500
	maxFunctionLines = 80
	modulePath       = "github.com/gdask/gdask"
)

// goFile is one parsed Go file of the tree, with its path from the root.
type goFile struct {
	path      string
	text      string
	ast       *ast.File
	fset      *token.FileSet
	generated bool
}

func (f goFile) test() bool { return strings.HasSuffix(f.path, "_test.go") }

func (f goFile) line(p token.Pos) int { return f.fset.Position(p).Line }

// goFiles are all Go files but those in directories that Go itself leaves out.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, goFile{filepath.ToSlash(path), string(text), parsed, fset, ast.IsGenerated(parsed)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("found %d Go files; the test must run in the root of the tree", len(files))
	}
	return files
}

func TestLengthOfFilesAndFunctions(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.generated {
			continue
		}
		if n := strings.Count(f.text, "\n"); n > maxFileLines {
			t.Errorf("%s has %d lines, more than %d: split it by concept", f.path, n, maxFileLines)
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := f.line(fn.End()) - f.line(fn.Pos()) + 1; n > maxFunctionLines {
				t.Errorf("%s:%d: %s has %d lines, more than %d", f.path, f.line(fn.Pos()), fn.Name.Name, n, maxFunctionLines)
			}
		}
	}
}

func TestEveryPackageHasAComment(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range goFiles(t) {
		if f.test() || f.generated {
			continue
		}
		dir := filepath.Dir(f.path)
		documented[dir] = documented[dir] || f.ast.Doc != nil
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package in %s has no package comment", dir)
		}
	}
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test() || f.generated || f.ast.Name.Name == "main" {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) && !conventional(d) {
					t.Errorf("%s:%d: %s has no comment", f.path, f.line(d.Pos()), d.Name.Name)
				}
			case *ast.GenDecl:
				checkSpecs(t, f, d)
			}
		}
	}
}

// conventional methods say what they do by the interface that they satisfy.
func conventional(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return false
	}
	switch d.Name.Name {
	case "Error", "Unwrap", "Is", "As", "String", "Close", "Len", "Less", "Swap", "Push", "Pop", "Read", "Write",
		"MarshalText", "UnmarshalText", "MarshalBinary", "UnmarshalBinary", "MarshalJSON", "UnmarshalJSON":
		return true
	}
	return false
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.IndexListExpr:
			typ = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

func checkSpecs(t *testing.T, f goFile, d *ast.GenDecl) {
	t.Helper()
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
				t.Errorf("%s:%d: type %s has no comment", f.path, f.line(s.Pos()), s.Name.Name)
			}
		case *ast.ValueSpec:
			for _, n := range s.Names {
				if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
					t.Errorf("%s:%d: %s has no comment", f.path, f.line(n.Pos()), n.Name)
				}
			}
		}
	}
}

// topLevel is what may stand beside the root package's own files.
var topLevel = regexp.MustCompile(`^(core|plugins|sdk|builtin|cmd|examples|go\.mod|go\.sum|Makefile|README\.md|CHANGELOG\.md|LICENSE|[a-z_]+\.go|\..+)$`)

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		// What make builds and Git ignores is not part of the tree.
		if n := e.Name(); !topLevel.MatchString(n) && n != "bin" && n != "dist" {
			t.Errorf("%s has no place at the top level", n)
		}
	}
	for _, must := range []string{"LICENSE", "CHANGELOG.md", "README.md", "Makefile", ".golangci.yml", ".ci/run", ".tools/go.mod", "core/ARCHITECTURE.md"} {
		if _, err := os.Stat(must); err != nil {
			t.Errorf("%v", err)
		}
	}
	licence, err := os.ReadFile("LICENSE")
	if err != nil || !strings.Contains(string(licence), "Apache License") || !strings.Contains(string(licence), "END OF TERMS AND CONDITIONS") {
		t.Errorf("LICENSE is not the whole Apache License: %v", err)
	}
}

func TestMinimalPluginIsMinimal(t *testing.T) {
	text, err := os.ReadFile("examples/worker-minimal/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n > 20 {
		t.Errorf("examples/worker-minimal/main.go has %d lines; a plugin must fit into 20", n)
	}
}
