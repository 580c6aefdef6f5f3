package workerrt

import (
	"context"
	"errors"
	"time"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
)

// Secede gives the task's slot to another task: this one goes on beside them,
// for instance to wait for tasks that it submitted. Twice is harmless.
func (j *Job) Secede() {
	if j.seceded || j.slotless() {
		return
	}
	j.seceded = true
	j.w.exec.grow()
	ran := time.Since(time.Unix(0, j.began.Load())).Seconds()
	j.w.inbox.post(&state.Secede{Key: j.key, Seconds: ran})
}

// Rejoin waits for a slot after Secede; ctx and the task's cancellation end the
// wait, and the task then goes on without a slot.
func (j *Job) Rejoin(ctx context.Context) error {
	if !j.seceded {
		return nil
	}
	granted := make(chan struct{})
	j.w.inbox.post(func() { j.rejoined = granted })
	j.w.inbox.post(&state.Rejoin{Key: j.key})
	select {
	case <-granted:
		j.seceded = false
		j.w.exec.shrink()
		return nil
	case <-ctx.Done():
	case <-j.ctx.Done():
	}
	j.w.inbox.post(&state.Secede{Key: j.key}) // a slot that comes now is another's
	return errors.Join(ctx.Err(), j.ctx.Err())
}
