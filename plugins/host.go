package plugins

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gdask/gdask/plugins/catalog"
	"github.com/gdask/gdask/plugins/launch"
	"github.com/gdask/gdask/sdk/handshake"
	"github.com/gdask/gdask/sdk/worker"
)

// Host starts and supervises workers. It is safe for concurrent use.
type Host struct {
	set     Settings
	cat     catalog.Catalog
	environ []string
	health  time.Duration // between probes and for each; 0 the supervisor's defaults

	closing context.Context // ends when Close is called
	cancel  context.CancelFunc

	mu      sync.Mutex
	dir     *launch.RunDir // made on first use
	started []worker.Handle
	parents map[string]bool // of the local directories of worker processes
	closed  bool
	starts  sync.WaitGroup
	nannies sync.WaitGroup // each ends with its worker
}

// ErrClosed is what a closed host says.
var ErrClosed = errors.New("plugins: host is closed")

// NewHost checks the settings; nothing is started yet.
func NewHost(s Settings) (*Host, error) {
	if s.Logger == nil {
		return nil, errors.New("plugins: Settings.Logger is required")
	}
	h := &Host{set: s, environ: s.Environ}
	h.closing, h.cancel = context.WithCancel(context.Background())
	if h.set.Nanny.PreSpawn == nil {
		h.set.Nanny.PreSpawn = DefaultPreSpawn()
	}
	if h.environ == nil {
		h.environ = os.Environ()
	}
	h.cat = catalog.Catalog{
		Kind: handshake.KindWorker, Aliases: aliases(), Commands: map[string]string{}, Override: map[string]bool{},
		Dirs: catalog.DefaultDirs(s.Dirs, h.getenv("GDASK_PLUGIN_PATH"), h.getenv("XDG_DATA_HOME"), h.getenv("HOME")),
	}
	for _, b := range s.Builtins {
		h.cat.Builtins = append(h.cat.Builtins, b.Name())
	}
	if h.builtin(Threadpool) != nil {
		h.cat.Builtins = append(h.cat.Builtins, Subprocess)
	}
	slices.Sort(h.cat.Builtins)
	for name, c := range s.Workers {
		h.cat.Override[name] = c.Override
		if c.Command != "" {
			h.cat.Commands[name] = c.Command
		}
	}
	return h, nil
}

func (h *Host) getenv(name string) string {
	for _, kv := range slices.Backward(h.environ) {
		if k, v, ok := strings.Cut(kv, "="); ok && k == name {
			return v
		}
	}
	return ""
}

func (h *Host) builtin(name string) *worker.Class {
	for _, b := range h.set.Builtins {
		if b.Name() == name {
			return b
		}
	}
	return nil
}

// List returns the known worker classes, also those that cannot be used.
func (h *Host) List() []catalog.Entry { return h.cat.List() }

// Resolve finds a worker class by name.
func (h *Host) Resolve(class string) (catalog.Entry, error) { return h.cat.Resolve(class) }

// StartWorker starts one worker of the class and returns when it has joined the
// scheduler; ctx bounds only that. inProcess asks for this process: builtin
// classes only. A worker process that ends unexpectedly is started again.
func (h *Host) StartWorker(ctx context.Context, class string, inProcess bool, o worker.StartOptions) (worker.Handle, error) {
	e, err := h.cat.Resolve(class)
	if err != nil {
		return nil, err
	}
	if inProcess && (!e.Builtin || e.Name == Subprocess) {
		return nil, fmt.Errorf("worker class %q runs in processes of its own; leave processes on, or use %s", e.Name, Threadpool)
	}
	if err := h.begin(); err != nil {
		return nil, err
	}
	defer h.starts.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.closing, cancel)() //nolint:contextcheck // it ends with the host too
	var w worker.Handle
	if inProcess {
		w, err = h.startHere(ctx, e.Name, o)
	} else {
		w, err = h.startProcess(ctx, e, o)
	}
	if err != nil {
		if h.closing.Err() != nil {
			err = fmt.Errorf("%w: %w", ErrClosed, err)
		}
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.started = append(slices.DeleteFunc(h.started, ended), w)
	h.live(w) //nolint:contextcheck // it ends with the worker
	if !inProcess {
		if h.parents == nil {
			h.parents = map[string]bool{}
		}
		h.parents[o.LocalDirectory] = true
	}
	return w, nil
}

func ended(w worker.Handle) bool {
	select {
	case <-w.Done():
		return true
	default:
		return false
	}
}

// begin counts a start, so that Close waits for it.
func (h *Host) begin() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosed
	}
	h.starts.Add(1)
	return nil
}

func (h *Host) startHere(ctx context.Context, class string, o worker.StartOptions) (worker.Handle, error) {
	c := h.builtin(class)
	c.LogTo(h.set.Logger.Named(class))
	w, err := c.Start(ctx, o)
	if err != nil {
		return nil, err
	}
	return w, nil
}

// runDir is the private directory of this host's plugin sockets.
func (h *Host) runDir() (*launch.RunDir, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dir != nil {
		return h.dir, nil
	}
	dir, err := launch.NewRunDir(launch.Bases(h.getenv("XDG_RUNTIME_DIR"))...)
	if err != nil {
		return nil, err
	}
	h.dir = dir
	return dir, nil
}

// Close gives up starts that go on, stops all workers at once within ctx's time,
// last started first in the errors, and removes the host's directory. Safe twice.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cancel()
	h.starts.Wait()
	h.mu.Lock()
	workers, dir, parents := h.started, h.dir, slices.Collect(maps.Keys(h.parents))
	h.started, h.dir, h.parents = nil, nil, nil
	h.mu.Unlock()
	errs := make([]error, len(workers))
	var wg sync.WaitGroup
	for i, w := range workers {
		if !ended(w) {
			wg.Go(func() { errs[len(workers)-1-i] = w.Stop(ctx, "the cluster closes") })
		}
	}
	wg.Wait()
	errs = append(errs, h.awaitNannies(ctx))
	for _, parent := range parents {
		worker.Purge(parent) // of killed ones
	}
	err := errors.Join(errs...)
	if dir != nil {
		err = errors.Join(err, dir.Close())
	}
	return err
}
