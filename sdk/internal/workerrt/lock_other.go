//go:build !unix

package workerrt

import "os"

// lockFile opens a file that must not exist yet.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
}
