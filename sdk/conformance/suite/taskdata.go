package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"

	workerv1 "github.com/gdask/gdask/sdk/proto/gdask/worker/v1"
)

func checkResult(ctx context.Context, e *env) error {
	j, s, err := e.worked(ctx)
	if err != nil {
		return err
	}
	if s.known {
		err = j.produce(ctx, "result", s.Runtime, s.Quick)
	} else {
		err = j.scatter(ctx, "result", s.Value)
	}
	if err != nil {
		return err
	}
	first, err := j.w.value(ctx, "result")
	if err != nil {
		return err
	}
	second, err := j.w.value(ctx, "result")
	if err != nil {
		return err
	}
	if !same(first, second) {
		return errors.New("two requests for one result got different bytes")
	}
	if !s.known && !same(first, s.Value) {
		return errors.New("a value that the worker was given with update_data came back different")
	}
	return nil
}

// produce has the worker make a result.
func (j *joined) produce(ctx context.Context, key, runtime string, spec wire.Opaque) error {
	if err := j.w.compute(key, runtime, spec); err != nil {
		return err
	}
	return j.w.finished(ctx, key)
}

// scatter gives the worker a value that no task made.
func (j *joined) scatter(ctx context.Context, key string, value wire.Opaque) error {
	ctx, cancel := within(ctx, "update_data")
	defer cancel()
	var r wire.UpdateDataReply
	m := &wire.UpdateData{Data: wire.DataMap{{Key: wire.StrKey(key), Value: value}}}
	if err := j.s.pool.Call(ctx, j.w.reg.Address, m, &r); err != nil {
		return err
	}
	if r.Status != "OK" {
		return fmt.Errorf("update_data was answered with status %q, want OK", r.Status)
	}
	return nil
}

func same(a, b wire.Opaque) bool {
	if !bytes.Equal(a.Raw, b.Raw) || len(a.Frames) != len(b.Frames) {
		return false
	}
	for i := range a.Frames {
		if !bytes.Equal(a.Frames[i], b.Frames[i]) {
			return false
		}
	}
	return true
}

func size(o wire.Opaque) int {
	n := len(o.Raw)
	for _, f := range o.Frames {
		n += len(f)
	}
	return n
}

func checkDependency(ctx context.Context, e *env) error {
	j, s, err := e.worked(ctx)
	if err != nil {
		return err
	}
	if s.Use == nil {
		e.logf("no run spec with a dependency is given; fetching was not checked")
		return nil
	}
	dep := wire.StrKey("elsewhere")
	j.s.hold(dep, s.Value)
	if err := j.w.compute("uses", s.Runtime, s.Use(dep), wire.KeyAddress{Key: dep, Addresses: []string{j.s.address()}}); err != nil {
		return err
	}
	if s.known {
		err = j.w.finished(ctx, "uses")
	} else {
		err = j.w.refused(ctx, "uses", echoName)
	}
	if err != nil {
		return err
	}
	if j.s.fetched(dep) == 0 {
		return fmt.Errorf("the task ended, but nobody asked the peer %s for its dependency", j.s.address())
	}
	if !s.known || s.Runtime != "go" {
		return nil
	}
	got, err := j.w.value(ctx, "uses")
	if err == nil && !same(got, s.Value) {
		err = errors.New("the task returned its dependency, but what came is not what the peer holds")
	}
	return err
}

func checkLarge(ctx context.Context, e *env) error {
	j, s, err := e.worked(ctx)
	if err != nil {
		return err
	}
	switch {
	case s.known && len(s.Large.Raw) > 0:
		err = j.produce(ctx, "large", s.Runtime, s.Large)
	case s.Runtime == "go":
		var v wire.Opaque
		if v, err = task.EncodeValue(bytes.Repeat([]byte("gdask"), largeSize/5+1)); err == nil {
			err = j.scatter(ctx, "large", v)
		}
	default:
		e.logf("no run spec with a large result is given; its transfer was not checked")
		return nil
	}
	if err != nil {
		return err
	}
	got, err := j.w.value(ctx, "large")
	if err == nil && size(got) < largeSize {
		err = fmt.Errorf("the result came with %d bytes, want at least %d", size(got), largeSize)
	}
	return err
}

func checkClose(ctx context.Context, e *env) error {
	j, err := e.join(ctx)
	if err != nil {
		return err
	}
	if err := j.w.tell(&wire.CloseWorker{Reason: "the suite closes it"}); err != nil {
		return err
	}
	if err := j.w.gone(ctx); err != nil {
		return err
	}
	if err := j.exited(ctx); err != nil {
		return err
	}
	if j.ended() {
		return fmt.Errorf("the worker's end ended the process (%s); its host decides about that", j.cmd.ProcessState)
	}
	return j.health(ctx)
}

// exited waits until the plugin says that the worker has ended.
func (j *joined) exited(ctx context.Context) error {
	return j.events(ctx, "the event of the worker's end", func(r *workerv1.WatchResponse) bool {
		return r.GetWorker().GetId() == j.id && r.Worker.State == workerv1.WorkerState_WORKER_STATE_EXITED
	})
}

func checkComesBack(ctx context.Context, e *env) error {
	j, err := e.join(ctx)
	if err != nil {
		return err
	}
	if err := j.w.conn.Close(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var back, ended error
	var wg sync.WaitGroup
	first := func(err error) error {
		if err == nil {
			cancel() // one of them is enough
		}
		return err
	}
	wg.Go(func() {
		_, err := j.s.worker(ctx, "suite-worker", j.w)
		back = first(err)
	})
	wg.Go(func() { ended = first(j.exited(ctx)) })
	wg.Wait()
	if back != nil && ended != nil {
		return errors.Join(back, ended)
	}
	return nil
}
