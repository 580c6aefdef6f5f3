package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	workerv1 "github.com/gdask/gdask/sdk/proto/gdask/worker/v1"
	"github.com/gdask/gdask/sdk/worker"
)

// lateGrace bounds the stop of a worker that nobody waits for any more.
const lateGrace = 10 * time.Second

// Starter makes workers; ctx bounds the joining only.
type Starter func(ctx context.Context, o worker.StartOptions) (Running, error)

// Running is a worker as this process sees it.
type Running interface {
	worker.Handle
	// Drain retires the worker and returns when it has ended.
	Drain(ctx context.Context) error
}

// Workers serves gdask.worker.v1.Worker.
type Workers struct {
	workerv1.UnimplementedWorkerServer
	start Starter
	table *table
}

// NewWorkers serves workers made by start.
func NewWorkers(start Starter) *Workers { return &Workers{start: start, table: newTable()} }

// Start brings one worker to the scheduler. The plugin's shutdown and the caller's
// leaving end the joining.
func (w *Workers) Start(ctx context.Context, r *workerv1.StartRequest) (*workerv1.StartResponse, error) {
	if r.Scheduler == "" {
		return nil, failure(codes.InvalidArgument, ReasonStart, errors.New("start: no scheduler address"))
	}
	joining, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	e, err := w.table.add(r.Name, cancel)
	if err != nil {
		return nil, failure(codes.Unavailable, ReasonClosing, err)
	}
	defer w.table.settled(e) // also when the author's code panics
	run, err := w.start(joining, Options(r))
	if err != nil {
		w.table.ended(e, err)
		if errors.Is(context.Cause(joining), errClosing) {
			return nil, failure(codes.Unavailable, ReasonClosing, errClosing)
		}
		return nil, failure(codes.FailedPrecondition, ReasonStart, err)
	}
	if err := w.table.joined(e, run); err != nil {
		return nil, failure(codes.Unavailable, ReasonClosing, errors.Join(err, w.giveUp(ctx, run)))
	}
	if err := ctx.Err(); err != nil { // nobody hears of it
		return nil, failure(codes.Canceled, ReasonStart, errors.Join(err, w.giveUp(ctx, run)))
	}
	return &workerv1.StartResponse{Id: e.id, Address: run.Address(), Name: run.Name()}, nil
}

// giveUp stops a worker that joined too late; ctx may have ended.
func (w *Workers) giveUp(ctx context.Context, run Running) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lateGrace)
	defer cancel()
	return run.Stop(ctx, "joined too late")
}

// Watch streams states until the caller leaves or the plugin shuts down. A slow
// caller misses states in between, never the last one, and stalls nobody.
func (w *Workers) Watch(_ *workerv1.WatchRequest, out grpc.ServerStreamingServer[workerv1.WatchResponse]) error {
	defer w.table.watch()()
	seen := make(map[string]workerv1.WorkerState)
	for first := true; ; first = false {
		infos, changed, closed := w.table.snapshot()
		for _, info := range infos {
			if seen[info.Id] == info.State {
				continue
			}
			seen[info.Id] = info.State
			if err := out.Send(&workerv1.WatchResponse{Worker: info}); err != nil {
				return err
			}
		}
		if first {
			if err := out.Send(&workerv1.WatchResponse{SnapshotEnd: true}); err != nil {
				return err
			}
		}
		if closed {
			return nil
		}
		select {
		case <-changed:
		case <-out.Context().Done():
			return nil
		}
	}
}

// Drain retires one worker.
func (w *Workers) Drain(ctx context.Context, r *workerv1.DrainRequest) (*workerv1.DrainResponse, error) {
	e := w.table.find(r.Id)
	if e == nil {
		return nil, failure(codes.NotFound, ReasonNotFound, fmt.Errorf("drain: no worker %q in this process", r.Id))
	}
	ctx, cancel := bounded(ctx, r.TimeoutMs)
	defer cancel()
	w.table.set(e, workerv1.WorkerState_WORKER_STATE_DRAINING)
	if err := e.run.Drain(ctx); err != nil {
		return nil, failure(codes.Aborted, ReasonStop, err)
	}
	return &workerv1.DrainResponse{}, nil
}

// Stop ends one worker; one that is not there has ended already.
func (w *Workers) Stop(ctx context.Context, r *workerv1.StopRequest) (*workerv1.StopResponse, error) {
	e := w.table.find(r.Id)
	if e == nil {
		return &workerv1.StopResponse{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(r.TimeoutMs)*time.Millisecond)
	defer cancel()
	if err := e.run.Stop(ctx, r.Reason); err != nil {
		return nil, failure(codes.Aborted, ReasonStop, err)
	}
	return &workerv1.StopResponse{}, nil
}

// List returns the workers that have not ended.
func (w *Workers) List(context.Context, *workerv1.ListRequest) (*workerv1.ListResponse, error) {
	infos, _, _ := w.table.snapshot()
	out := &workerv1.ListResponse{}
	for _, info := range infos {
		if info.State != workerv1.WorkerState_WORKER_STATE_EXITED {
			out.Workers = append(out.Workers, info)
		}
	}
	return out, nil
}

// StopAll ends all workers and refuses new ones.
func (w *Workers) StopAll(ctx context.Context, reason string) error {
	return w.table.stopAll(ctx, reason)
}

// Options is the author's form of a request.
func Options(r *workerv1.StartRequest) worker.StartOptions {
	return worker.StartOptions{
		Scheduler:      r.Scheduler,
		Name:           r.Name,
		NThreads:       max(1, int(r.Nthreads)),
		MemoryLimit:    r.MemoryLimit,
		Resources:      r.Resources,
		LocalDirectory: r.LocalDirectory,
		ListenAddress:  r.ListenAddress,
		ContactAddress: r.ContactAddress,
		DashboardAddr:  r.DashboardAddress,
		DeathTimeout:   time.Duration(r.DeathTimeoutMs) * time.Millisecond,
		Nanny:          r.Nanny,
		Memory:         memory(r.Memory),
	}
}

func memory(m *workerv1.Memory) *worker.Memory {
	if m == nil {
		return nil
	}
	return &worker.Memory{
		Target: m.Target, Spill: m.Spill, Pause: m.Pause, Transfer: m.Transfer, MaxSpill: m.MaxSpill,
		Compression: m.SpillCompression, Interval: time.Duration(m.MonitorIntervalMs) * time.Millisecond,
	}
}

// bounded is ctx with a limit in milliseconds; 0 means none.
func bounded(ctx context.Context, ms int64) (context.Context, context.CancelFunc) {
	if ms <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
}
