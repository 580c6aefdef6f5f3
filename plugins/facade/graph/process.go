package graph

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/gdask/gdask/plugins/launch"
	"github.com/gdask/gdask/sdk/handshake"
	pluginv1 "github.com/gdask/gdask/sdk/proto/gdask/plugin/v1"
)

// name of the reader for messages.
const name = "python"

// The kill ladder: how long each step may take.
const (
	shutdownGrace = 2 * time.Second
	termGrace     = time.Second
)

// process is a started reader with its private directory.
type process struct {
	*launch.Process
	dir   *launch.RunDir
	files string // what it needs, below dir
}

func startProcess(ctx context.Context, s Settings) (_ *process, err error) {
	dir, err := launch.NewRunDir(s.RunDirs...)
	if err != nil {
		return nil, fmt.Errorf("graph reader: %w", err)
	}
	defer func() {
		if err != nil {
			_ = dir.Close()
		}
	}()
	files := filepath.Join(dir.Path(), "files")
	if err := os.Mkdir(files, 0o700); err != nil {
		return nil, fmt.Errorf("graph reader: %w", err)
	}
	path, args, env, err := s.Command(ctx, files)
	if err != nil {
		return nil, err
	}
	p, err := launch.Start(ctx, launch.Spec{
		Kind: handshake.KindGraph, Name: name, Path: path, Args: args, Env: env,
		StartTimeout: s.StartTimeout, Dir: dir, Logger: s.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("graph reader: %w", err)
	}
	return &process{Process: p, dir: dir, files: files}, nil
}

// ended says whether the process is gone.
func (p *process) ended() bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}

// settle waits a little for the exit of a process whose connection broke.
func (p *process) settle(ctx context.Context) { p.await(ctx, termGrace) }

// await waits for the end; false when it did not come in time.
func (p *process) await(ctx context.Context, d time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	select {
	case <-p.Done():
		return true
	case <-ctx.Done():
		return false
	}
}

// guard asks the process from time to time whether it lives, until ctx ends, and
// kills it when it does not answer: a frozen process would hold the call.
func (p *process) guard(ctx context.Context, interval time.Duration) {
	health := healthv1.NewHealthClient(p.Conn())
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.Done():
			return
		case <-tick.C:
		}
		ask, cancel := context.WithTimeout(ctx, interval)
		_, err := health.Check(ask, &healthv1.HealthCheckRequest{Service: "plugin"})
		cancel()
		if err != nil && ctx.Err() == nil {
			p.Signal(syscall.SIGKILL)
		}
	}
}

// stop asks the process to end, then tells it, then kills it; each step is short
// and ctx shortens it further.
func (p *process) stop(ctx context.Context) {
	defer p.cleanUp()
	ask, cancel := context.WithTimeout(ctx, shutdownGrace)
	defer cancel()
	_, err := pluginv1.NewPluginClient(p.Conn()).Shutdown(ask, &pluginv1.ShutdownRequest{Reason: "the scheduler closes"})
	if err == nil {
		p.HangUp() // it need not wait whether more is to come
		if p.await(ctx, shutdownGrace) {
			return
		}
	}
	p.Signal(syscall.SIGTERM)
	p.await(ctx, termGrace)
}

// cleanUp kills what still lives and removes the directory.
func (p *process) cleanUp() {
	p.Close()
	_ = p.dir.Close()
}
