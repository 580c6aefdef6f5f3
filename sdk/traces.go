package sdk

import (
	"os"
	"path/filepath"
	"time"

	"github.com/gdask/gdask/sdk/handshake"
)

// traces are what a killed host leaves of itself: the private directory of this
// process and, when it is the last one there, the host's run directory with its
// lock file. Another host would sweep them, but there may never be one.
type traces struct {
	dir  string
	host int // process id of the host
}

func newTraces() traces {
	return traces{dir: os.Getenv(handshake.RunDirEnv), host: os.Getppid()}
}

// remove clears the traces unless the host lives: then they are its own.
func (t traces) remove() {
	if !filepath.IsAbs(t.dir) || !t.orphaned() {
		return
	}
	if os.RemoveAll(t.dir) != nil {
		return
	}
	run := filepath.Dir(t.dir)
	if os.Remove(run) == nil { // fails while other plugins are still ending
		_ = os.Remove(run + handshake.LockSuffix)
	}
}

// orphaned reports whether the host is dead. The kernel closes a dying process's
// files, which is how we know, a moment before it gives its children away.
func (t traces) orphaned() bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for range 40 {
		if os.Getppid() != t.host {
			return true
		}
		<-tick.C
	}
	return false
}
