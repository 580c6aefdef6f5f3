//go:build unix

package workerrt

import (
	"os"
	"path/filepath"
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

func TestPurgeOfDeadWorkersDirectory(t *testing.T) {
	parent := t.TempDir()
	dead, err := openLocalDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dead.path, "spilled"), []byte("x"), 0o600); err != nil {
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
