package suite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/gdask/gdask/sdk"
	"github.com/gdask/gdask/sdk/handshake"
)

// staticRules look at the file, without a host.
var staticRules = []rule{
	{name: "static/file", file: true, check: checkFile,
		why:    "a plugin is found by its file name, gdask-plugin-worker-<name>, and started only when nobody else can have changed it",
		remedy: "build it with go build -o gdask-plugin-worker-<name>; the name is a lower-case letter and up to 62 letters, digits and dashes; chmod 755"},
	{name: "static/describe", file: true, check: checkDescribe,
		why:    "`describe` prints one JSON object that says what the plugin is, and exits with 0, without being started as a plugin",
		remedy: "print kind, name, version and services (sdk.Serve does) and nothing else on standard output"},
	{name: "static/semver", file: true, check: checkSemver,
		why:    "the version in `describe` is a semantic version, such as 1.4.0: users see it in lists and crash reports",
		remedy: "give it with worker.Version(\"1.4.0\")"},
	{name: "static/no-host", file: true, check: checkNoHost,
		why:    "started by hand, without GDASK_PLUGIN, a plugin explains itself on standard error and exits with a code other than 0",
		remedy: "check GDASK_PLUGIN before anything else (sdk.Serve does)"},
	{name: "static/wrong-kind", check: checkWrongKind,
		why:    "started as another kind of plugin it says so on standard error and exits with a code other than 0, instead of failing later",
		remedy: "compare GDASK_PLUGIN with your kind (sdk.Serve does)"},
}

func checkFile(_ context.Context, e *env) error {
	name := strings.TrimSuffix(filepath.Base(e.program.Path), ".exe")
	own, ok := strings.CutPrefix(name, handshake.BinaryPrefix(handshake.KindWorker))
	if !ok || !handshake.ValidName(own) {
		return fmt.Errorf("the file is called %q, want %s<name>", name, handshake.BinaryPrefix(handshake.KindWorker))
	}
	st, err := os.Stat(e.program.Path)
	switch {
	case err != nil:
		return err
	case !st.Mode().IsRegular():
		return fmt.Errorf("%s is no regular file", e.program.Path)
	case runtime.GOOS != "windows" && st.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s is not executable", e.program.Path)
	case runtime.GOOS != "windows" && st.Mode().Perm()&0o002 != 0:
		return fmt.Errorf("%s may be changed by every user", e.program.Path)
	}
	return nil
}

// describe runs the describe command.
func (e *env) describe(ctx context.Context) (sdk.Description, error) {
	var d sdk.Description
	p, err := e.run(ctx, append(slices.Clone(e.program.Args), "describe"))
	if err != nil {
		return d, err
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return d, fmt.Errorf("describe: %s, want exit status 0", p.cmd.ProcessState)
	}
	if err := json.Unmarshal([]byte(p.stdout.text()), &d); err != nil {
		return d, fmt.Errorf("describe printed %q, which is no JSON object: %w", shorten(p.stdout.text()), err)
	}
	return d, nil
}

func checkDescribe(ctx context.Context, e *env) error {
	d, err := e.describe(ctx)
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(filepath.Base(e.program.Path), ".exe")
	if want := strings.TrimPrefix(name, handshake.BinaryPrefix(handshake.KindWorker)); d.Name != want {
		err = fmt.Errorf("the name is %q, but the file's name says %q", d.Name, want)
	}
	return errors.Join(err, complete(d))
}

// complete finds what a description lacks.
func complete(d sdk.Description) error {
	var errs []error
	if d.Kind != handshake.KindWorker {
		errs = append(errs, fmt.Errorf("the kind is %q, want %q", d.Kind, handshake.KindWorker))
	}
	if !handshake.ValidName(d.Name) {
		errs = append(errs, fmt.Errorf("the name is %q; want a lower-case letter and up to 62 letters, digits and dashes", d.Name))
	}
	if d.Version == "" {
		errs = append(errs, errors.New("the version is missing"))
	}
	for _, s := range []string{handshake.PluginV1, handshake.WorkerV1} {
		if !slices.Contains(d.Services, s) {
			errs = append(errs, fmt.Errorf("services %q lack %s", d.Services, s))
		}
	}
	if len(d.Runtimes) == 0 {
		errs = append(errs, errors.New("runtimes are missing: which run specs do its workers understand? (\"go\", ...)"))
	}
	if len(d.ConfigSchema) > 0 && !json.Valid(d.ConfigSchema) {
		errs = append(errs, errors.New("config_schema is no JSON"))
	}
	return errors.Join(errs...)
}

// semver is the pattern of semver.org, shortened.
var semver = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)
})

func checkSemver(ctx context.Context, e *env) error {
	d, err := e.describe(ctx)
	if err != nil {
		return err
	}
	if !semver().MatchString(d.Version) {
		return fmt.Errorf("the version is %q", d.Version)
	}
	return nil
}

func checkNoHost(ctx context.Context, e *env) error {
	p, err := e.run(ctx, e.program.Args)
	if err != nil {
		return err
	}
	return explained(p)
}

func checkWrongKind(ctx context.Context, e *env) error {
	vars := []string{handshake.CookieEnv + "=" + handshake.KindComm, "PLUGIN_UNIX_SOCKET_DIR=" + e.sockets()}
	if e.program.Class != "" {
		vars = append(vars, handshake.NameEnv+"="+e.program.Class)
	}
	p, err := e.run(ctx, e.program.Args, vars...)
	if err != nil {
		return err
	}
	return explained(p)
}

// explained checks how a program ended that nobody should have started.
func explained(p *process) error {
	var errs []error
	if p.cmd.ProcessState.ExitCode() <= 0 {
		errs = append(errs, fmt.Errorf("it ended with %s, want an exit code above 0", p.cmd.ProcessState))
	}
	if strings.TrimSpace(p.stderr.text()) == "" {
		errs = append(errs, errors.New("it said nothing on standard error"))
	}
	return errors.Join(errs...)
}
