package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestVersion(t *testing.T) {
	r := command(t, environ(t), "version")
	r.want(t, exitOK)
	if !regexp.MustCompile(`^gdask \S+ \(sdk \d+\.\d+\.\d+, go\S+, \w+/\w+\)\n$`).MatchString(r.out) || r.err != "" {
		t.Errorf("printed %q and %q", r.out, r.err)
	}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigPrintTellsWhereEachKeyCameFrom(t *testing.T) {
	file := write(t, "my.yaml", "cluster:\n  n-workers: 3\nplugins:\n  worker:\n    demo:\n      config: {password: hunter2}\n")
	r := command(t, environ(t, "GDASK_LOG_LEVEL=info", "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES=7"), "config", "print", "--config", file)
	r.want(t, exitOK)
	for _, line := range []string{
		`worker-saturation: 1\.1 +# default`, `n-workers: 3 +# .*my\.yaml`, `log-level: info +# .*GDASK_LOG_LEVEL`,
		`allowed-failures: 7 +# .*DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES`, `password: <redacted>`,
	} {
		if !regexp.MustCompile(line).MatchString(r.out) {
			t.Errorf("no line %s", line)
		}
	}
	if strings.Contains(r.out, "hunter2") || t.Failed() {
		t.Fatal(r.out)
	}
}

func TestConfigPrintReadsFlagsAfterFiles(t *testing.T) {
	first, second := write(t, "a.yaml", "log-level: info\n"), write(t, "b.yaml", "log-level: debug\n")
	command(t, environ(t), "config", "print", "--config", first, "--config", second).want(t, exitOK, "log-level: debug")
	command(t, environ(t), "config", "print", "--config", "/no/such/file.yaml").want(t, exitFailed, "/no/such/file.yaml")
}

func TestConfigCheck(t *testing.T) {
	command(t, environ(t), "config", "check").want(t, exitOK, "configuration is valid\n")
	for name, c := range map[string]struct{ yaml, says string }{
		"wrong word":     {"log-level: wran\n", `log-level is "wran"; use trace, debug, info, warn, error, off; did you mean "warn"?`},
		"unknown key":    {"cluster:\n  n-wrokers: 2\n", `did you mean "cluster.n-workers"?`},
		"wrong choice":   {"scheduler:\n  unsatisfiable: wiat\n", `did you mean "wait"?`},
		"wrong type":     {"cluster:\n  n-workers: many\n", `cluster.n-workers`},
		"unknown plugin": {"worker-class: treadpool\n", `did you mean "threadpool"?`},
		"absent plugin":  {"plugins:\n  worker:\n    absent: {}\n", `no worker plugin "absent"`},
	} {
		t.Run(name, func(t *testing.T) {
			command(t, environ(t), "config", "check", "--config", write(t, "c.yaml", c.yaml)).want(t, exitFailed, "Error: ", c.says)
		})
	}
	command(t, environ(t, "GDASK_LOG_LEVEL=wran"), "config", "check").want(t, exitFailed, `did you mean "warn"?`)
}

// TestConfigCheckAsksPlugins: only a plugin knows what its configuration may be.
func TestConfigCheckAsksPlugins(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for config, c := range map[string]struct {
		code int
		says string
	}{
		"{model: small}": {exitOK, "configuration is valid"},
		"{modl: small}":  {exitFailed, `did you mean "model"?`},
		"{model: 7}":     {exitFailed, `field "model" wants string`},
	} {
		text := "plugins:\n  worker:\n    demo:\n      cmd: " + self + "\n      env: {" + pluginEnv + ": x}\n      config: " + config + "\n"
		command(t, environ(t), "config", "check", "--config", write(t, "c.yaml", text)).want(t, c.code, c.says)
	}
	builtin := "plugins:\n  worker:\n    subprocess:\n      config: {zebra: small}\n"
	command(t, environ(t), "config", "check", "--config", write(t, "c.yaml", builtin)).want(t, exitFailed, `unknown field "zebra"`)
}

func TestUnknownWords(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"shceduler"}, `unknown command "shceduler" of gdask; did you mean "scheduler"?`},
		{[]string{"zebra"}, "commands are "},
		{[]string{"plugin", "lst"}, `did you mean "list"?`},
		{[]string{"scheduler", "--prot", "tcp"}, `unknown flag --prot; did you mean "--port"?`},
		{[]string{"--n-wrokers=2"}, `unknown flag --n-wrokers; did you mean "--n-workers"?`},
		{[]string{"scheduler", "--port", "high"}, "--port"},
		{[]string{"version", "now"}, "takes no arguments"},
		{[]string{"plugin", "inspect"}, "needs the plugin's name"},
		{[]string{"worker"}, "needs the scheduler's address"},
		{[]string{"worker", "tcp://127.0.0.1:1", "--scheduler-file", "x"}, "not both"},
		{[]string{"worker", "tcp://127.0.0.1:1", "--nworkers=0"}, "give at least 1"},
		{[]string{"worker", "tcp://127.0.0.1:1", "--resources", "GPU"}, `--resources has "GPU"`},
		{[]string{"bench", "--processes", "--threads"}, "not both"},
		{[]string{"bench", "--n", "10x"}, `--n has "10x"`},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			command(t, environ(t), c.args...).want(t, exitUsage, "Error: ", c.says, "--help' for usage.")
		})
	}
}

func TestFlagsMayBeWrittenWithUnderscores(t *testing.T) {
	command(t, environ(t), "scheduler", "--log_level=wran").want(t, exitFailed, `did you mean "warn"?`)
}

func TestHelpOfGroups(t *testing.T) {
	command(t, environ(t), "plugin").want(t, exitOK, "inspect", "verify", "new", "test")
	command(t, environ(t), "--help").want(t, exitOK, "scheduler", "worker", "plugin", "config", "version")
}

func TestHelpFitsTheScreen(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Short == "" {
			t.Errorf("%s has no description", c.CommandPath())
		}
		for line := range strings.Lines(c.UsageString()) {
			if len(strings.TrimSpace(line)) > helpWidth {
				t.Errorf("help of %s has the line %q", c.CommandPath(), line)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	a := &app{}
	root := a.root()
	root.InitDefaultHelpCmd()
	walk(root)
}
