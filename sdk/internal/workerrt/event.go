package workerrt

import (
	"errors"

	"github.com/hashicorp/go-hclog"

	"github.com/gdask/gdask/sdk/wire"
)

var errNoScheduler = errors.New("worker: not connected to the scheduler just now; try again")

// LogEvent publishes a message under topics.
func (w *Worker) LogEvent(msg wire.Opaque, topics ...string) error {
	names, err := wire.OpaqueOf(topics)
	if err != nil {
		return err
	}
	st := w.stream.Load()
	if st == nil {
		return errNoScheduler
	}
	st.Send(&wire.LogEvent{Topic: names, Msg: msg})
	return nil
}

// TaskLogger is the worker's log for tasks.
func (w *Worker) TaskLogger() hclog.Logger { return w.guest.log }
