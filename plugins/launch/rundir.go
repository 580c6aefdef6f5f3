package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/gdask/gdask/sdk/handshake"
)

// socketRest is the longest that go-plugin appends to the directory of a
// process: "/plugin-dir" and "/plugin" with up to ten digits each.
const socketRest = len("/plugin-dir4294967295/plugin4294967295")

// processRest is the longest name of a process's directory in a run directory.
const processRest = len("/p99999")

// RunDir is the private directory of one host: the sockets of its plugins live
// in it. Its lock file beside it tells other hosts that it is in use.
type RunDir struct {
	path string
	lock *os.File
	next atomic.Int64
}

// Bases returns the directories to try for run directories, best first:
// gdask in the user's runtime directory, then one in /tmp, whose path is short on
// every system.
func Bases(runtimeDir string) []string {
	own := filepath.Join("/tmp", "gdask-"+strconv.Itoa(os.Getuid()))
	if runtimeDir == "" || !filepath.IsAbs(runtimeDir) {
		return []string{own}
	}
	return []string{filepath.Join(runtimeDir, "gdask"), own}
}

// NewRunDir removes what dead hosts left in the first usable base and makes a
// run directory there.
func NewRunDir(bases ...string) (*RunDir, error) {
	var errs []error
	for _, base := range bases {
		d, err := newRunDir(base)
		if err == nil {
			return d, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("make a run directory: %w", errors.Join(errs...))
}

func newRunDir(base string) (*RunDir, error) {
	if err := checkLength(base + "/abcdef"); err != nil {
		return nil, err
	}
	if err := ownDir(base); err != nil {
		return nil, err
	}
	if err := Sweep(base); err != nil {
		return nil, err
	}
	for range 100 {
		path := filepath.Join(base, sixChars())
		lock, err := tryLock(path + handshake.LockSuffix)
		if err != nil {
			return nil, err
		}
		if lock == nil {
			continue
		}
		if err := os.Mkdir(path, 0o700); err != nil {
			return nil, errors.Join(err, unlock(lock))
		}
		return &RunDir{path: path, lock: lock}, nil
	}
	return nil, fmt.Errorf("%s: no free name for a run directory", base)
}

// Path is the absolute path of the directory.
func (d *RunDir) Path() string { return d.path }

// Close removes the directory and all that is in it. Safe twice.
func (d *RunDir) Close() error {
	if d.lock == nil {
		return nil
	}
	err := os.RemoveAll(d.path)
	err = errors.Join(err, unlock(d.lock))
	d.lock = nil
	return err
}

// process makes the directory of one process.
func (d *RunDir) process() (string, error) {
	path := filepath.Join(d.path, "p"+strconv.FormatInt(d.next.Add(1), 10))
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", fmt.Errorf("directory of the plugin process: %w", err)
	}
	return path, nil
}

// Sweep removes the run directories in base whose hosts are gone.
func Sweep(base string) error {
	entries, err := os.ReadDir(base)
	if err != nil {
		return fmt.Errorf("sweep run directories: %w", err)
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), handshake.LockSuffix)
		if len(name) != 6 {
			continue
		}
		path := filepath.Join(base, name)
		lock, err := tryLock(path + handshake.LockSuffix)
		if err != nil || lock == nil {
			continue // in use, or not ours to judge
		}
		if err := errors.Join(os.RemoveAll(path), unlock(lock)); err != nil {
			return fmt.Errorf("remove the run directory of a dead host: %w", err)
		}
	}
	return nil
}

// ownDir makes a directory that nobody else can enter, or checks that an
// existing one is such.
func ownDir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	st, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case !st.IsDir():
		return fmt.Errorf("%s is no directory (%s); remove it", path, st.Mode().Type())
	case st.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s may be entered by others (mode %04o); run chmod 700 on it", path, st.Mode().Perm())
	case !ownedByUs(st):
		return fmt.Errorf("%s belongs to another user; remove it", path)
	}
	return nil
}

// maxSocketPath is the longest path of a unix socket, without the final zero.
func maxSocketPath() int {
	if runtime.GOOS == "linux" {
		return 107
	}
	return 103
}

// checkLength refuses a run directory in which sockets would have paths that the
// kernel cannot take.
func checkLength(dir string) error {
	if n, limit := len(dir)+processRest+socketRest, maxSocketPath(); n > limit {
		return fmt.Errorf("run directory %s: socket paths in it may have %d bytes, the limit is %d; choose one that is %d bytes shorter: %w",
			dir, n, limit, n-limit, fs.ErrInvalid)
	}
	return nil
}

func sixChars() string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, 6)
	for i := range b {
		b[i] = letters[rand.IntN(len(letters))]
	}
	return string(b)
}
