//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// script writes a plugin that can only describe itself.
func script(t *testing.T, dir, name, describe string) string {
	t.Helper()
	path := filepath.Join(dir, "gdask-plugin-worker-"+name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho '"+describe+"'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

const demo = `{"kind": "worker", "name": "demo", "version": "1.2.3"}`

func TestPluginList(t *testing.T) {
	dir := t.TempDir()
	path := script(t, dir, "demo", demo)
	script(t, dir, "threadpool", demo)
	open := script(t, dir, "open", demo)
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	r := command(t, environ(t), "plugin", "list", "--plugin-dir", dir)
	r.want(t, exitOK, "KIND", "would replace the builtin", "may be changed by every user")
	states := map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(r.out), "\n") {
		f := strings.Fields(line)
		states[f[1]+" "+f[2]] = f[3]
	}
	if states["demo "+path] != "ok" || states["threadpool builtin"] != "ok" || states["subprocess builtin"] != "ok" {
		t.Fatalf("%v in\n%s", states, r.out)
	}
	command(t, environ(t, "GDASK_PLUGIN_PATH="+dir), "plugin", "list").want(t, exitOK, path)
}

func TestPluginInspect(t *testing.T) {
	dir := t.TempDir()
	path := script(t, dir, "demo", demo)
	script(t, dir, "mute", "no JSON")
	r := command(t, environ(t), "plugin", "inspect", "demo", "--plugin-dir", dir)
	r.want(t, exitOK, path+"\n", `  "version": "1.2.3"`)
	command(t, environ(t), "plugin", "inspect", "threadpool").want(t, exitOK, "builtin worker class")
	command(t, environ(t), "plugin", "inspect", "demmo", "--plugin-dir", dir).want(t, exitFailed, `did you mean "demo"?`, dir)
	command(t, environ(t), "plugin", "inspect", "my.module.Class").want(t, exitFailed, "Python import paths")
	command(t, environ(t), "plugin", "inspect", "mute", "--plugin-dir", dir).want(t, exitFailed, "printed no JSON")
}

func TestPluginVerify(t *testing.T) {
	dir := t.TempDir()
	path := script(t, dir, "demo", demo)
	r := command(t, environ(t), "plugin", "verify", "demo", "--plugin-dir", dir)
	r.want(t, exitOK, path+"\nplugins:\n  worker:\n    demo:\n      checksum: sha256:")
	_, pin, _ := strings.Cut(r.out, "\n")
	file := write(t, "pin.yaml", pin) // what it prints is configuration
	command(t, environ(t), "plugin", "verify", "demo", "--plugin-dir", dir, "--config", file).want(t, exitOK)
	script(t, dir, "demo", demo+" ")
	command(t, environ(t), "plugin", "verify", "demo", "--plugin-dir", dir, "--config", file).want(t, exitFailed, "pinned is sha256:")
	command(t, environ(t), "plugin", "verify", "subprocess").want(t, exitOK, "builtin")
}

func TestPluginTestOfABuiltinClass(t *testing.T) {
	r := command(t, environ(t), "plugin", "test", "subprocess", "--run", "^(handshake|worker)/")
	r.want(t, exitOK, "ok    handshake/health", "ok    worker/cancel", "all 18 cases passed")
	if strings.Contains(r.out, "how they are refused") || strings.Contains(r.out, "static/") {
		t.Error(r.out)
	}
}

func TestPluginTestOfAFileThatIsNoPlugin(t *testing.T) {
	dir := t.TempDir()
	path := script(t, dir, "demo", demo)
	r := command(t, environ(t), "plugin", "test", path, "--run", "^static/|handshake/line")
	r.want(t, exitFailed, "ok    static/file", "ok    static/semver", "FAIL  static/describe", "services", "the rule: ", "what to do: ",
		"FAIL  static/no-host", "FAIL  handshake/line", "Error: 4 of 6 cases failed")
	command(t, environ(t), "plugin", "test", "demo", "--plugin-dir", dir, "--run", "semver").want(t, exitOK, "all 1 cases passed")
	command(t, environ(t), "plugin", "test", "demo", "--plugin-dir", dir, "--run", "zebra").want(t, exitUsage, "static/file")
	command(t, environ(t), "plugin", "test", "demo", "--run", "(").want(t, exitUsage, "--run")
	command(t, environ(t), "plugin", "test", "./no-such-file").want(t, exitFailed, "no-such-file")
	command(t, environ(t), "plugin", "test", "no-such-name").want(t, exitFailed, `no worker plugin "no-such-name"`)
}

func TestPluginTestGivesThePluginItsSettings(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "gdask-plugin-worker-demo")
	text := "#!/bin/sh\necho \"{\\\"version\\\": \\\"$VERSION\\\", \\\"name\\\": \\\"$1 $2\\\"}\"\n"
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	file := write(t, "c.yaml", "plugins:\n  worker:\n    demo: {args: [--fast], env: {VERSION: 4.5.6}}\n")
	r := command(t, environ(t), "plugin", "test", "demo", "--plugin-dir", dir, "--config", file, "--run", "^static/(semver|describe)")
	r.want(t, exitFailed, "ok    static/semver", `the name is "--fast describe"`)
}
