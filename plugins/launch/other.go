//go:build !unix

package launch

import (
	"errors"
	"io/fs"
	"os"
)

// execFD is not used here.
const execFD = 4

// errUnix says why plugin processes do not start here: without process groups
// and lifelines nothing guarantees their end.
var errUnix = errors.New("plugin processes need a unix system; use worker class threadpool in this process")

func (r *processRunner) spawnLocked() error { return errUnix }

func tryLock(string) (*os.File, error) { return nil, errUnix }

func unlock(f *os.File) error { return f.Close() }

// OwnerUID is the user id of a file's owner, -1 when unknown.
func OwnerUID(fs.FileInfo) int { return -1 }

func ownedByUs(fs.FileInfo) bool { return true }

func awaitEnd(int) {}

func killGroupOf(int) {}

func signalGroup(int, os.Signal) {}

func exitOf(*os.ProcessState) Exit { return Exit{Code: -1} }
