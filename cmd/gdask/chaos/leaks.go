//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"go.uber.org/goleak"
)

// settleTime is how long what ends by itself may take, such as the children of a
// supervisor that was killed.
const settleTime = 20 * time.Second

// inventory is what this process has before a run.
type inventory struct {
	files      int
	goroutines goleak.Option
}

// takeInventory also makes this process the parent of all orphans below it, so
// that none escapes the count.
func takeInventory() (*inventory, error) {
	if err := adoptOrphans(); err != nil {
		return nil, fmt.Errorf("adopt orphans: %w", err)
	}
	n, err := openFiles()
	return &inventory{n, goleak.IgnoreCurrent()}, err
}

// compare says what is left of a run: processes, open files, goroutines and what
// lies in dir.
func (v *inventory) compare(ctx context.Context, dir string) error {
	deadline := time.Now().Add(settleTime)
	for {
		reapOrphans()
		err := errors.Join(v.processes(), v.openFiles(), left(dir), goleak.Find(v.goroutines))
		if err == nil || time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
		wait(ctx, 200*time.Millisecond)
	}
}

func (v *inventory) processes() error {
	children, err := childrenOf(os.Getpid())
	for _, c := range children {
		line, _ := c.Cmdline() // it may just have ended
		err = errors.Join(err, fmt.Errorf("process %d is left: %s", c.Pid, line))
	}
	return err
}

func (v *inventory) openFiles() error {
	n, err := openFiles()
	if err == nil && n > v.files {
		err = fmt.Errorf("%d files are open, %d were before", n, v.files)
	}
	return err
}

// openFiles counts the open descriptors, itself left out.
func openFiles() (int, error) {
	runtime.GC() // closes what only finalizers hold
	entries, err := os.ReadDir("/proc/self/fd")
	return len(entries) - 1, err
}

// left names the files below dir that are more than an empty directory.
func left(dir string) error {
	var errs []error
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			errs = append(errs, fmt.Errorf("file %s is left", path))
		}
		return nil
	})
	return errors.Join(append(errs, err)...)
}
