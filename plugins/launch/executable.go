package launch

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ErrChecksum is the cause of refusing a file that is not the pinned one.
var ErrChecksum = errors.New("checksum mismatch")

// executable is what to execute: by path, or by descriptor when the file must be
// the one that was checked.
type executable struct {
	path string   // for the system call
	name string   // argv[0]
	file *os.File // handed to the process as descriptor 4; nil when executed by path
}

// openExecutable finds the file to execute. "" is the host's own executable.
// Others are opened once: the checksum is taken, and the file executed, through
// the same descriptor, so that nobody can exchange it in between.
func openExecutable(path, checksum string) (executable, error) {
	if path == "" {
		return ownExecutable()
	}
	f, err := os.Open(path)
	if err != nil {
		return executable{}, fmt.Errorf("open the plugin: %w", err)
	}
	if checksum != "" {
		if err := verify(f, path, checksum); err != nil {
			return executable{}, errors.Join(err, f.Close())
		}
	}
	return byDescriptor(f, path)
}

// verify compares in constant time, as one does with digests.
func verify(f io.Reader, path, want string) error {
	got, err := digest(f)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if subtle.ConstantTimeCompare([]byte(got), []byte(strings.ToLower(want))) != 1 {
		return fmt.Errorf("%w: %s is %s, pinned is %s; if the change is wanted, pin what gdask plugin verify prints", ErrChecksum, path, got, want)
	}
	return nil
}

// Checksum is a file's digest as it is pinned in a configuration: "sha256:" and
// 64 hexadecimal digits.
func Checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	return digest(f)
}

func digest(f io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}
