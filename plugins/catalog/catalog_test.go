//go:build unix

package catalog

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// put makes an executable of the mode and returns its path, without symlinks.
func put(t *testing.T, path string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // the umask does not matter here
		t.Fatal(err)
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}

// file is the path of a plugin in a directory.
func file(dir, name string) string { return filepath.Join(dir, "gdask-plugin-worker-"+name) }

// workers is a catalog with two builtins and the directories.
func workers(dirs ...string) *Catalog {
	return &Catalog{
		Kind: "worker", Builtins: []string{"subprocess", "threadpool"}, Dirs: dirs,
		Aliases:  map[string]string{"Worker": "threadpool", "dask.distributed.Nanny": "subprocess"},
		Commands: map[string]string{}, Override: map[string]bool{},
	}
}

func TestBuiltinsAndAliases(t *testing.T) {
	c := workers()
	for name, want := range map[string]string{
		"threadpool": "threadpool", "subprocess": "subprocess", "Worker": "threadpool", "dask.distributed.Nanny": "subprocess",
	} {
		if e, err := c.Resolve(name); err != nil || e != (Entry{Kind: "worker", Name: want, Builtin: true}) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

func TestFilesAreFoundByName(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	first := put(t, file(a, "mycustom"), 0o755)
	second := put(t, file(b, "other-2"), 0o500)
	put(t, filepath.Join(a, "gdask-plugin-comm-fast"), 0o755)
	c := workers(a, b, filepath.Join(a, "missing"))
	for name, want := range map[string]string{"mycustom": first, "other-2": second} {
		if e, err := c.Resolve(name); err != nil || e != (Entry{Kind: "worker", Name: name, Path: want}) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	if _, err := c.Resolve("fast"); err == nil {
		t.Error("a plugin of another kind was found")
	}
}

// The file that is checked is the one behind the link.
func TestLinksAreFollowed(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	target := put(t, filepath.Join(elsewhere, "v2"), 0o755)
	if err := os.Symlink(target, file(dir, "linked")); err != nil {
		t.Fatal(err)
	}
	c := workers(dir)
	if e, err := c.Resolve("linked"); err != nil || e.Path != target {
		t.Errorf("%+v, %v", e, err)
	}
	put(t, target, 0o777)
	if _, err := c.Resolve("linked"); err == nil || !strings.Contains(err.Error(), target+" may be changed by every user") {
		t.Errorf("got %v", err)
	}
}

// TestRefusals: each says what is wrong, where, and what to do.
func TestRefusals(t *testing.T) {
	dir, twin := t.TempDir(), t.TempDir()
	put(t, file(dir, "open"), 0o777)
	put(t, file(dir, "plain"), 0o644)
	put(t, file(dir, "threadpool"), 0o755)
	put(t, file(dir, "twice"), 0o755)
	put(t, file(twin, "twice"), 0o755)
	put(t, file(dir, "mycustom"), 0o755)
	if err := os.Mkdir(file(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := workers(dir, twin)
	c.Commands = map[string]string{"relative": "bin/x", "gone": "/does/not/exist", "subprocess": file(dir, "mycustom")}
	for name, want := range map[string][]string{
		"open":                     {"may be changed by every user", "chmod o-w"},
		"plain":                    {"is not executable", "chmod +x"},
		"folder":                   {"is no regular file"},
		"twice":                    {"is there twice", file(dir, "twice"), file(twin, "twice"), "plugins.worker.twice.cmd"},
		"threadpool":               {file(dir, "threadpool"), "would replace the builtin", "plugins.worker.threadpool.override: true"},
		"subprocess":               {"would replace the builtin", "plugins.worker.subprocess.override: true"},
		"relative":                 {`"bin/x" is no absolute path`},
		"gone":                     {"/does/not/exist", "no such file"},
		"":                         {"is empty", "mycustom, subprocess, threadpool"},
		"my.package.Class":         {"Python import paths are not loaded", "gdask-plugin-worker-<name>", "mycustom, subprocess, threadpool"},
		"Subprocess":               {"lower-case letter", `did you mean "subprocess"?`},
		"my_custom":                {"lower-case letter", `did you mean "mycustom"?`},
		"../mycustom":              {"Python import paths"},
		"a/b":                      {"lower-case letter"},
		strings.Repeat("x", 64):    {"lower-case letter"},
		"mycustum":                 {`no worker plugin "mycustum", did you mean "mycustom"?`, "gdask-plugin-worker-mycustum", dir + ", " + twin},
		"entirely-different-thing": {`no worker plugin "entirely-different-thing"; known are mycustom, subprocess, threadpool;`},
	} {
		_, err := c.Resolve(name)
		if err == nil {
			t.Errorf("%q was accepted", name)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %q is missing in %v", name, w, err)
			}
		}
	}
}

func TestOverride(t *testing.T) {
	dir := t.TempDir()
	found := put(t, file(dir, "threadpool"), 0o755)
	named := put(t, filepath.Join(dir, "x"), 0o755)
	c := workers(dir)
	c.Override["threadpool"], c.Override["subprocess"] = true, true
	c.Commands["subprocess"] = named
	for name, want := range map[string]string{"threadpool": found, "Worker": found, "subprocess": named} {
		if e, err := c.Resolve(name); err != nil || e.Path != want || e.Builtin {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

// A configured command comes before files of the name, of which there may be
// several then.
func TestCommandComesFirst(t *testing.T) {
	a, b, c := t.TempDir(), t.TempDir(), workers()
	put(t, file(a, "mycustom"), 0o755)
	put(t, file(b, "mycustom"), 0o755)
	named := put(t, filepath.Join(a, "any-name"), 0o755)
	c.Dirs, c.Commands["mycustom"] = []string{a, b}, named
	if e, err := c.Resolve("mycustom"); err != nil || e.Path != named {
		t.Errorf("%+v, %v", e, err)
	}
}

// A directory that is named twice holds no two plugins.
func TestDirectoryNamedTwice(t *testing.T) {
	dir := t.TempDir()
	put(t, file(dir, "mycustom"), 0o755)
	c := workers(dir, dir)
	if _, err := c.Resolve("mycustom"); err != nil {
		t.Error(err)
	}
	if got := c.List(); len(got) != 3 {
		t.Errorf("listed are %+v", got)
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	good := put(t, file(dir, "good"), 0o755)
	put(t, file(dir, "bad"), 0o777)
	put(t, file(dir, "threadpool"), 0o755)
	put(t, file(dir, "Not_A_Name"), 0o755)
	put(t, filepath.Join(dir, "README"), 0o755)
	c := workers(dir)
	c.Commands["mine"] = filepath.Join(dir, "README")
	var names []string
	problems := map[string]string{}
	for _, e := range c.List() {
		names = append(names, e.Name)
		if e.Problem != "" {
			problems[e.Name] = e.Problem
		}
		if e.Name == "good" && e.Path != good {
			t.Errorf("%+v", e)
		}
	}
	if want := []string{"bad", "good", "mine", "subprocess", "threadpool", "threadpool"}; !slices.Equal(names, want) {
		t.Errorf("listed are %q, want %q", names, want)
	}
	if len(problems) != 2 || !strings.Contains(problems["bad"], "every user") || !strings.Contains(problems["threadpool"], "replace the builtin") {
		t.Errorf("problems: %q", problems)
	}
}

// Settings that come from a program's own code may name anything.
func TestNamesThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	path := put(t, filepath.Join(dir, "x"), 0o755)
	c := workers(dir)
	c.Commands["My_Class"], c.Commands["Worker"] = path, path
	c.Aliases["nothing"] = "no-such-class"
	c.Commands["nothing"] = path
	for _, name := range []string{"unknown", "My_Class", "nothing"} {
		if _, err := c.Resolve(name); err == nil || !strings.Contains(err.Error(), "threadpool") && !strings.Contains(err.Error(), "lower-case") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, e := range c.List() {
		if bad := e.Name == "My_Class" || e.Name == "Worker"; bad != (e.Problem != "") {
			t.Errorf("listed as %+v", e)
		}
	}
}

func TestUnreadableDirectoryIsListed(t *testing.T) {
	notADir := put(t, filepath.Join(t.TempDir(), "file"), 0o755)
	list := workers(notADir).List()
	if e := list[0]; e.Path != notADir || e.Problem == "" {
		t.Errorf("listed are %+v", list)
	}
}

func TestDefaultDirs(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if exe, err = filepath.EvalSymlinks(exe); err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(filepath.Dir(exe), "plugins")
	for _, tt := range []struct {
		more             []string
		path, data, home string
		want             []string
	}{
		{[]string{"/c"}, "/a:/b", "/data", "/home/u", []string{"/a", "/b", "/c", "/data/gdask/plugins", beside}},
		{nil, "", "", "/home/u", []string{"/home/u/.local/share/gdask/plugins", beside}},
		{nil, "rel:/a::./b", "", "", []string{"/a", beside}},
		{nil, "", "data", "/home/u", []string{"/home/u/.local/share/gdask/plugins", beside}},
		{nil, "", "data", "home", []string{beside}},
	} {
		if got := DefaultDirs(tt.more, tt.path, tt.data, tt.home); !slices.Equal(got, tt.want) {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
