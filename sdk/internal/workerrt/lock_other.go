//go:build !unix

package workerrt

import (
	"fmt"
	"os"
)

// lockFile opens a file that must not exist yet.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
}

// makePrivate makes a directory; temp directories are a user's own here.
func makePrivate(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("worker: local directory: %w", err)
	}
	return nil
}
