package gdask_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// importRule forbids packages below one of ours to reach others, by any path.
type importRule struct {
	below string
	deny  []string
	// direct limits the rule to imports written in the package itself, for what
	// arrives through a permitted package.
	direct bool
	why    string
}

var importRules = []importRule{
	{below: "sdk", deny: []string{"/core", "/plugins", "/builtin", "/cmd", "/examples", "."},
		why: "plugin authors import the sdk; it must bring nothing of the host"},
	{below: "builtin", deny: []string{"/core", "/plugins", "/cmd", "/examples", "."},
		why: "builtins are written with what third parties have: the sdk"},
	{below: "builtin", deny: []string{"github.com/hashicorp/go-plugin", "google.golang.org/grpc"}, direct: true,
		why: "the sdk speaks to the host"},
	{below: "plugins", deny: []string{"/core", "/builtin", "/cmd", "/examples", "."},
		why: "the host side knows implementations by the list that it is given"},
	{below: "core", deny: []string{"/plugins", "/builtin", "/cmd", "/examples", ".", "github.com/hashicorp/go-plugin", "google.golang.org/grpc"},
		why: "core declares the small interfaces that it needs"},
	{below: "core/scheduler/state", deny: []string{"net", "net/http", "os/exec"}, direct: true,
		why: "the machine is pure: no sockets, no processes"},
	{below: "core/scheduler/coord", deny: []string{"net", "net/http", "os", "os/exec", "sync"}, direct: true,
		why: "the machine is pure: no sockets, no processes, no locks"},
	{below: "", deny: []string{"math/rand", "log", "github.com/pkg/errors"}, direct: true,
		why: "use math/rand/v2, hclog and the errors package"},
}

type listedPackage struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func TestImportRule(t *testing.T) {
	packages := listPackages(t)
	for _, p := range packages {
		for _, r := range importRules {
			if !below(p.ImportPath, r.below) {
				continue
			}
			reached := p.Deps
			if r.direct {
				reached = p.Imports
			}
			for _, dep := range reached {
				if slices.ContainsFunc(r.deny, func(d string) bool { return denied(dep, d) }) {
					t.Errorf("%s imports %s: %s", p.ImportPath, dep, r.why)
				}
			}
		}
		koanf := slices.ContainsFunc(p.Imports, func(i string) bool { return strings.HasPrefix(i, "github.com/knadh/koanf") })
		if koanf && !below(p.ImportPath, "core/config") {
			t.Errorf("%s imports koanf: configuration is read in core/config only", p.ImportPath)
		}
	}
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []listedPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("go list shows %d packages", len(all))
	}
	return all
}

func below(path, dir string) bool {
	prefix := modulePath + "/" + dir
	return dir == "" || path == prefix || strings.HasPrefix(path, prefix+"/")
}

// denied says whether the import falls under an entry: "/x" is ours below x, "."
// the root package, others are whole paths or, with a domain, their subpackages.
func denied(dep, entry string) bool {
	switch {
	case entry == ".":
		return dep == modulePath
	case strings.HasPrefix(entry, "/"):
		return below(dep, entry[1:])
	case strings.Contains(entry, ".") && strings.HasPrefix(dep, entry+"/"):
		return true
	}
	return dep == entry
}

func TestDenied(t *testing.T) {
	for _, c := range []struct {
		dep, entry string
		want       bool
	}{
		{modulePath, ".", true}, {modulePath + "/sdk", ".", false},
		{modulePath + "/core/x", "/core", true}, {modulePath + "/corex", "/core", false},
		{"google.golang.org/grpc/codes", "google.golang.org/grpc", true},
		{"net/netip", "net", false}, {"net", "net", true}, {"math/rand/v2", "math/rand", false},
	} {
		if got := denied(c.dep, c.entry); got != c.want {
			t.Errorf("denied(%q, %q) = %v", c.dep, c.entry, got)
		}
	}
}

// TestLibrariesLeaveTheProcessAlone: only commands print and exit, nothing
// registers itself by being imported.
func TestLibrariesLeaveTheProcessAlone(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test() || f.generated || strings.HasPrefix(f.path, "cmd/") || strings.HasPrefix(f.path, "examples/") {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s:%d: init function; list implementations explicitly", f.path, f.line(n.Pos()))
				}
			case *ast.CallExpr:
				if name := callee(n); forbiddenCall(name) && !strings.Contains(lineOf(f, n), "//nolint:forbidigo") {
					t.Errorf("%s:%d: %s outside a command; return an error or write to a writer", f.path, f.line(n.Pos()), name)
				}
			}
			return true
		})
	}
}

func lineOf(f goFile, n ast.Node) string {
	return strings.Split(f.text, "\n")[f.line(n.Pos())-1]
}

func forbiddenCall(name string) bool {
	return name == "panic" || name == "os.Exit" || strings.HasPrefix(name, "fmt.Print")
}

func callee(c *ast.CallExpr) string {
	switch fn := c.Fun.(type) {
	case *ast.Ident:
		return fn.Name
	case *ast.SelectorExpr:
		if x, ok := fn.X.(*ast.Ident); ok {
			return x.Name + "." + fn.Sel.Name
		}
	}
	return ""
}

// TestTestsDoNotSkip keeps a check from passing by not running.
func TestTestsDoNotSkip(t *testing.T) {
	for _, f := range goFiles(t) {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok || !f.test() {
				return true
			}
			if name := callee(c); name == "t.Skip" || name == "t.Skipf" || name == "t.SkipNow" || name == "time.Sleep" {
				t.Errorf("%s:%d: %s: tests run always, and wait for events", f.path, f.line(c.Pos()), name)
			}
			return true
		})
	}
}
