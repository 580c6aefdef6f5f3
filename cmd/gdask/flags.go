package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gdask/gdask/core/config"
)

// keys are the configuration keys of flags; "!" negates.
type keys map[string]string

// clusterKeys are flags of every command that starts workers.
func clusterKeys() keys {
	return keys{
		"worker-class": "worker-class", "protocol": "protocol", "log-level": "log-level",
		"memory-limit": "cluster.memory-limit", "host": "cluster.host",
		"dashboard-address": "cluster.dashboard-address", "local-directory": "cluster.local-directory",
		"worker-dashboard-address": "cluster.worker-dashboard-address",
		"n-workers":                "cluster.n-workers", "threads-per-worker": "cluster.threads-per-worker",
		"processes": "cluster.processes", "no-processes": "!cluster.processes",
		"port": "cluster.scheduler-port", "name": "cluster.name", "plugin-dir": "plugins.dirs",
		"idle-timeout": "distributed.scheduler.idle-timeout", "worker-saturation": "distributed.scheduler.worker-saturation",
	}
}

// Flags that several commands have. Their defaults are those of the
// configuration, so the flags have none.

func logFlag(f *pflag.FlagSet) {
	f.String("log-level", "", "`level` of what is logged: trace, debug, info, warn, error or off (default warn)")
}

func listenFlags(f *pflag.FlagSet) {
	f.String("protocol", "", "comm `protocol`: tcp, unix, inproc (default tcp)")
	f.String("host", "", "`address` to listen on (default loopback only)")
}

func schedulerFlags(f *pflag.FlagSet, port string) {
	f.Int("port", 0, "`port` of the scheduler (default "+port+")")
	f.String("dashboard-address", "", "`address` of the HTTP server: :8787, host:port, none (default :8787 on loopback)")
	f.String("idle-timeout", "", "end after nothing was to do for this `duration` (default never)")
	f.String("worker-saturation", "", "`number` of tasks sent ahead for each thread; inf sends all (default 1.1)")
}

func workerFlags(f *pflag.FlagSet) {
	f.String("worker-class", "", "worker class: threadpool, subprocess, or the `name` of a plugin")
	f.String("memory-limit", "", "`memory` of each worker: auto, 0 for none, a fraction such as 0.5, or bytes such as 2GiB (default auto)")
	f.String("local-directory", "", "`directory` for workers' files (default a private one each)")
	f.String("worker-dashboard-address", "", "`address` of each worker's /health and /metrics, such as 127.0.0.1:0 (default none)")
	f.StringSlice("plugin-dir", nil, "`directory` with plugins, searched first; may be repeated")
}

// load reads the configuration with the flags of a command.
func (a *app) load(flags *pflag.FlagSet, k keys) (*config.Loaded, error) {
	if err := absolute(flags, "plugin-dir"); err != nil {
		return nil, err
	}
	s := config.FromEnvironment(a.environ)
	s.Files = append(s.Files, a.files...)
	s.Flags, s.FlagKeys = flags, k
	return config.Load(s)
}

// absolute makes paths that were typed relative to the current directory what
// configuration wants them to be.
func absolute(flags *pflag.FlagSet, name string) error {
	f := flags.Lookup(name)
	if f == nil || !f.Changed {
		return nil
	}
	list, ok := f.Value.(pflag.SliceValue)
	if !ok {
		return nil
	}
	dirs := list.GetSlice()
	for i, d := range dirs {
		abs, err := filepath.Abs(d)
		if err != nil {
			return err
		}
		dirs[i] = abs
	}
	return list.Replace(dirs)
}

// aliases lets a command understand other spellings of its flags.
func aliases(f *pflag.FlagSet, other map[string]string) {
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		name = strings.ReplaceAll(name, "_", "-")
		if n, ok := other[name]; ok {
			name = n
		}
		return pflag.NormalizedName(name)
	})
}
