package suite

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pluginv1 "github.com/gdask/gdask/sdk/proto/gdask/plugin/v1"
	workerv1 "github.com/gdask/gdask/sdk/proto/gdask/worker/v1"
)

// lifecycleRules start and stop workers and the plugin.
var lifecycleRules = []rule{
	{name: "lifecycle/start", check: checkStart,
		why:    "Start answers when the worker has joined: its scheduler knows it by the name and the address of the answer, and List shows it running",
		remedy: "answer Start only after the scheduler said OK to register-worker"},
	{name: "lifecycle/watch", check: checkWatch,
		why:    "Watch sends the present workers, then one event with snapshot_end, then every change; a worker that was stopped ends as exited, without an error",
		remedy: "send the snapshot first, and the state EXITED when the worker has ended"},
	{name: "lifecycle/order", check: checkOrder,
		why:    "calls in an order that makes no sense are harmless: Stop of an unknown worker and a second Stop succeed, Drain of an unknown worker is NotFound, Start without a scheduler is refused",
		remedy: "look workers up by id and treat those that are not there as ended"},
	{name: "lifecycle/drain", check: checkDrain,
		why:    "Drain retires the worker and answers when it has ended",
		remedy: "tell the scheduler that the worker leaves, finish what runs, leave"},
	{name: "lifecycle/unreachable", check: checkUnreachable,
		why:    "Start of a worker whose scheduler cannot be reached fails within its deadline, leaves no worker behind and does no harm to the next Start",
		remedy: "bound joining by death_timeout_ms and by the call's deadline"},
	{name: "lifecycle/shutdown", check: checkShutdown,
		why:    "Shutdown ends the workers within its grace, is answered, and then the process ends by itself with exit status 0, with a worker and without, also when called twice",
		remedy: "stop the workers, answer, stop the server, return from main"},
	{name: "lifecycle/cycles", check: checkCycles,
		why:    "nothing is left over from a plugin that was started and shut down: no process, no socket, no file of its workers",
		remedy: "remove the socket and the workers' directories before the process ends"},
}

// joined is a plugin with one worker at a scheduler.
type joined struct {
	*plugin
	s  *scheduler
	w  *session
	id string
}

// join starts plugin, scheduler and worker.
func (e *env) join(ctx context.Context) (*joined, error) {
	p, err := e.ready(ctx)
	if err != nil {
		return nil, err
	}
	s, err := e.newScheduler(ctx)
	if err != nil {
		return nil, err
	}
	r, err := p.startWorker(ctx, e, s, "suite-worker")
	if err != nil {
		return nil, err
	}
	w, err := s.worker(ctx, "suite-worker", nil)
	if err != nil {
		return nil, err
	}
	return &joined{plugin: p, s: s, w: w, id: r.Id}, nil
}

func checkStart(ctx context.Context, e *env) error {
	p, err := e.ready(ctx)
	if err != nil {
		return err
	}
	s, err := e.newScheduler(ctx)
	if err != nil {
		return err
	}
	r, err := p.startWorker(ctx, e, s, "suite-worker")
	if err != nil {
		return err
	}
	w := s.registered("suite-worker")
	if w == nil {
		return errors.New("the answer to Start came before the worker had registered with its scheduler")
	}
	var errs []error
	if r.Id == "" {
		errs = append(errs, errors.New("the answer to Start has no id"))
	}
	if r.Address != w.reg.Address {
		errs = append(errs, fmt.Errorf("the answer to Start says address %q, the registration %q", r.Address, w.reg.Address))
	}
	infos, err := p.list(ctx)
	if err != nil {
		return err
	}
	if len(infos) != 1 || infos[0].Id != r.Id || infos[0].State != workerv1.WorkerState_WORKER_STATE_RUNNING {
		errs = append(errs, fmt.Errorf("the List call says %v, want the one worker %q, running", infos, r.Id))
	}
	return errors.Join(errs...)
}

// events reads the stream of Watch until match is content.
func (p *plugin) events(ctx context.Context, what string, match func(*workerv1.WatchResponse) bool) error {
	ctx, cancel := within(ctx, what)
	defer cancel()
	stream, err := p.worker.Watch(ctx, &workerv1.WatchRequest{})
	if err != nil {
		return fmt.Errorf("the Watch call: %w", err)
	}
	for {
		r, err := stream.Recv()
		if err != nil {
			return fmt.Errorf("the Watch call, waiting for %s: %w", what, err)
		}
		if match(r) {
			return nil
		}
	}
}

func checkWatch(ctx context.Context, e *env) error {
	j, err := e.join(ctx)
	if err != nil {
		return err
	}
	var present, ended []*workerv1.WorkerInfo
	snapshot, stopErr := false, make(chan error, 1)
	err = j.events(ctx, "the event of the worker's end", func(r *workerv1.WatchResponse) bool {
		switch {
		case r.SnapshotEnd:
			snapshot = true
			go func() { stopErr <- j.stopWorker(ctx, j.id, "the suite stops it") }()
		case !snapshot:
			present = append(present, r.Worker)
		case r.Worker.GetState() == workerv1.WorkerState_WORKER_STATE_EXITED:
			ended = append(ended, r.Worker)
			return true
		}
		return false
	})
	if err != nil {
		return err
	}
	if err := <-stopErr; err != nil {
		return err
	}
	if len(present) != 1 || present[0].Id != j.id {
		return fmt.Errorf("before snapshot_end came %v, want the one worker %q", present, j.id)
	}
	if ended[0].Id != j.id || ended[0].Error != "" {
		return fmt.Errorf("the worker's end came as %v, want the id %q and no error", ended[0], j.id)
	}
	return nil
}

