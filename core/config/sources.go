package config

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Sources are where configuration is read from. The zero value is defaults only.
type Sources struct {
	// Env are variables as in os.Environ: DASK_*, GDASK_*.
	Env []string
	// DaskDirs are Dask's directories (or files) of configuration, low to high;
	// SystemDir and UserDir are gdask's. What does not exist is passed over; the
	// files of a directory are read in alphabetical order.
	DaskDirs  []string
	SystemDir string
	UserDir   string
	// Files were named by the user and must exist.
	Files []string
	// Flags that were given are read by FlagKeys: flag name to key; "!" before the
	// key means the opposite of the flag.
	Flags    *pflag.FlagSet
	FlagKeys map[string]string
	// Code has the highest place.
	Code map[string]any
}

// FromEnvironment are the usual places by the variables of a process: HOME,
// XDG_CONFIG_HOME, DASK_CONFIG, DASK_ROOT_CONFIG, GDASK_CONFIG (a file that is
// read as if it were named first with --config).
func FromEnvironment(environ []string) Sources {
	get := func(name string) string {
		for _, e := range slices.Backward(environ) {
			if v, ok := strings.CutPrefix(e, name+"="); ok {
				return v
			}
		}
		return ""
	}
	s := Sources{Env: environ, SystemDir: "/etc/gdask"}
	root := get("DASK_ROOT_CONFIG")
	if root == "" {
		root = "/etc/dask"
	}
	s.DaskDirs = append(s.DaskDirs, root)
	home := get("HOME")
	if home != "" {
		s.DaskDirs = append(s.DaskDirs, filepath.Join(home, ".config", "dask"))
	}
	if own := get("DASK_CONFIG"); own != "" {
		s.DaskDirs = append(s.DaskDirs, own)
	}
	if xdg := get("XDG_CONFIG_HOME"); xdg != "" {
		s.UserDir = filepath.Join(xdg, "gdask")
	} else if home != "" {
		s.UserDir = filepath.Join(home, ".config", "gdask")
	}
	if file := get("GDASK_CONFIG"); file != "" {
		s.Files = append(s.Files, file)
	}
	return s
}
