package catalog

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/gdask/gdask/plugins/launch"
)

// checkFile refuses what an accident or another user may have put there.
func checkFile(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	if runtime.GOOS == "windows" {
		return nil
	}
	if st.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("%s is not executable; chmod +x it", path)
	}
	if st.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("%s may be changed by every user; chmod o-w it", path)
	}
	if uid := launch.OwnerUID(st); uid > 0 && uid != os.Getuid() {
		return fmt.Errorf("%s belongs to user %d, not to you or root", path, uid)
	}
	return nil
}

// DefaultDirs are the plugin directories of this machine: GDASK_PLUGIN_PATH,
// the given ones, the user's data directory, and plugins/ beside the executable.
// Relative ones of the environment are passed over.
func DefaultDirs(more []string, pluginPath, dataHome, home string) []string {
	var dirs []string
	dirs = append(dirs, splitList(pluginPath)...)
	dirs = append(dirs, more...)
	switch {
	case filepath.IsAbs(dataHome):
		dirs = append(dirs, filepath.Join(dataHome, "gdask/plugins"))
	case filepath.IsAbs(home):
		dirs = append(dirs, filepath.Join(home, ".local/share/gdask/plugins"))
	}
	return append(dirs, besideExecutable()...)
}
