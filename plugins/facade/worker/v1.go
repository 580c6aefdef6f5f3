// Package worker is the host's view of worker plugins: one file per version of
// the contract, each making a supervised instance of a plugin process.
package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/gdask/gdask/plugins/launch"
	pluginv1 "github.com/gdask/gdask/sdk/proto/gdask/plugin/v1"
	workerv1 "github.com/gdask/gdask/sdk/proto/gdask/worker/v1"
	"github.com/gdask/gdask/sdk/worker"
)

// V1 is a process that serves gdask.worker.v1 with one worker in it. It
// satisfies the supervisor's Instance.
type V1 struct {
	*launch.Process
	id, address string
	cancel      context.CancelFunc
	watcher     sync.WaitGroup
	ended       chan struct{}
	endErr      error
}

// LaunchV1 starts the process, configures it and brings one worker to the
// scheduler; ctx bounds all of it. On error nothing is left behind.
func LaunchV1(ctx context.Context, spec launch.Spec, config map[string]any, logLevel string, o worker.StartOptions) (_ *V1, err error) {
	p, err := launch.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	v := &V1{Process: p, ended: make(chan struct{})}
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	if err := v.configure(ctx, config, logLevel); err != nil {
		return nil, refused(p, launch.ReasonConfig, spec.Name, fmt.Errorf("configure: %w", err))
	}
	client := workerv1.NewWorkerClient(p.Conn())
	r, err := client.Start(ctx, request(o))
	if err != nil {
		return nil, refused(p, launch.ReasonStart, spec.Name, err)
	}
	v.id, v.address = r.Id, r.Address
	wctx, cancel := context.WithCancel(context.Background())
	v.cancel = cancel
	v.watcher.Go(func() { v.watch(wctx, client) })
	return v, nil
}

// dying is how long a process whose connection broke may take to be reaped.
const dying = time.Second

// refused tells a plugin that said no from one that died meanwhile: a worker
// that has joined runs tasks before the answer to Start is on its way, and a
// task may end the process.
func refused(p *launch.Process, why launch.Reason, plugin string, err error) error {
	out := &launch.StartError{Plugin: plugin, Reason: why, Err: err, Pid: p.Pid()}
	if status.Code(err) != codes.Unavailable {
		return out
	}
	t := time.NewTimer(dying)
	defer t.Stop()
	select {
	case <-p.Done():
		exit := p.Exit()
		out.Exit, out.Reason, out.Stderr = &exit, exit.Reason(), exit.Stderr
	case <-t.C:
	}
	return out
}

func (v *V1) configure(ctx context.Context, config map[string]any, logLevel string) error {
	r := &pluginv1.ConfigureRequest{LogLevel: logLevel}
	if len(config) > 0 {
		b, err := json.Marshal(config)
		if err != nil {
			return err
		}
		r.ConfigJson = b
	}
	_, err := pluginv1.NewPluginClient(v.Conn()).Configure(ctx, r)
	return err
}

func request(o worker.StartOptions) *workerv1.StartRequest {
	return &workerv1.StartRequest{
		Scheduler: o.Scheduler, Name: o.Name, Nthreads: int32(o.NThreads), MemoryLimit: o.MemoryLimit,
		Resources: o.Resources, LocalDirectory: o.LocalDirectory, ListenAddress: o.ListenAddress,
		ContactAddress: o.ContactAddress, DashboardAddress: o.DashboardAddr,
		DeathTimeoutMs: o.DeathTimeout.Milliseconds(), Nanny: o.Nanny, Memory: memory(o.Memory),
	}
}

func memory(m *worker.Memory) *workerv1.Memory {
	if m == nil {
		return nil
	}
	return &workerv1.Memory{
		Target: m.Target, Spill: m.Spill, Pause: m.Pause, Transfer: m.Transfer, MaxSpill: m.MaxSpill,
		SpillCompression: m.Compression, MonitorIntervalMs: m.Interval.Milliseconds(),
	}
}

// watch notices when the worker in the process ends by itself.
func (v *V1) watch(ctx context.Context, client workerv1.WorkerClient) {
	stream, err := client.Watch(ctx, &workerv1.WatchRequest{})
	for err == nil {
		var r *workerv1.WatchResponse
		if r, err = stream.Recv(); err != nil {
			break
		}
		if w := r.GetWorker(); w.GetId() == v.id && w.GetState() == workerv1.WorkerState_WORKER_STATE_EXITED {
			if w.Error != "" {
				v.endErr = errors.New(w.Error)
			}
			close(v.ended)
			return
		}
	}
	// A broken stream alone says nothing: the process's end or the next health
	// probe does.
}

// Worker is the contact address of the worker.
func (v *V1) Worker() string { return v.address }

// Ended is closed when the worker ended by itself; EndErr says why.
func (v *V1) Ended() <-chan struct{} { return v.ended }

// EndErr is valid after Ended: nil when somebody had asked for it.
func (v *V1) EndErr() error { return v.endErr }

// Health asks the process whether it serves.
func (v *V1) Health(ctx context.Context) error {
	r, err := healthv1.NewHealthClient(v.Conn()).Check(ctx, &healthv1.HealthCheckRequest{Service: "plugin"})
	if err == nil && r.Status != healthv1.HealthCheckResponse_SERVING {
		err = fmt.Errorf("plugin says %s", r.Status)
	}
	return err
}

// Shutdown asks the process to end its worker and itself within the grace.
func (v *V1) Shutdown(ctx context.Context, grace time.Duration, reason string) error {
	_, err := pluginv1.NewPluginClient(v.Conn()).Shutdown(ctx, &pluginv1.ShutdownRequest{GraceMs: grace.Milliseconds(), Reason: reason})
	if err == nil {
		v.HangUp() // it need not wait whether more is to come
	}
	return err
}

// Signal reaches the whole process group.
func (v *V1) Signal(sig os.Signal) { v.Process.Signal(sig) }

// Close kills what still lives and frees everything.
func (v *V1) Close() {
	if v.cancel != nil {
		v.cancel()
	}
	v.Process.Close()
	v.watcher.Wait()
}
