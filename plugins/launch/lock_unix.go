//go:build unix

package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// tryLock makes and locks a file with our process id; nil without an error when
// another process holds it. The file that was locked must still be the one of
// that name: a sweeper may have removed it in between.
func tryLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock file of a run directory: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, f.Close()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	have, err1 := f.Stat()
	named, err2 := os.Lstat(path)
	if errors.Is(err2, fs.ErrNotExist) || err1 == nil && err2 == nil && !os.SameFile(have, named) {
		return nil, f.Close()
	}
	_, err3 := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return f, nil
}

// unlock removes the lock file while it is still locked, and then lets it go.
func unlock(f *os.File) error {
	return errors.Join(os.Remove(f.Name()), f.Close())
}
