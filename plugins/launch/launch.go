package launch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"

	"github.com/gdask/gdask/sdk/handshake"
	"github.com/gdask/gdask/sdk/handshake/peercred"
)

// DefaultStartTimeout is how long a plugin may take to introduce itself.
const DefaultStartTimeout = 10 * time.Second

// Spec is what to start and how.
type Spec struct {
	Kind         string        // kind of plugin, for the handshake
	Name         string        // name of the plugin, for messages
	Path         string        // executable; "" means the host's own
	Args         []string      // without the program's name
	Env          []string      // the whole environment, see Environment
	Checksum     string        // "sha256:..." of the file; "" not checked
	MTLS         bool          // encrypt and authenticate the control connection
	StartTimeout time.Duration // 0 means DefaultStartTimeout
	Dir          *RunDir       // where its socket goes
	Logger       hclog.Logger  // gets its log; required
}

// Process is a started plugin.
type Process struct {
	spec   Spec
	dir    string
	client *plugin.Client
	run    *processRunner
	conn   *grpc.ClientConn
}

// Start starts the process and returns when it has introduced itself and its
// control connection stands; the error is a *StartError and nothing is left
// behind then. ctx bounds the start only.
func Start(ctx context.Context, spec Spec) (*Process, error) {
	if spec.StartTimeout <= 0 {
		spec.StartTimeout = DefaultStartTimeout
	}
	dir, err := spec.Dir.process()
	if err != nil {
		return nil, &StartError{Plugin: spec.Name, Reason: ReasonSpawn, Err: err}
	}
	p := &Process{spec: spec, dir: dir, run: newRunner(spec)}
	p.run.env = append(p.run.env, handshake.RunDirEnv+"="+dir)
	p.client = plugin.NewClient(p.config())
	if err := p.connect(ctx); err != nil {
		err = p.startError(err)
		p.Close()
		return nil, err
	}
	return p, nil
}

// config is go-plugin's: it may do nothing but the handshake and gRPC.
func (p *Process) config() *plugin.ClientConfig {
	cfg := &plugin.ClientConfig{
		HandshakeConfig:  handshake.Config(p.spec.Kind),
		VersionedPlugins: map[int]plugin.PluginSet{handshake.Bootstrap: {}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			p.run.env = append(p.run.env, cmd.Env...)
			return p.run, nil
		},
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: p.dir},
		SkipHostEnv:      true,
		AutoMTLS:         p.spec.MTLS,
		StartTimeout:     p.spec.StartTimeout,
		MinPort:          0,
		MaxPort:          1, // 0-0 would mean go-plugin's default range; unix sockets use neither
		Logger:           hclog.NewNullLogger(),
	}
	if !p.spec.MTLS {
		cfg.GRPCDialOptions = []grpc.DialOption{grpc.WithTransportCredentials(peercred.Credentials{})}
	}
	return cfg
}

// connect waits for go-plugin, which knows no context: killing the process ends
// its wait.
func (p *Process) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.spec.StartTimeout)
	defer cancel()
	type answer struct {
		client plugin.ClientProtocol
		err    error
	}
	got := make(chan answer, 1)
	go func() {
		c, err := p.client.Client()
		got <- answer{c, err}
	}()
	var a answer
	select {
	case a = <-got:
	case <-ctx.Done():
		p.run.kill()
		<-got
		return context.Cause(ctx)
	}
	if a.err != nil {
		return a.err
	}
	g, ok := a.client.(*plugin.GRPCClient)
	if !ok {
		return fmt.Errorf("it speaks %T, not gRPC", a.client)
	}
	p.conn = g.Conn
	return nil
}

// startError classifies what went wrong and says it in our words.
func (p *Process) startError(err error) error {
	out := &StartError{Plugin: p.spec.Name, Reason: ReasonHandshake, Err: err}
	started := p.run.started()
	p.run.kill()
	if started {
		<-p.run.done
		out.Stderr = p.run.stderr.tail()
	}
	msg := err.Error()
	switch {
	case errors.Is(err, context.Canceled):
		out.Reason = ReasonShutdown
	case errors.Is(err, context.DeadlineExceeded), strings.Contains(msg, "timeout while waiting"):
		out.Reason = ReasonTimeout
		out.Err = fmt.Errorf("no handshake within %v (start_timeout): %w", p.spec.StartTimeout, context.DeadlineExceeded)
	case errors.Is(err, ErrChecksum):
		out.Reason = ReasonChecksum
	case !started:
		out.Reason = ReasonSpawn
	case strings.Contains(msg, "incompatible"):
		out.Reason = ReasonVersion
	case strings.Contains(msg, "Unrecognized remote plugin message"), strings.Contains(msg, "exited before"):
		out.Err = fmt.Errorf("its first line of standard output is no handshake (%s); is it a gdask %s plugin?",
			p.run.exit(), p.spec.Kind)
	}
	return out
}

// Conn is the control connection.
func (p *Process) Conn() *grpc.ClientConn { return p.conn }

// Pid is the id of the process and of its group.
func (p *Process) Pid() int { return p.run.pid() }

// Done is closed when the process has ended, been reaped and its group killed.
func (p *Process) Done() <-chan struct{} { return p.run.done }

// Exit is how it ended; valid once Done is closed.
func (p *Process) Exit() Exit { return p.run.exit() }

// HangUp closes the lifeline: the process notices at once that nobody needs it.
func (p *Process) HangUp() { p.run.hangUp() }

// Signal sends a signal to the whole group; none when it has ended.
func (p *Process) Signal(sig os.Signal) { p.run.signal(sig) }

// Close kills what still lives, lets go-plugin clean up, which cannot block any
// more then, and removes the directory. Safe twice.
func (p *Process) Close() {
	p.run.kill()
	if p.run.started() {
		<-p.run.done
	}
	p.client.Kill()
	_ = os.RemoveAll(p.dir)
}
