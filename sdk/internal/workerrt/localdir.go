package workerrt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// localDir is a worker's private directory. A lock on a file beside it says
// that its owner lives; directories of dead owners are removed by the next
// worker that starts.
type localDir struct {
	path string
	lock *os.File
}

const (
	dirPrefix  = "worker-"
	lockSuffix = ".lock"
)

// localParents are the directories for workers' directories, the best first: the
// given one and, where that is another user's, one of this user beside it; or one
// for this user in the system's temp directory.
func localParents(parent string) []string {
	user := "-" + strconv.Itoa(os.Getuid())
	if parent == "" {
		return []string{filepath.Join(os.TempDir(), "gdask"+user)}
	}
	return []string{parent, filepath.Clean(parent) + user}
}

// Purge removes what dead workers left under parent, as the next worker that
// starts there would; "" means the default place. It is for a host that ends
// with its workers.
func Purge(parent string) {
	for _, p := range localParents(parent) {
		purge(p)
	}
}

// openLocalDir makes a directory under parent, see localParents.
func openLocalDir(parent string) (*localDir, error) {
	if parent == "" { // its name is known to all who use this machine
		if err := makePrivate(localParents("")[0]); err != nil {
			return nil, err
		}
	}
	return firstAllowed(localParents(parent), makeLocalDir)
}

// firstAllowed tries the next parent when one is not this user's to use.
func firstAllowed(parents []string, open func(parent string) (*localDir, error)) (d *localDir, err error) {
	for _, p := range parents {
		var failed error
		if d, failed = open(p); failed == nil {
			return d, nil
		}
		err = errors.Join(err, failed)
		if !errors.Is(failed, fs.ErrPermission) {
			break
		}
	}
	return nil, err
}

func makeLocalDir(parent string) (*localDir, error) {
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, fmt.Errorf("worker: local directory: %w", err)
	}
	purge(parent)
	path, err := os.MkdirTemp(parent, dirPrefix)
	if err != nil {
		return nil, fmt.Errorf("worker: local directory: %w", err)
	}
	d := &localDir{path: path}
	if err := d.own(); err != nil {
		return nil, errors.Join(fmt.Errorf("worker: lock of the local directory %s: %w", path, err), os.RemoveAll(path))
	}
	return d, nil
}

// own puts the lock beside the directory. The file gets its name only when it is
// locked: a purge between the two would take its owner for dead.
func (d *localDir) own() error {
	made := filepath.Join(d.path, "lock")
	lock, err := lockFile(made)
	if err != nil {
		return err
	}
	d.lock = lock
	if err := os.Rename(made, d.path+lockSuffix); err != nil {
		return errors.Join(err, lock.Close())
	}
	return nil
}

// purge removes what dead workers left; failures leave it for the next time.
func purge(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		name, isLock := strings.CutSuffix(e.Name(), lockSuffix)
		if !isLock || !strings.HasPrefix(name, dirPrefix) {
			continue
		}
		path := filepath.Join(parent, name)
		lock, err := lockFile(path + lockSuffix)
		if err != nil {
			continue // its owner lives
		}
		_ = (&localDir{path: path, lock: lock}).close() // the next worker tries again
	}
}

// close removes the directory.
func (d *localDir) close() error {
	err := os.RemoveAll(d.path)
	return errors.Join(err, os.Remove(d.path+lockSuffix), d.lock.Close())
}
