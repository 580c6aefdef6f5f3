//go:build unix

package workerrt

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

func entries(t *testing.T, dir string) []string {
	t.Helper()
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range es {
		names = append(names, e.Name())
	}
	return names
}

// TestLocalDirsOfManyWorkers starts many at once: each purges what the others
// are just making.
func TestLocalDirsOfManyWorkers(t *testing.T) {
	parent := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				d, err := openLocalDir(parent)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := os.Stat(d.path); err != nil {
					t.Errorf("a living worker's directory was purged: %v", err)
				}
				if err := d.close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if left := entries(t, parent); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLocalDirBesideAnotherUsers(t *testing.T) {
	var tried []string
	open := func(failed error) func(string) (*localDir, error) {
		tried = nil
		return func(parent string) (*localDir, error) {
			if tried = append(tried, parent); len(tried) == 1 {
				return nil, failed
			}
			return &localDir{path: parent}, nil
		}
	}
	own := "/scratch-" + strconv.Itoa(os.Getuid())
	if d, err := firstAllowed(localParents("/scratch/"), open(fs.ErrPermission)); err != nil || d.path != own {
		t.Errorf("%+v, %v after %q", d, err, tried)
	}
	if _, err := firstAllowed(localParents("/scratch"), open(fs.ErrInvalid)); !errors.Is(err, fs.ErrInvalid) || len(tried) != 1 {
		t.Errorf("%v after %q", err, tried)
	}
	if _, err := firstAllowed(localParents(""), open(fs.ErrPermission)); !errors.Is(err, fs.ErrPermission) || len(tried) != 1 {
		t.Errorf("%v after %q", err, tried)
	}
}

func TestPurgeOfDeadWorkersDirectory(t *testing.T) {
	parent := t.TempDir()
	dead, err := openLocalDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dead.path, storageDir), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dead.path, storageDir, "1"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dead.lock.Close(); err != nil { // what the kernel does for a killed process
		t.Fatal(err)
	}
	alive, err := openLocalDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dead.path); !os.IsNotExist(err) {
		t.Errorf("the directory of a dead worker is still there: %v", err)
	}
	if err := alive.close(); err != nil {
		t.Error(err)
	}
	if left := entries(t, parent); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// In the place that all know nobody else may be able to put values in ours' place.
func TestTheDefaultDirectoryIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gdask")
	for range 2 {
		if err := makePrivate(path); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := makePrivate(link); err == nil {
		t.Error("a link that somebody put there is followed")
	}
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := makePrivate(path); err == nil {
		t.Error("a directory that all may write to is used")
	}
}
