package workerrt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	ref "github.com/gdask/gdask/sdk/actor"
	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/internal/workerrt/state"
	"github.com/gdask/gdask/sdk/wire"
)

var (
	errGoexit   = errors.New("worker: the task's function ended its goroutine with runtime.Goexit; return an error instead")
	errStopping = errors.New(ref.Stopping)

	errSlowRegistration = fmt.Errorf("no answer to the registration within %v", registerPatience)
)

// Worker is a running worker.
type Worker struct {
	set     Settings
	id      string
	address string
	ln      comm.Listener
	pool    *wire.Pool
	dir     *localDir
	web     *webServer
	logs    *logRing
	spiller *spiller
	target  int64  // bytes that values may take in memory; 0 any
	guest   *guest // what users' code sees of this worker
	plugins *hook.Set[hook.Worker]
	extras  *extras

	watchers watchers

	ctx    context.Context // ends when the worker leaves
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
	ended  chan struct{}
	err    error // why it ended; valid after ended

	inbox inbox
	exec  *executor

	// Owned by the owner of the inbox:
	m       *state.Machine
	jobs    []*Job
	pace    pace
	gathers map[string]context.CancelFunc

	actors actors
	caller *ref.Caller

	stream  atomic.Pointer[wire.Stream]
	session atomic.Pointer[wire.Conn]
	serving atomic.Int32 // answers with values on their way out
	sending atomic.Int64 // bytes of those values
	process atomic.Int64 // bytes of memory at the last look
	garbage chan struct{}
	ticks   ticks
	hostIO  hostIO
	latency latency
	stats   atomic.Pointer[state.Stats]
	totals  totals
	speed   speed

	mu        sync.Mutex
	status    string
	changed   chan struct{} // closed and replaced when the status changes
	conns     map[*wire.Conn]struct{}
	name      string
	stop      sync.Once
	beat      chan time.Duration // new heartbeat interval
	orders    []string           // statuses that the scheduler orders, in turn
	comesBack bool               // the scheduler had it retire, and takes that back
	retiring  chan struct{}      // nil until the worker retires, closed when it has
	retired   error              // valid then
	assigned  wire.Opaque        // plugins that the scheduler named at the registration
}

// totals are counters for the metrics.
type totals struct {
	tasks, failed, transfersIn, transfersOut, bytesOut atomic.Int64
}

// Start joins the scheduler and returns when the worker is running; ctx bounds
// only that.
func Start(ctx context.Context, s Settings) (*Worker, error) {
	s, err := s.withDefaults()
	if err != nil {
		return nil, err
	}
	if s.DeathTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, s.DeathTimeout,
			fmt.Errorf("worker: not joined within the death timeout of %v", s.DeathTimeout))
		defer cancel()
	}
	w := newWorker(s)
	if err := w.open(ctx); err != nil {
		w.abandon(err)
		return nil, err
	}
	w.set.Preload.Setup(ctx, "worker", w.guest, w.set.Registry)
	w.extras.start(w.ctx) //nolint:contextcheck // the worker's life bounds its functions
	if err := w.join(ctx); err != nil {
		w.abandon(err)
		return nil, err
	}
	w.set.Process.join(w)
	w.wg.Go(w.heartbeats)
	w.wg.Go(w.watch)
	w.wg.Go(w.tellTransitions)
	w.installPlugins() //nolint:contextcheck // as above
	w.setStatus("running")
	return w, nil
}

func newWorker(s Settings) *Worker {
	w := &Worker{
		set: s, id: newID("Worker"), ended: make(chan struct{}), logs: newLogRing(s.Logger, s.Tuning.LogLength),
		exec: newExecutor(s.NThreads), gathers: make(map[string]context.CancelFunc),
		status: "init", changed: make(chan struct{}), conns: make(map[*wire.Conn]struct{}),
		beat: make(chan time.Duration, 1), garbage: make(chan struct{}, 1),
	}
	w.ctx, w.cancel = context.WithCancelCause(context.Background())
	w.inbox.begin, w.inbox.handle, w.inbox.settle = w.begins, w.handle, w.settle
	w.logs.publish = w.publish
	w.guest = &guest{w: w, log: guestLogger{s.Logger, w.logs}}
	w.plugins = hook.NewSet[hook.Worker](w.guest, s.Registry)
	w.watchers.queue = make(chan []state.Transition, transitionsWaiting)
	w.extras = newExtras(s.Registry, w.guest)
	w.stats.Store(&state.Stats{})
	w.pool = wire.NewPool(w.dial, s.Wire, 0)
	w.caller = &ref.Caller{Pool: w.pool, Scheduler: s.Scheduler}
	return w
}

