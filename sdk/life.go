package sdk

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"

	"github.com/gdask/gdask/sdk/handshake"
	"github.com/gdask/gdask/sdk/handshake/peercred"
	"github.com/gdask/gdask/sdk/internal/lifeline"
	"github.com/gdask/gdask/sdk/internal/service"
	pluginv1 "github.com/gdask/gdask/sdk/proto/gdask/plugin/v1"
)

// Times within which a plugin ends by itself.
const (
	orphanGrace = 1500 * time.Millisecond // drain after the host is gone
	orphanLimit = 1900 * time.Millisecond // then end the whole process group
	termGrace   = 10 * time.Second        // drain after SIGTERM
	answerGrace = 200 * time.Millisecond  // after Shutdown, for hosts that do not hang up
)

// life ties the end of the process to the four things that may end it: the
// host's Shutdown, the host's death, SIGTERM, and the gRPC server's end.
type life struct {
	s      *served
	logger hclog.Logger
	server *grpc.Server
	ready  chan struct{} // closed when server is set
	text   *os.File      // where what is printed goes; nil leaves the streams alone
	taken  sync.Once     // the streams were taken back

	mu       sync.Mutex
	stopping bool
	shutdown bool          // Shutdown has been answered: nothing is left to drain
	stopped  chan struct{} // closed when everything that ran has ended
	err      error
}

func newLife(s *served, logger hclog.Logger) *life {
	return &life{s: s, logger: logger, ready: make(chan struct{}), stopped: make(chan struct{})}
}

// newServer makes the gRPC server: small messages, a patient keepalive policy,
// panics as errors, and the peer's user checked when there is no TLS.
func (l *life) newServer(opts []grpc.ServerOption) *grpc.Server {
	if os.Getenv("PLUGIN_CLIENT_CERT") == "" {
		opts = append(opts, grpc.Creds(peercred.Credentials{}))
	}
	l.server = grpc.NewServer(append(opts,
		grpc.MaxRecvMsgSize(handshake.MaxMessage),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.ChainUnaryInterceptor(l.streamsUnary, service.RecoverUnary),
		grpc.StreamInterceptor(service.RecoverStream))...)
	close(l.ready)
	return l.server
}

// streamsUnary takes standard output and error back from go-plugin before any of
// the author's code runs: go-plugin replaces them, after its line and before it
// serves, with a stream that would be lost with the process. On standard error
// the host logs what is printed and keeps the last lines for its exit report.
func (l *life) streamsUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	l.taken.Do(func() {
		if l.text != nil {
			os.Stdout, os.Stderr = l.text, l.text
		}
	})
	return next(ctx, req)
}

// register puts the base service and the kind's service on the server.
func (l *life) register(s *grpc.Server) {
	pluginv1.RegisterPluginServer(s, &service.Base{
		Description: l.s.desc.proto(),
		Class:       l.s.class,
		SetLevel:    func(level string) { l.logger.SetLevel(hclog.LevelFromString(level)) },
		StopAll:     l.stopAll,
		Quit:        l.quit,
	})
	l.s.register(s)
}

// stopAll ends what runs, once; later callers wait for the first.
func (l *life) stopAll(ctx context.Context, reason string) error {
	l.mu.Lock()
	first := !l.stopping
	l.stopping = true
	l.mu.Unlock()
	if first {
		l.err = l.s.stopAll(ctx, reason)
		close(l.stopped)
	}
	select {
	case <-l.stopped:
		return l.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// quit ends the server once the answer to Shutdown had time to leave. A gdask
// host hangs up the lifeline as soon as it has the answer.
func (l *life) quit() {
	l.mu.Lock()
	l.shutdown = true
	l.mu.Unlock()
	time.AfterFunc(answerGrace, l.server.Stop)
}

// tie watches the lifeline. Its goroutine ends with the process.
func (l *life) tie(line *os.File) {
	left := newTraces()
	go func() {
		if !lifeline.Wait(line) {
			return
		}
		<-l.ready
		l.mu.Lock()
		answered := l.shutdown
		l.mu.Unlock()
		if !answered {
			l.logger.Warn("the host is gone; ending")
			time.AfterFunc(orphanLimit, killGroup)
			l.drain(orphanGrace, "host is gone")
			left.remove()
			killChildren() // and this process with them
		}
		l.server.Stop()
	}()
}

// outlivePipes lets a write to the pipes of a host that is gone fail instead of
// ending the process by SIGPIPE: what is left to do then must still be done.
// Notify, unlike Ignore, changes nothing for programs that this one starts.
func outlivePipes() (stop func()) {
	ch := make(chan os.Signal, 1) // nobody reads it
	signal.Notify(ch, syscall.SIGPIPE)
	return func() { signal.Stop(ch) }
}

// onTerm drains on the first SIGTERM and ends at once on the second.
func (l *life) onTerm() (stop func()) {
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, syscall.SIGTERM)
	go func() {
		<-ch
		<-l.ready
		go func() {
			<-ch
			l.server.Stop()
		}()
		l.drain(termGrace, "SIGTERM")
		l.server.Stop()
	}()
	return func() { signal.Stop(ch) }
}

// drain ends what runs within the time.
func (l *life) drain(grace time.Duration, reason string) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := l.stopAll(ctx, reason); err != nil {
		l.logger.Warn("not everything ended in time", "error", err)
	}
}

// end is called when the server has stopped, in whatever way: what still runs
// ends now.
func (l *life) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), orphanGrace)
	defer cancel()
	err := l.stopAll(ctx, "plugin is closing")
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("plugin did not end its work in time")
	}
	return nil
}
