package conformance

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gdask/gdask/sdk/conformance/suite"
	"github.com/gdask/gdask/sdk/handshake"
)

// Program is the executable of a plugin and how it is started.
type Program = suite.Program

// Worker tests a worker plugin's executable, whatever language it is written in:
// the file, its handshake, configuration, life and death, and its workers. Each
// case is a subtest that says which rule does not hold and what to do. `gdask
// plugin test` runs the same cases.
func Worker(t *testing.T, p Program) {
	t.Helper()
	suite.Worker(t, p)
}

// Build builds the Go package in a directory as the worker plugin of that name
// and returns the path of the executable, which is gone after the test.
func Build(t *testing.T, dir, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), handshake.BinaryName(handshake.KindWorker, name))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", out, ".")
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build in %s: %v\n%s", dir, err, text)
	}
	return out
}
