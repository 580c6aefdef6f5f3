//go:build unix

package lifeline

import (
	"fmt"
	"os"
	"syscall"
)

// open makes the descriptor non-blocking, so that Close ends a Read, and keeps
// the plugin's own children from inheriting it.
func open(fd int) (*os.File, error) {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("lifeline: file descriptor %d: %w", fd, err)
	}
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("lifeline: file descriptor %d: %w", fd, err)
	}
	return os.NewFile(uintptr(fd), "lifeline"), nil
}
