package plugins

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/gdask/gdask/plugins/internal/fakeclass"
)

// TestMain is also the plugin: the tests start this binary again.
func TestMain(m *testing.M) {
	if fakeclass.Serve() {
		return
	}
	goleak.VerifyTestMain(m)
}
