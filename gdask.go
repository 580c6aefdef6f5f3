package gdask

import (
	"errors"
	"sync"

	"github.com/gdask/gdask/builtin/comm/inproc"
	"github.com/gdask/gdask/builtin/comm/tcp"
	"github.com/gdask/gdask/builtin/comm/unix"
	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/task"
)

// runtimeGo names the runtime of Go functions in task definitions.
const runtimeGo = "go"

// What this process has once, for all its clusters and clients: the functions
// of the program, mistakes made while they were registered, and the transports,
// of which the in-process one must be shared by the parts that are to meet.
var (
	functions  = task.NewRegistry()
	mistakes   collected
	transports = sync.OnceValues(func() (*comm.Set, error) { return comm.NewSet(tcp.New(), unix.New(), inproc.New()) })
)

// Functions are the functions of this program that were registered with [Func].
func Functions() *task.Registry { return functions }

// collected gathers errors from package initialisation.
type collected struct {
	mu   sync.Mutex
	errs []error
}

func (c *collected) add(err error) {
	c.mu.Lock()
	c.errs = append(c.errs, err)
	c.mu.Unlock()
}

func (c *collected) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return errors.Join(c.errs...)
}