// dial connects to a peer or the scheduler. The patience that many bytes deserve
// is not for a peer that does not even take the call.
func (w *Worker) dial(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, w.set.Tuning.ConnectTimeout)
	defer cancel()
	return w.set.Transports.Dial(ctx, address)
}

// open makes what the worker needs before it can join.
func (w *Worker) open(ctx context.Context) (err error) {
	start := time.Now()
	if w.dir, err = openLocalDir(w.set.LocalDirectory); err != nil {
		return err
	}
	if took := time.Since(start); took > slowDirectory {
		w.logs.Warn("making the local directory took long; values that go to disk will take long as well: use a local disk", "path", w.dir.path, "took", took)
	}
	if err := w.listen(ctx); err != nil {
		return err
	}
	if w.web, err = w.serveWeb(ctx); err != nil {
		return err
	}
	limits := w.memoryLimits()
	w.target = limits.Target
	w.m = state.New(state.Config{
		Address: w.address, NThreads: w.set.NThreads, Resources: w.set.Resources,
		TransferLimit: int64(w.set.Memory.Transfer * float64(w.set.MemoryLimit)), Memory: limits, Seed: uint64(time.Now().UnixNano()),
		MaxPeers: w.set.Tuning.Outgoing, BatchBytes: w.set.Tuning.MessageBytes, LogLength: w.set.Tuning.StoryLength,
	})
	if w.set.OwnProcess && w.set.MemoryLimit > 0 {
		limitHeap(w.set.Memory.heap(w.set.MemoryLimit, false))
	}
	w.spiller = newSpiller(w)
	w.wg.Go(w.spiller.run)
	w.wg.Go(w.accept) // last: a peer may know the address from an earlier worker
	return nil
}

// listen binds the address that peers and clients use.
func (w *Worker) listen(ctx context.Context) error {
	address, err := w.listenAddress()
	if err != nil {
		return err
	}
	if w.ln, err = w.set.Transports.Listen(ctx, address); err != nil {
		return fmt.Errorf("worker: listen on %s: %w", address, err)
	}
	w.address = w.set.ContactAddress
	if w.address == "" {
		w.address = w.ln.ContactAddress()
	}
	w.name = w.set.Name
	if w.name == "" {
		w.name = w.address
	}
	return nil
}

func (w *Worker) listenAddress() (string, error) {
	if w.set.ListenAddress != "" {
		return w.set.ListenAddress, nil
	}
	address, err := w.set.Transports.Beside(w.set.Scheduler)
	if err != nil {
		return "", fmt.Errorf("worker: scheduler address: %w", err)
	}
	return address, nil
}

// Name is the worker's name.
func (w *Worker) Name() string { return w.name }

// Address is the worker's contact address.
func (w *Worker) Address() string { return w.address }

// Scheduler is the scheduler's contact address.
func (w *Worker) Scheduler() string { return w.set.Scheduler }

// Transports are what the worker dials with.
func (w *Worker) Transports() *comm.Set { return w.set.Transports }

// Go runs f in a goroutine that the worker waits for at its end.
func (w *Worker) Go(f func()) bool { return w.exec.beside(f) }

// Actors makes calls of actors as this worker.
func (w *Worker) Actors() *ref.Caller { return w.caller }

// LocalDirectory is the worker's own directory; it is removed at the end.
func (w *Worker) LocalDirectory() string { return w.dir.path }

// Done is closed when the worker has ended.
func (w *Worker) Done() <-chan struct{} { return w.ended }

// Err says why the worker ended; nil when it was asked to, or still runs.
func (w *Worker) Err() error {
	select {
	case <-w.ended:
		return w.err
	default:
		return nil
	}
}

// Status is Dask's name of what the worker does: init, running, paused,
// closing_gracefully, closing, closed.
func (w *Worker) Status() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

// Changed returns the status and a channel that is closed when it changes.
func (w *Worker) Changed() (string, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status, w.changed
}

// rank orders the statuses of a worker that leaves: it does not come back.
func rank(status string) int {
	return slices.Index([]string{"closing_gracefully", "closing", "closed"}, status)
}

// setStatus changes the status and tells the scheduler.
func (w *Worker) setStatus(status string) {
	w.mu.Lock()
	if w.status == status || rank(status) < rank(w.status) && !(w.comesBack && w.status == "closing_gracefully") {
		w.mu.Unlock()
		return
	}
	was := w.status
	w.status, w.comesBack = status, false
	close(w.changed)
	w.changed = make(chan struct{})
	w.mu.Unlock()
	w.logs.Info("status", "was", was, "is", status)
	switch status {
	case "running", "closing_gracefully": // one that retires does what it was given
		w.inbox.post(state.Unpause{})
	default:
		w.inbox.post(state.Pause{})
	}
	if st := w.stream.Load(); st != nil && status != "closed" {
		st.Send(&wire.WorkerStatusChange{Status: status})
	}
}
