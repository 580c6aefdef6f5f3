package launch

import (
	"fmt"
	"os"
	"strconv"
)

// byDescriptor executes the open file itself, whatever its path means by then.
// The process gets it as descriptor 4: a script's interpreter opens it again.
func byDescriptor(f *os.File, path string) (executable, error) {
	return executable{path: "/proc/self/fd/" + strconv.Itoa(execFD), name: path, file: f}, nil
}

// ownExecutable is the program that runs, even when its file was replaced since.
func ownExecutable() (executable, error) {
	self := "/proc/self/exe"
	path, err := os.Executable()
	if err != nil {
		return executable{}, fmt.Errorf("find our own executable: %w", err)
	}
	run, err1 := os.Stat(self)
	now, err2 := os.Stat(path)
	if err1 == nil && err2 == nil && os.SameFile(run, now) {
		self = path
	}
	return executable{path: self, name: os.Args[0]}, nil
}
