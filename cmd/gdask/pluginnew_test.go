package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// checkout is the root of this tree.
func checkout(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// TestNewPluginBuildsAndConforms: what the command writes must work as it is,
// without a network.
func TestNewPluginBuildsAndConforms(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new one")
	r := command(t, environ(t), "plugin", "new", "shout", "--dir", dir, "--module", "example.com/shout", "--replace", checkout(t))
	r.want(t, exitOK, "gdask --worker-class=shout")
	text, err := os.ReadFile(filepath.Join(dir, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n > 20 {
		t.Errorf("main.go has %d lines; a plugin must fit into 20", n)
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil || strings.Contains(string(readme), "NAME") || strings.Contains(string(readme), "COMMANDS") {
		t.Errorf("README.md: %v\n%s", err, readme)
	}
	binary := filepath.Join(dir, "gdask-plugin-worker-shout")
	for _, args := range [][]string{{"vet", "./..."}, {"build", "-o", binary, "."}} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=-mod=readonly", "GOPROXY=off", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", args[0], err, out)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "gofmt", "-l", dir).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("gofmt: %v %s", err, out)
	}
	command(t, environ(t), "plugin", "test", binary, "--run", "^(static|handshake|config)/").want(t, exitOK, "all 18 cases passed")
}

func TestNewPluginWithoutACheckout(t *testing.T) {
	t.Chdir(t.TempDir())
	command(t, environ(t), "plugin", "new", "shout").want(t, exitOK, "go mod tidy")
	mod, err := os.ReadFile("gdask-plugin-worker-shout/go.mod")
	if want := "module gdask-plugin-worker-shout\n"; err != nil || !strings.HasPrefix(string(mod), want) || strings.Contains(string(mod), "replace") {
		t.Fatalf("go.mod: %v\n%s", err, mod)
	}
}

func TestNewPluginRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"Shout"}, "want a lower-case letter"},
		{[]string{"my_class"}, "want a lower-case letter"},
		{[]string{"../x"}, "want a lower-case letter"},
		{[]string{strings.Repeat("a", 64)}, "up to 62"},
		{[]string{"threadpool"}, "builtin worker class of that name"},
		{[]string{"x", "--kind", "comm"}, "only plugins of the kind worker"},
		{[]string{"x", "--module", "a b"}, `--module "a b"`},
		{[]string{}, "needs the plugin's name"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "d")
			command(t, environ(t), append([]string{"plugin", "new", "--dir", dir}, c.args...)...).want(t, exitUsage, c.says)
			if _, err := os.Stat(dir); err == nil {
				t.Error("it made the directory all the same")
			}
		})
	}
	empty := t.TempDir()
	command(t, environ(t), "plugin", "new", "x", "--dir", empty, "--replace", t.TempDir()).want(t, exitFailed, "is no checkout of gdask")
}

func TestNewPluginKeepsWhatExists(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "go.mod")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, environ(t), "plugin", "new", "shout", "--dir", dir).want(t, exitFailed, path+" is there already")
	entries, err := os.ReadDir(dir)
	text, rerr := os.ReadFile(path)
	if err != nil || rerr != nil || len(entries) != 1 || string(text) != "mine" {
		t.Fatalf("%v, %v: %v, go.mod is %q", err, rerr, entries, text)
	}
}
