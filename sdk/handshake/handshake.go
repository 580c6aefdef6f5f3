// Package handshake has the names that the two sides of a plugin process must
// agree on before they can talk: environment variables, file names, versions.
// Plugin authors need it only to write a host of their own.
package handshake

import (
	"regexp"
	"runtime"

	"github.com/hashicorp/go-plugin"
)

// Environment variables that a host sets for a plugin process.
const (
	// CookieEnv holds the kind of plugin that the host expects. Without it a
	// plugin explains itself and exits with code 2: a courtesy, no security.
	CookieEnv = "GDASK_PLUGIN"
	// NameEnv holds the name of a builtin class when a program re-executes
	// itself as a plugin.
	NameEnv = "GDASK_PLUGIN_NAME"
	// LifelineEnv holds the number of the file descriptor whose end of file
	// means that the host is gone.
	LifelineEnv = "GDASK_LIFELINE"
	// ExecFDEnv holds the number of the file descriptor that the host executed
	// the plugin from, so that the plugin can close it.
	ExecFDEnv = "GDASK_EXEC_FD"
	// RunDirEnv holds the private directory of the process.
	RunDirEnv = "GDASK_RUN_DIR"
)

// LockSuffix makes the name of the lock file beside a host's run directory, the
// parent of RunDirEnv's.
const LockSuffix = ".pid"

// Kinds of plugins.
const (
	KindWorker  = "worker"
	KindComm    = "comm"
	KindCluster = "cluster"
	KindGraph   = "graph"
)

// Bootstrap is the version of everything that comes before the first gRPC call.
// Features have their versions in their proto packages instead.
const Bootstrap = 1

// Service names of the contracts.
const (
	PluginV1 = "gdask.plugin.v1.Plugin"
	WorkerV1 = "gdask.worker.v1.Worker"
)

// MaxMessage is the largest gRPC message that a plugin accepts, in bytes. Bulk
// data has no business on the control plane.
const MaxMessage = 16 << 20

// Config returns go-plugin's handshake for the kind.
func Config(kind string) plugin.HandshakeConfig {
	return plugin.HandshakeConfig{MagicCookieKey: CookieEnv, MagicCookieValue: kind}
}

// ValidName reports whether name may name a plugin: ^[a-z][a-z0-9-]{0,62}$.
func ValidName(name string) bool {
	return regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`).MatchString(name)
}

// BinaryName is the file name of an external plugin: gdask-plugin-<kind>-<name>,
// with ".exe" on Windows.
func BinaryName(kind, name string) string {
	base := BinaryPrefix(kind) + name
	if runtime.GOOS == "windows" {
		base += ".exe"
	}
	return base
}

// BinaryPrefix is what the file names of all external plugins of a kind begin
// with.
func BinaryPrefix(kind string) string { return "gdask-plugin-" + kind + "-" }
