package catalog

import (
	"os"
	"path/filepath"
)

// splitList splits a PATH-like value; relative entries are dropped, because what
// they mean depends on where a command is typed.
func splitList(v string) []string {
	var out []string
	for _, d := range filepath.SplitList(v) {
		if filepath.IsAbs(d) {
			out = append(out, d)
		}
	}
	return out
}

func besideExecutable() []string {
	exe, err := os.Executable()
	if err != nil {
		return nil
	}
	if resolved, err := filepath.EvalSymlinks(exe); err == nil {
		exe = resolved
	}
	return []string{filepath.Join(filepath.Dir(exe), "plugins")}
}
