//go:build unix

package suite

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/gdask/gdask/sdk/handshake"
)

// helperEnv makes this test binary a plugin, good or broken in one way.
const helperEnv = "SUITE_TEST_HELPER"

func TestMain(m *testing.M) {
	if mode := os.Getenv(helperEnv); mode != "" {
		helper(mode)
		return
	}
	goleak.VerifyTestMain(m)
}

// program is this test binary as a plugin, under the file name of one.
func program(t *testing.T, mode string) Program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), handshake.BinaryName(handshake.KindWorker, "helper"))
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return Program{Path: path, Env: []string{helperEnv + "=" + mode, "GORACE=atexit_sleep_ms=0"}}
}
