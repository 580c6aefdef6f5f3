package scheduler

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/wire"
)

var errClosed = errors.New("scheduler: closed")

// Scheduler is a running (or not yet started) scheduler. Its methods may be
// called from any goroutine.
type Scheduler struct {
	set     Settings
	id      string
	log     *logs
	loop    *loop
	pool    *wire.Pool
	rpc     map[string]handler
	meta    *metadata
	data    *published
	http    *httpServer
	pages   func() (*template.Template, error) // parsed when first asked for
	started time.Time
	dealt   atomic.Uint32 // values scattered so far
	spoken  atomic.Uint64 // connections so far
	dumping chan struct{} // holds a token while the state is dumped
	ending  atomic.Bool   // see Ending

	ctx    context.Context // ends when the scheduler closes
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup // all goroutines but the loop
	loopWG sync.WaitGroup

	workerPlugins, nannyPlugins plugins
	hooks                       hooks

	mu        sync.Mutex
	state     int
	listeners []comm.Listener
	conns     map[net.Conn]struct{}
	closeOnce sync.Once
	closeErr  error
	done      chan struct{}
}

// Phases of a Scheduler's life.
const (
	fresh = iota
	running
	closing
)

// New checks the settings and makes a scheduler that does not listen yet.
func New(set Settings) (*Scheduler, error) {
	set, err := set.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Scheduler{
		set: set, id: "Scheduler-" + randomID(), log: newLogs(set.Logger, set.LogLength),
		meta: newMetadata(), data: newPublished(),
		conns: map[net.Conn]struct{}{}, done: make(chan struct{}), dumping: make(chan struct{}, 1), started: time.Now(),
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	machine := set.State
	machine.WorkerTTL = 0 // the shell hears every message of a worker, not only heartbeats
	s.loop = newLoop(s, machine)
	s.pool = wire.NewPool(s.reach, set.Wire, 0)
	s.rpc = handlers()
	s.pages = sync.OnceValues(parsePages)
	return s, nil
}

// Start binds the addresses, starts the HTTP server and returns when clients
// and workers may connect. ctx bounds the start only. After an error the
// scheduler is closed.
func (s *Scheduler) Start(ctx context.Context) error {
	s.mu.Lock()
	if s.state != fresh {
		s.mu.Unlock()
		return errors.New("scheduler: started already: make a new one with New")
	}
	s.state = running
	s.mu.Unlock()
	s.loopWG.Go(s.loop.run)
	s.loop.post(s.loop.begin)
	s.wg.Go(s.tick)
	if err := s.listen(ctx); err != nil {
		return errors.Join(err, s.Close(ctx))
	}
	if err := s.startHTTP(); err != nil {
		return errors.Join(err, s.Close(ctx))
	}
	s.set.Preload.Setup(ctx, "scheduler", newGuest(s), s.set.Functions)
	s.log.info("scheduler started", "address", s.Address(), "dashboard", s.DashboardLink())
	return nil
}

// reach connects to a worker or nanny for a request of the scheduler's own.
func (s *Scheduler) reach(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.set.ConnectTimeout)
	defer cancel()
	return s.set.Transports.Dial(ctx, address)
}

// Address is the contact address of the first listener, such as
// "tcp://127.0.0.1:8786"; empty before Start.
func (s *Scheduler) Address() string {
	if a := s.Addresses(); len(a) > 0 {
		return a[0]
	}
	return ""
}

// Addresses are the contact addresses of all listeners, in the order of
// Settings.Listen.
func (s *Scheduler) Addresses() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var as []string
	for _, l := range s.listeners {
		as = append(as, l.ContactAddress())
	}
	return as
}

// Done is closed when the scheduler has closed, also at a client's request.
func (s *Scheduler) Done() <-chan struct{} { return s.done }

// ID is the scheduler's identity, new for every New.
func (s *Scheduler) ID() string { return s.id }

func (s *Scheduler) listen(ctx context.Context) error {
	for _, a := range s.set.Listen {
		l, err := s.set.Transports.Listen(ctx, a)
		if err != nil {
			return fmt.Errorf("scheduler: listen on %q: %w", a, err)
		}
		s.mu.Lock()
		s.listeners = append(s.listeners, l)
		s.mu.Unlock()
		s.wg.Go(func() { s.accept(l) })
	}
	return nil
}

func randomID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
