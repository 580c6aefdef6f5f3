package gdask

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain enters Main, so that this test binary can also be a worker process.
func TestMain(m *testing.M) {
	Main(func() {
		code := m.Run()
		if code == 0 {
			if err := goleak.Find(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}
		os.Exit(code)
	})
}
