//go:build !linux

package launch

import (
	"fmt"
	"os"
)

// byDescriptor executes by path: this system cannot execute an open file. Who
// may write to the file's directory can exchange it after the check.
func byDescriptor(f *os.File, path string) (executable, error) {
	return executable{path: path, name: path}, f.Close()
}

// ownExecutable is the file that the program was started from.
func ownExecutable() (executable, error) {
	path, err := os.Executable()
	if err != nil {
		return executable{}, fmt.Errorf("find our own executable: %w", err)
	}
	return executable{path: path, name: os.Args[0]}, nil
}
