//go:build unix

package launch

import (
	"io/fs"
	"os"
	"syscall"
)

// OwnerUID is the user id of a file's owner, -1 when unknown.
func OwnerUID(st fs.FileInfo) int {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		return int(sys.Uid)
	}
	return -1
}

// ownedByUs reports whether the file belongs to our user.
func ownedByUs(st fs.FileInfo) bool { return OwnerUID(st) == os.Getuid() }
