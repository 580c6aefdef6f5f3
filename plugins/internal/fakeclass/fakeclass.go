// Package fakeclass is a worker class for tests of the host side: a test binary
// that calls Serve first in its TestMain is a plugin when a host starts it again.
// The workers join no scheduler; what one does is said by its name.
package fakeclass

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/sdk"
	"github.com/gdask/gdask/sdk/handshake"
	"github.com/gdask/gdask/sdk/worker"
)

// Names of workers, and with them what they do.
const (
	Plain  = "plain"  // runs until it is stopped
	Refuse = "refuse" // does not start
	Exit   = "exit"   // ends its process with code 7 while it starts
	Hang   = "hang"   // starts for ever
	Ends   = "ends"   // ends at once as if it had been asked to
	Fails  = "fails"  // ends at once with an error
	Deaf   = "deaf"   // ignores Stop and SIGTERM
)

// Errors that workers say.
var (
	ErrRefused = errors.New("no such model") // what Refuse says
	ErrFailed  = errors.New("model is gone") // what Fails says
)

// Serve is the plugin's main function; in a process that is no plugin it does
// nothing and reports false.
func Serve() bool {
	if os.Getenv(handshake.CookieEnv) != handshake.KindWorker {
		return false
	}
	name := "mycustom"
	if _, builtin, ok := sdk.ChildRequested(); ok {
		name = builtin
	}
	sdk.Serve(&class{name: name})
	return true
}

// class is the worker class; its configuration is one of Config.
type class struct {
	name string
	log  hclog.Logger
}

// Config is the configuration of the class.
type Config struct {
	Model string `json:"model"`
	Size  int    `json:"size"`
}

var _ sdk.WorkerClass = (*class)(nil)

func (c *class) Kind() string              { return handshake.KindWorker }
func (c *class) Name() string              { return c.name }
func (c *class) Describe() sdk.Description { return sdk.Description{Version: "1.2.3"} }
func (c *class) Configure(b []byte) error  { return c.Validate(b) }
func (c *class) LogTo(l hclog.Logger)      { c.log = l }
func (c *class) Validate(b []byte) error   { return sdk.DecodeConfig(b, new(Config)) }

// StartWorker does what the name of the worker says.
func (c *class) StartWorker(ctx context.Context, o worker.StartOptions) (sdk.RunningWorker, error) {
	_, _ = fmt.Fprintf(os.Stderr, "worker %s of %s starts\n", o.Name, c.name)
	c.log.Debug("worker starts in detail", "name", o.Name)
	c.log.Warn("worker starts with a warning", "name", o.Name)
	w := &fakeWorker{name: o.Name, done: make(chan struct{})}
	switch o.Name {
	case Refuse:
		return nil, ErrRefused
	case Exit:
		os.Exit(7) //nolint:forbidigo // a plugin that dies
	case Hang:
		<-ctx.Done()
		return nil, ctx.Err()
	case Ends:
		close(w.done)
	case Fails:
		w.err = ErrFailed
		close(w.done)
	case Deaf:
		signal.Ignore(syscall.SIGTERM)
	}
	return w, nil
}

// fakeWorker runs until it is stopped.
type fakeWorker struct {
	name string
	err  error
	done chan struct{}
}

func (w *fakeWorker) Name() string                { return w.name }
func (w *fakeWorker) Address() string             { return fmt.Sprintf("tcp://127.0.0.1:%d", os.Getpid()) }
func (w *fakeWorker) Pid() int                    { return os.Getpid() }
func (w *fakeWorker) Done() <-chan struct{}       { return w.done }
func (w *fakeWorker) Err() error                  { return w.err }
func (w *fakeWorker) Drain(context.Context) error { return nil }

// Stop is called once: the plugin's table of workers knows which have ended.
func (w *fakeWorker) Stop(ctx context.Context, _ string) error {
	if w.name == Deaf {
		<-ctx.Done()
		return ctx.Err()
	}
	close(w.done)
	return nil
}
