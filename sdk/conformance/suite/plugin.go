package suite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/gdask/gdask/sdk"
	pluginv1 "github.com/gdask/gdask/sdk/proto/gdask/plugin/v1"
	workerv1 "github.com/gdask/gdask/sdk/proto/gdask/worker/v1"
)

// plugin is a started plugin with its control connection.
type plugin struct {
	*process
	greeting greeting
	conn     *grpc.ClientConn
	base     pluginv1.PluginClient
	worker   workerv1.WorkerClient
}

// launch starts the plugin and connects to it as a host does.
func (e *env) launch(ctx context.Context) (*plugin, error) {
	p, err := e.plugin()
	if err != nil {
		return nil, err
	}
	line, err := p.handshakeLine(ctx)
	if err != nil {
		return nil, err
	}
	g, err := parseGreeting(line)
	if err != nil {
		return nil, err
	}
	if err := g.check(e.sockets()); err != nil {
		return nil, err
	}
	conn, err := g.dial(nil)
	if err != nil {
		return nil, err
	}
	e.atEnd(conn.Close)
	if err := awaitReady(ctx, conn); err != nil {
		return nil, err
	}
	out := &plugin{process: p, greeting: g, conn: conn, base: pluginv1.NewPluginClient(conn), worker: workerv1.NewWorkerClient(conn)}
	return out, e.drainOutput(ctx, conn)
}

// drainOutput reads what the plugin's code prints, which go-plugin's service
// streams to the host: a plugin whose output nobody takes blocks in a print. A
// plugin without that service keeps its output to itself.
func (e *env) drainOutput(ctx context.Context, conn *grpc.ClientConn) error {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/plugin.GRPCStdio/StreamStdio")
	if err != nil {
		cancel()
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if stream.SendMsg(&emptypb.Empty{}) != nil || stream.CloseSend() != nil {
			return
		}
		for stream.RecvMsg(&emptypb.Empty{}) == nil { // the fields are unknown to it and dropped
		}
	}()
	e.atEnd(func() error {
		cancel()
		<-done
		return nil
	})
	return nil
}

// ready launches the plugin and gives it its configuration.
func (e *env) ready(ctx context.Context) (*plugin, error) {
	p, err := e.launch(ctx)
	if err != nil {
		return nil, err
	}
	return p, p.configure(ctx, e.program.Config)
}

func (p *plugin) configure(ctx context.Context, config []byte) error {
	ctx, cancel := within(ctx, "Configure")
	defer cancel()
	if _, err := p.base.Configure(ctx, &pluginv1.ConfigureRequest{ConfigJson: config, LogLevel: "info"}); err != nil {
		return fmt.Errorf("Configure(%q): %w", config, err)
	}
	return nil
}

// validate returns what is wrong with a configuration.
func (p *plugin) validate(ctx context.Context, config []byte) ([]*pluginv1.FieldError, error) {
	ctx, cancel := within(ctx, "Validate")
	defer cancel()
	r, err := p.base.Validate(ctx, &pluginv1.ValidateRequest{ConfigJson: config})
	if err != nil {
		return nil, fmt.Errorf("Validate(%q): %w", config, err)
	}
	return r.Errors, nil
}

func (p *plugin) health(ctx context.Context) error {
	ctx, cancel := within(ctx, "the health check")
	defer cancel()
	r, err := healthv1.NewHealthClient(p.conn).Check(ctx, &healthv1.HealthCheckRequest{Service: "plugin"})
	if err != nil {
		return fmt.Errorf("grpc.health.v1.Health/Check of service %q: %w", "plugin", err)
	}
	if r.Status != healthv1.HealthCheckResponse_SERVING {
		return fmt.Errorf("grpc.health.v1.Health/Check of service %q says %s, want SERVING", "plugin", r.Status)
	}
	return nil
}

// description asks the running plugin who it is.
func (p *plugin) description(ctx context.Context) (sdk.Description, error) {
	ctx, cancel := within(ctx, "Describe")
	defer cancel()
	r, err := p.base.Describe(ctx, &pluginv1.DescribeRequest{})
	if err != nil {
		return sdk.Description{}, fmt.Errorf("the Describe call: %w", err)
	}
	d := sdk.Description{
		Kind: r.Kind, Name: r.Name, Version: r.Version, SDKVersion: r.SdkVersion, Services: r.Services,
		Capabilities: r.Capabilities, Runtimes: r.Runtimes,
	}
	if r.ConfigSchema != "" {
		d.ConfigSchema = json.RawMessage(r.ConfigSchema)
	}
	return d, nil
}

// startWorker brings a worker with one slot to the scheduler.
func (p *plugin) startWorker(ctx context.Context, e *env, s *scheduler, name string) (*workerv1.StartResponse, error) {
	ctx, cancel := within(ctx, "Start")
	defer cancel()
	r, err := p.worker.Start(ctx, &workerv1.StartRequest{
		Scheduler: s.address(), Name: name, Nthreads: 1, LocalDirectory: e.local(), DeathTimeoutMs: patience(ctx).Milliseconds(),
	})
	if err != nil {
		return nil, fmt.Errorf("the Start call: %w", err)
	}
	return r, nil
}

func (p *plugin) stopWorker(ctx context.Context, id, reason string) error {
	ctx, cancel := within(ctx, "Stop")
	defer cancel()
	_, err := p.worker.Stop(ctx, &workerv1.StopRequest{Id: id, TimeoutMs: (patience(ctx) / 2).Milliseconds(), Reason: reason})
	if err != nil {
		return fmt.Errorf("Stop(%q): %w", id, err)
	}
	return nil
}

func (p *plugin) list(ctx context.Context) ([]*workerv1.WorkerInfo, error) {
	ctx, cancel := within(ctx, "List")
	defer cancel()
	r, err := p.worker.List(ctx, &workerv1.ListRequest{})
	if err != nil {
		return nil, fmt.Errorf("the List call: %w", err)
	}
	return r.Workers, nil
}

// shutdown asks the plugin to end and checks that it does, all of it, by itself.
func (p *plugin) shutdown(ctx context.Context) error {
	call, cancel := within(ctx, "the answer to Shutdown")
	defer cancel()
	_, err := p.base.Shutdown(call, &pluginv1.ShutdownRequest{GraceMs: (patience(ctx) / 3).Milliseconds(), Reason: "the suite is done"})
	if err != nil {
		return fmt.Errorf("the Shutdown call: %w", err)
	}
	if err := p.await(ctx, "end of the process after Shutdown was answered"); err != nil {
		return err
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("after Shutdown the process ended with %s, want exit status 0", p.cmd.ProcessState)
	}
	return p.gone(ctx)
}

// gone checks that nothing of the process is left: no child, no socket.
func (p *plugin) gone(ctx context.Context) error {
	err := eventually(ctx, func() error {
		if p.left() {
			return errors.New("processes of the plugin's process group live on after it")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := os.Lstat(p.greeting.address); err == nil {
		return fmt.Errorf("the socket %s is still there after the process ended", filepath.Base(p.greeting.address))
	}
	return nil
}

// eventually asks check again and again until it is content; what the system
// does after the end of a process announces itself to nobody.
func eventually(ctx context.Context, check func() error) error {
	ctx, cancel := within(ctx, "wait")
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}
