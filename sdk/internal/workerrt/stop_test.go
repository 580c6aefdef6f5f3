package workerrt

import (
	"context"
	"errors"
	"testing"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
	"github.com/gdask/gdask/sdk/wire"
)

// A task that is cancelled because its worker stops has not failed: the
// scheduler has it run elsewhere when the worker is gone. One that failed before
// has.
func TestStopFailsNoTask(t *testing.T) {
	failed := errors.New("failed by itself")
	began := make(chan struct{})
	w := newWorker(Settings{NThreads: 1, Run: func(ctx context.Context, j *Job) (any, error) {
		if j.Key() == wire.StrKey("bad") {
			return nil, failed
		}
		close(began)
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	defer w.cancel(nil)
	w.m = state.New(state.Config{NThreads: 1})
	compute := func(k string) wire.Msg {
		return &wire.ComputeTask{Key: wire.StrKey(k), RunID: 1, Priority: wire.Priority{0, 0, 0}}
	}
	w.inbox.post([]wire.Msg{compute("bad"), compute("running")})
	<-began // the only slot is done with the other
	<-w.exec.close(context.Canceled)
	w.inbox.do(func() {
		if s := w.m.Task(wire.StrKey("running")).State; s != state.Executing {
			t.Errorf("the cancelled task is %v", s)
		}
		if s := w.m.Task(wire.StrKey("bad")).State; s != state.Error {
			t.Errorf("the failed task is %v", s)
		}
	})
}
