// Package graph is the host side of graph reader plugins: a reader for the
// scheduler that starts its process on first use and again after it died.
package graph

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/gdask/gdask/plugins/launch"
	sdkgraph "github.com/gdask/gdask/sdk/graph"
	graphv1 "github.com/gdask/gdask/sdk/proto/gdask/graph/v1"
	"github.com/gdask/gdask/sdk/wire"
)

// MaxMessage is the largest graph, and the largest answer, in bytes.
const MaxMessage = 256 << 20

// Settings of a Reader. Only Command is required.
type Settings struct {
	// Command returns the program to start: the builtin reader's is
	// python.Program.Command. Required. Files that it needs go below dir.
	Command func(ctx context.Context, dir string) (path string, args, env []string, err error)
	// RunDirs are directories for the private directory of this reader, best first;
	// none: launch.Bases of the user's runtime directory.
	RunDirs []string
	// CallTimeout bounds the reading of one graph; default 5 min.
	CallTimeout time.Duration
	// StartTimeout bounds the start of the process; default 30 s.
	StartTimeout time.Duration
	// HealthInterval is how often a process that is reading is asked whether it
	// lives, and how long it may take to answer; default 10 s.
	HealthInterval time.Duration
	// Logger receives what the process logs; nil: nothing is logged.
	Logger hclog.Logger
}

func (s Settings) withDefaults() Settings {
	if s.CallTimeout == 0 {
		s.CallTimeout = 5 * time.Minute
	}
	if s.StartTimeout == 0 {
		s.StartTimeout = 30 * time.Second
	}
	if s.HealthInterval == 0 {
		s.HealthInterval = 10 * time.Second
	}
	if s.Logger == nil {
		s.Logger = hclog.NewNullLogger()
	}
	if len(s.RunDirs) == 0 {
		s.RunDirs = launch.Bases(os.Getenv("XDG_RUNTIME_DIR"))
	}
	return s
}

// Reader is a graph reader whose process runs from the first Read to Close.
type Reader struct {
	set Settings

	mu       sync.Mutex
	current  *process
	starting chan struct{} // closed when the start under way has ended; nil: none
	closed   bool
	uploads  [][]byte // in order
}

// New returns a reader. No process is started yet.
func New(s Settings) *Reader { return &Reader{set: s.withDefaults()} }

var _ sdkgraph.Reader = (*Reader)(nil)

// errClosed: Read after Close.
var errClosed = errors.New("graph reader: closed")

// Read implements the scheduler's GraphReader. A graph that its reader refuses
// is an *sdk/graph.Error; a missing interpreter or package is the error of
// Command. When the process dies under the call, the
// call is tried once more with a new one: the graph of another client may have
// killed it.
func (r *Reader) Read(ctx context.Context, g *wire.UpdateGraph) ([]wire.TaskDef, error) {
	req, err := request(g)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		p, err := r.process(ctx)
		if err != nil {
			return nil, err
		}
		answer, err := r.call(ctx, p, req)
		switch {
		case err == nil && answer.Error != nil:
			e := answer.Error
			return nil, &sdkgraph.Error{Text: e.Text, Exception: e.Exception, Traceback: e.Traceback, TracebackText: e.TracebackText}
		case err == nil:
			return tasks(answer)
		case attempt == 2 || !p.ended():
			return nil, explain(err, r.set)
		}
		r.set.Logger.Warn("graph reader died while reading, trying once more", "error", err, "exit", p.Exit().String())
	}
}

// call reads one graph; a process that freezes meanwhile is killed.
func (r *Reader) call(ctx context.Context, p *process, req *graphv1.ReadRequest) (*graphv1.ReadResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, r.set.CallTimeout)
	var guard sync.WaitGroup
	guard.Go(func() { p.guard(ctx, r.set.HealthInterval) })
	defer guard.Wait()
	defer cancel()
	answer, err := graphv1.NewGraphClient(p.Conn()).Read(ctx, req,
		grpc.MaxCallRecvMsgSize(MaxMessage), grpc.MaxCallSendMsgSize(MaxMessage))
	if err != nil && status.Code(err) == codes.Unavailable {
		p.settle(ctx) // the connection may break before the exit is known
	}
	return answer, err
}

func explain(err error, s Settings) error {
	switch status.Code(err) {
	case codes.ResourceExhausted:
		return fmt.Errorf("graph reader: the graph is larger than %d MiB: scatter large data first and pass futures: %w", MaxMessage>>20, err)
	case codes.DeadlineExceeded:
		return fmt.Errorf("graph reader: the graph was not read within %v: submit it in parts, or raise the call timeout: %w", s.CallTimeout, err)
	}
	return fmt.Errorf("graph reader: %w", err)
}

// process returns the running process, or starts one; callers wait for one start.
func (r *Reader) process(ctx context.Context) (*process, error) {
	for {
		r.mu.Lock()
		switch {
		case r.closed:
			r.mu.Unlock()
			return nil, errClosed
		case r.current != nil && !r.current.ended():
			defer r.mu.Unlock()
			return r.current, nil
		case r.starting == nil:
			r.starting = make(chan struct{})
			r.mu.Unlock()
			return r.start(ctx)
		}
		wait := r.starting
		r.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, fmt.Errorf("graph reader: %w", context.Cause(ctx))
		}
	}
}

// start replaces the process; the others wait for r.starting.
func (r *Reader) start(ctx context.Context) (*process, error) {
	ctx, cancel := context.WithTimeout(ctx, r.set.StartTimeout)
	defer cancel()
	r.mu.Lock()
	dead := r.current
	r.mu.Unlock()
	if dead != nil {
		dead.cleanUp()
	}
	p, err := startProcess(ctx, r.set)
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.starting)
	r.starting = nil
	if err == nil {
		err = r.bring(p)
	}
	if r.current = p; err == nil && r.closed {
		r.current = nil
		p.cleanUp()
		return nil, errClosed
	}
	return p, err
}

// Close ends the process: asked first, killed when ctx ends. Reads under way
// fail. It is safe to call twice.
func (r *Reader) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	p, starting := r.current, r.starting
	r.current = nil
	r.mu.Unlock()
	if starting != nil { // whoever starts it sees closed, and ends it
		select {
		case <-starting:
		case <-ctx.Done():
			return fmt.Errorf("graph reader: close during its start: %w", context.Cause(ctx))
		}
	}
	if p != nil {
		p.stop(ctx)
	}
	return nil
}