func checkOrder(ctx context.Context, e *env) error {
	p, err := e.ready(ctx)
	if err != nil {
		return err
	}
	if err := p.stopWorker(ctx, "nobody", "before any Start"); err != nil {
		return fmt.Errorf("before any Start: %w", err)
	}
	call, cancel := within(ctx, "Drain and Start")
	defer cancel()
	if _, err := p.worker.Drain(call, &workerv1.DrainRequest{Id: "nobody"}); status.Code(err) != codes.NotFound {
		return fmt.Errorf("Drain of an unknown worker was answered with %s, want NotFound", status.Code(err))
	}
	if _, err := p.worker.Start(call, &workerv1.StartRequest{Nthreads: 1}); err == nil {
		return errors.New("a Start without a scheduler's address succeeded")
	}
	s, err := e.newScheduler(ctx)
	if err != nil {
		return err
	}
	r, err := p.startWorker(ctx, e, s, "w")
	if err != nil {
		return err
	}
	for _, turn := range []string{"first", "second"} {
		if err := p.stopWorker(ctx, r.Id, turn); err != nil {
			return fmt.Errorf("the %s time: %w", turn, err)
		}
	}
	if err := p.noWorkers(ctx, "Stop"); err != nil {
		return err
	}
	_, err = p.startWorker(ctx, e, s, "again")
	return err
}

// noWorkers checks that no worker is there any more.
func (p *plugin) noWorkers(ctx context.Context, after string) error {
	infos, err := p.list(ctx)
	if err == nil && len(infos) > 0 {
		err = fmt.Errorf("after %s the plugin lists %v, want no workers", after, infos)
	}
	return err
}

func checkDrain(ctx context.Context, e *env) error {
	j, err := e.join(ctx)
	if err != nil {
		return err
	}
	call, cancel := within(ctx, "Drain")
	defer cancel()
	if _, err := j.worker.Drain(call, &workerv1.DrainRequest{Id: j.id, TimeoutMs: (patience(ctx) / 2).Milliseconds()}); err != nil {
		return fmt.Errorf("the Drain call: %w", err)
	}
	if err := j.noWorkers(ctx, "Drain"); err != nil {
		return err
	}
	return j.w.gone(ctx)
}

// deadEnd is an address on which nobody answers: connections are refused.
func deadEnd() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return "tcp://" + ln.Addr().String(), ln.Close()
}

func checkUnreachable(ctx context.Context, e *env) error {
	p, err := e.ready(ctx)
	if err != nil {
		return err
	}
	nowhere, err := deadEnd()
	if err != nil {
		return err
	}
	call, cancel := context.WithCancel(ctx) // no deadline: the plugin would see it
	defer cancel()
	defer time.AfterFunc(patience(ctx), cancel).Stop()
	_, err = p.worker.Start(call, &workerv1.StartRequest{
		Scheduler: nowhere, Nthreads: 1, LocalDirectory: e.local(), DeathTimeoutMs: time.Second.Milliseconds(),
	})
	if err == nil {
		return fmt.Errorf("the Start call succeeded, though nobody listens on %s", nowhere)
	}
	if call.Err() != nil {
		return fmt.Errorf("a Start with a death timeout of 1 s had not failed after %v", patience(ctx))
	}
	if err := p.noWorkers(ctx, "the Start that failed"); err != nil {
		return err
	}
	s, err := e.newScheduler(ctx)
	if err != nil {
		return err
	}
	_, err = p.startWorker(ctx, e, s, "w")
	return err
}

func checkShutdown(ctx context.Context, e *env) error {
	idle, err := e.ready(ctx)
	if err != nil {
		return err
	}
	if err := idle.shutdown(ctx); err != nil {
		return fmt.Errorf("without workers: %w", err)
	}
	j, err := e.join(ctx)
	if err != nil {
		return err
	}
	second := make(chan error, 1)
	call, cancel := within(ctx, "the second Shutdown")
	defer cancel()
	go func() { // it may fail, as the server may be gone by then; it must not hang
		_, err := j.base.Shutdown(call, &pluginv1.ShutdownRequest{GraceMs: 1000, Reason: "twice"})
		second <- err
	}()
	err = j.shutdown(ctx)
	if serr := <-second; err == nil && call.Err() != nil {
		err = fmt.Errorf("a second Shutdown at the same time: %w", serr)
	}
	return err
}

// cycles is how often the plugin is started and shut down.
const cycles = 10

func checkCycles(ctx context.Context, e *env) error {
	for i := range cycles {
		j, err := e.join(ctx)
		if err == nil {
			err = j.shutdown(ctx)
		}
		if err != nil {
			return fmt.Errorf("cycle %d of %d: %w", i+1, cycles, err)
		}
	}
	return eventually(ctx, func() error {
		left, err := e.files()
		if err != nil || len(left) > 0 {
			return errors.Join(err, fmt.Errorf("after %d cycles these files are left: %s", cycles, shorten(fmt.Sprint(left))))
		}
		return nil
	})
}
