package launch

import (
	"maps"
	"slices"
	"strings"
)

// passed are the variables that every plugin gets from its host.
func passed() []string {
	return []string{
		"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "XDG_RUNTIME_DIR",
		"GOMAXPROCS", "GOMEMLIMIT", "GOGC", "GODEBUG", "GOTRACEBACK", "GOCOVERDIR",
	}
}

// Environment is the environment of an external plugin: a few variables of the
// host that every program needs, those with the prefixes LC_, SSL_CERT_ and
// GDASK_ (without secrets), those named in passthrough, and on top the plugin's
// own. Everything else stays with the host.
func Environment(host, passthrough []string, own map[string]string) []string {
	names := append(passed(), passthrough...)
	return build(host, own, func(name string) bool {
		return slices.Contains(names, name) || strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "SSL_CERT_") ||
			strings.HasPrefix(name, "GDASK_") && !secret(name)
	})
}

// FullEnvironment is the environment of the host's own executable, executed
// again: it is the same program with the same rights, whose functions may read
// what they read in the host. Only what belongs to the host's own start as a
// plugin is left out.
func FullEnvironment(host []string, own map[string]string) []string {
	return build(host, own, func(string) bool { return true })
}

// Beneath adds variables that an environment lacks, earlier sets first.
func Beneath(environ []string, sets ...map[string]string) []string {
	have := make(map[string]bool, len(environ))
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		have[name] = true
	}
	out := slices.Clip(environ)
	for _, set := range sets {
		for _, name := range slices.Sorted(maps.Keys(set)) {
			if !have[name] {
				have[name] = true
				out = append(out, name+"="+set[name])
			}
		}
	}
	return out
}

// build selects from the host's variables and sets the plugin's own, sorted and
// each once.
func build(host []string, own map[string]string, keep func(name string) bool) []string {
	vars := make(map[string]string)
	for _, kv := range host {
		if name, value, ok := strings.Cut(kv, "="); ok && name != "" && keep(name) && !ours(name) {
			vars[name] = value
		}
	}
	maps.Copy(vars, own)
	env := make([]string, 0, len(vars))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		env = append(env, name+"="+vars[name])
	}
	return env
}

// ours reports whether the variable belongs to one start of a plugin: a host
// that is a plugin itself must not hand it on.
func ours(name string) bool {
	switch name {
	case "GDASK_PLUGIN", "GDASK_PLUGIN_NAME", "GDASK_LIFELINE", "GDASK_EXEC_FD", "GDASK_RUN_DIR", "GDASK_REATTACH",
		"GDASK_WORKER_OPTIONS":
		return true
	}
	return strings.HasPrefix(name, "PLUGIN_")
}

// secret reports whether the variable's name says that its value is one. Secrets
// reach plugins in their configuration, never by environment.
func secret(name string) bool {
	for _, word := range []string{"SECRET", "TOKEN", "PASSWORD", "PASSPHRASE", "CREDENTIAL", "PRIVATE", "_KEY"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// Overlay sets variables of an environment.
func Overlay(environ []string, set map[string]string) []string {
	out := make([]string, 0, len(environ)+len(set))
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if _, replaced := set[name]; !replaced {
			out = append(out, kv)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		out = append(out, name+"="+set[name])
	}
	return out
}
