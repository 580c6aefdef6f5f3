// Package nanny is the supervisor of a worker process as others see it over the
// wire: an RPC server with the operations of Dask's Nanny, whose address the worker gives
// to the scheduler. It supervises nothing itself; what it is asked for it has
// its [Control] do.
package nanny

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// Control is what keeps the worker process.
type Control interface {
	// Kill ends the process within ctx's time; the next one follows by itself.
	Kill(ctx context.Context, reason string) error
	// Restart is Kill that waits for the next one.
	Restart(ctx context.Context, reason string) error
	// AwaitReady waits for a worker that does its work.
	AwaitReady(ctx context.Context) error
	// Gracefully says that the next end is wanted: no other process follows.
	Gracefully()
	// Stop ends the process for good.
	Stop(ctx context.Context, reason string) error
	// Worker and Pid are those of the present process.
	Worker() string
	Pid() int
}

// Settings of a nanny. Scheduler, Transports and Logger are required.
type Settings struct {
	Scheduler  string // contact address
	Name       string // of the worker
	Address    string // to listen on; "" beside the scheduler
	Transports *comm.Set
	Registry   *task.Registry // functions and plugins of this program; nil none
	Blocked    []string       // operations that are not answered
	Preload    hook.Preload   // runs at start and end
	Logger     hclog.Logger
}

// Nanny answers requests until it is closed.
type Nanny struct {
	set     Settings
	ln      comm.Listener
	log     *ring
	plugins *hook.Set[hook.Nanny]

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup
	closed sync.Once
	err    error // of Close

	mu      sync.Mutex
	control Control // nil until the first process runs
	environ map[string]string
	conns   map[*wire.Conn]struct{}
}

var _ hook.Nanny = (*Nanny)(nil)

// Start binds the address; ctx bounds that. Close ends what it started.
func Start(ctx context.Context, s Settings) (*Nanny, error) {
	n := &Nanny{set: s, environ: map[string]string{}, conns: map[*wire.Conn]struct{}{}}
	if n.set.Registry == nil {
		n.set.Registry = task.NewRegistry()
	}
	n.log = newRing(s.Logger)
	n.plugins = hook.NewSet[hook.Nanny](n, n.set.Registry)
	address := s.Address
	var err error
	if address == "" {
		if address, err = s.Transports.Beside(s.Scheduler); err != nil {
			return nil, fmt.Errorf("nanny: %w", err)
		}
	}
	if n.ln, err = s.Transports.Listen(ctx, address); err != nil {
		return nil, fmt.Errorf("nanny: listen on %s: %w", address, err)
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.wg.Go(n.accept)
	s.Preload.Setup(ctx, "nanny", n, n.set.Registry)
	return n, nil
}

// Supervise tells the nanny what keeps the process.
func (n *Nanny) Supervise(c Control) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.control = c
}

// controlled is the control, once there is a process to control.
func (n *Nanny) controlled() (Control, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.control == nil {
		return nil, fmt.Errorf("nanny of worker %s: its process is being started for the first time; ask again later", n.set.Name)
	}
	return n.control, nil
}

// Address is where the nanny is asked.
func (n *Nanny) Address() string { return n.ln.ContactAddress() }

// Name is the worker's name.
func (n *Nanny) Name() string { return n.set.Name }

// Scheduler is the scheduler's contact address.
func (n *Nanny) Scheduler() string { return n.set.Scheduler }

// Logger gets lines that get_logs shows.
func (n *Nanny) Logger() hclog.Logger { return n.log }

// Worker is the address of the present worker.
func (n *Nanny) Worker() string {
	if c, err := n.controlled(); err == nil {
		return c.Worker()
	}
	return ""
}

// Pid is the process of the present worker.
func (n *Nanny) Pid() int {
	if c, err := n.controlled(); err == nil {
		return c.Pid()
	}
	return 0
}

// Setenv sets a variable for the processes to come.
func (n *Nanny) Setenv(name, value string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.environ[name] = value
}

// Unsetenv undoes Setenv.
func (n *Nanny) Unsetenv(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.environ, name)
}

// Environ are the variables that were set.
func (n *Nanny) Environ() map[string]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.environ)
}

// teardownPatience bounds the teardown of plugins at the end.
const teardownPatience = 5 * time.Second

// Close tears the plugins down and ends all conversations. Safe twice.
func (n *Nanny) Close() error {
	n.closed.Do(func() { n.err = n.end() })
	return n.err
}

func (n *Nanny) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), teardownPatience)
	defer cancel()
	err := n.plugins.Close(ctx)
	n.set.Preload.Teardown("nanny", n, n.set.Registry)
	n.cancel()
	err = errors.Join(err, n.ln.Close())
	n.mu.Lock()
	for c := range n.conns {
		_ = c.Close()
	}
	n.conns = nil
	n.mu.Unlock()
	n.wg.Wait()
	return err
}
