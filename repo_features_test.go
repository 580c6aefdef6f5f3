package gdask_test

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// featureSections are what core/FEATURES.md must speak of.
var featureSections = []string{
	"3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9",
	"4.10", "4.11", "4.12", "4.13", "5.1", "5.2", "5.3", "5.4",
}

// feature is one row of the table.
type feature struct{ section, name, status, tests, note string }

func readFeatures(t *testing.T) []feature {
	t.Helper()
	text, err := os.ReadFile("core/FEATURES.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []feature
	section := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if h, ok := strings.CutPrefix(line, "## "); ok {
			section, _, _ = strings.Cut(h, " ")
			continue
		}
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| ---") || strings.HasPrefix(line, "| feature |") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 4 {
			t.Fatalf("core/FEATURES.md: %d cells, want 4: %s", len(cells), line)
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, feature{section, cells[0], cells[1], cells[2], cells[3]})
	}
	return rows
}

// TestFeaturesHaveTheirTests keeps the table of features from going stale: what
// it calls done names tests, and these exist.
func TestFeaturesHaveTheirTests(t *testing.T) {
	rows, known := readFeatures(t), knownTests(t)
	seen := map[string]int{}
	for _, r := range rows {
		seen[r.section]++
		switch r.status {
		case "yes", "differs":
			if r.tests == "" {
				t.Errorf("%s %s: %s without a test", r.section, r.name, r.status)
			}
		case "no":
			if r.tests != "" {
				t.Errorf("%s %s: not there, but tested by %s", r.section, r.name, r.tests)
			}
		default:
			t.Errorf("%s %s: status %q; yes, differs or no", r.section, r.name, r.status)
		}
		if r.status != "yes" && r.note == "" {
			t.Errorf("%s %s: %s, without a word on how or why", r.section, r.name, r.status)
		}
		for name := range strings.FieldsSeq(strings.ReplaceAll(r.tests, "`", "")) {
			if name = strings.TrimSuffix(name, ","); !known[name] {
				t.Errorf("%s %s: there is no test %s", r.section, r.name, name)
			}
		}
	}
	for _, s := range featureSections {
		if seen[s] == 0 {
			t.Errorf("section %s has no row", s)
		}
	}
	for s := range seen {
		if !slices.Contains(featureSections, s) {
			t.Errorf("section %q is none that the table is about", s)
		}
	}
}

var pythonTest = regexp.MustCompile(`(?m)^(?:async )?def (test_\w+)`)

// knownTests are the names of all tests: folder and function of Go tests, the
// root's without a folder; file and function of Python's.
func knownTests(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	for _, f := range goFiles(t) {
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !f.test() || !ok || fn.Recv != nil {
				continue
			}
			dir := filepath.ToSlash(filepath.Dir(f.path))
			known[strings.TrimPrefix(dir+"."+fn.Name.Name, "..")] = true
		}
	}
	for _, pattern := range []string{"sdk/python/interop/test_*.py", "sdk/python/tests/test_*.py"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range pythonTest.FindAllStringSubmatch(string(text), -1) {
				known[filepath.Base(file)+"::"+m[1]] = true
			}
		}
	}
	return known
}
