package workerrt

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
	"github.com/gdask/gdask/sdk/wire"
)

// join registers with the scheduler, again and again until ctx ends, and starts
// reading its stream.
func (w *Worker) join(ctx context.Context) error {
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		c, err := w.register(ctx)
		if err == nil {
			w.begin(c)
			return nil
		}
		_, refused := errors.AsType[*refusedError](err)
		_, strange := errors.AsType[*wire.VersionError](err)
		if refused || strange || ctx.Err() != nil {
			return fmt.Errorf("worker: join %s: %w", w.set.Scheduler, errors.Join(err, context.Cause(ctx)))
		}
		w.logs.Warn("joining the scheduler failed, trying again", "scheduler", w.set.Scheduler, "error", err)
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// refusedError is a scheduler's no; trying again would not change it.
type refusedError struct{ why string }

func (e *refusedError) Error() string { return "the scheduler refused: " + e.why }

// register opens the worker stream.
func (w *Worker) register(ctx context.Context) (*wire.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, registerPatience, errSlowRegistration)
	defer cancel()
	nc, err := w.set.Transports.Dial(ctx, w.set.Scheduler)
	if err != nil {
		return nil, err
	}
	set := w.set.Wire
	set.WriteTimeout = schedulerWriteTimeout
	c, err := wire.NewConn(ctx, nc, set)
	if err != nil {
		return nil, err
	}
	release := context.AfterFunc(ctx, func() { _ = c.Close() })
	reply, err := w.greet(c)
	if !release() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if reply.HeartbeatInterval > 0 {
		w.setBeat(reply.HeartbeatInterval)
	}
	w.assign(c.Peer(), reply.WorkerPlugins)
	return c, nil
}

func (w *Worker) greet(c *wire.Conn) (*wire.RegisterWorkerReply, error) {
	m := w.registration()
	if c.Peer().GDask > 0 {
		m.Runtimes = w.set.Runtimes
		m.Held = w.held()
	}
	if err := c.Send(m); err != nil {
		return nil, err
	}
	in, err := c.Recv()
	if err != nil {
		return nil, err
	}
	reply, err := readGreeting(in.Raw)
	if err != nil {
		return nil, err
	}
	if reply.Warning != "" {
		w.logs.Warn("the scheduler warns", "warning", reply.Warning)
	}
	return reply, nil
}

// readGreeting reads the scheduler's answer; anything but OK is final.
func readGreeting(o wire.Opaque) (*wire.RegisterWorkerReply, error) {
	reply, failure := new(wire.RegisterWorkerReply), new(wire.Failure)
	if f, ok := o.Ref.(*wire.Failure); ok {
		return nil, &refusedError{f.ExceptionText}
	}
	if err := wire.DecodeBody(o, reply); err != nil {
		return nil, &refusedError{"answer to the registration: " + err.Error()}
	}
	if reply.Status == "OK" {
		return reply, nil
	}
	why := reply.Message + reply.Error
	if why == "" && wire.DecodeBody(o, failure) == nil {
		why = failure.ExceptionText
	}
	if why == "" {
		why = "status " + strconv.Quote(reply.Status)
	}
	return nil, &refusedError{why}
}

func (w *Worker) registration() *wire.RegisterWorker {
	return &wire.RegisterWorker{
		Address: w.address, Status: w.Status(), NThreads: w.set.NThreads, Name: wire.StringOpaque(w.name),
		Now: unixSeconds(time.Now()), Resources: w.set.Resources, MemoryLimit: wire.Number(w.set.MemoryLimit),
		LocalDirectory: w.dir.path, Services: w.web.services(), Nanny: textOrNil(w.set.Nanny), Pid: os.Getpid(),
		Versions: mapOpaque(versions()), Metrics: w.metrics(), Extra: mapOpaque(w.extras.startup), ServerID: w.id, StimulusID: "worker-connect",
	}
}

// mapOpaque encodes a map of simple values.
func mapOpaque(m map[string]any) wire.Opaque {
	if m == nil {
		m = map[string]any{}
	}
	o, err := wire.OpaqueOf(m)
	if err != nil { // only for types that nobody passes
		return wire.Opaque{Raw: []byte{0x80}}
	}
	return o
}

func textOrNil(s string) wire.Opaque {
	if s == "" {
		return wire.Opaque{}
	}
	return wire.StringOpaque(s)
}

// held are the values that a worker brings back to its scheduler.
func (w *Worker) held() (keys wire.KeySizes) {
	w.inbox.do(func() {
		w.m.Each(func(t *state.Task) {
			if t.State == state.Memory {
				keys = append(keys, wire.KeySize{Key: t.Key, Nbytes: t.Nbytes})
			}
		})
	})
	return keys
}

// begin starts a session on a registered connection.
func (w *Worker) begin(c *wire.Conn) {
	st := wire.NewStream(c)
	w.inbox.do(func() { w.m.SetAckFree(c.Peer().GDask == 0) })
	w.session.Store(c)
	w.stream.Store(st)
	if s := w.Status(); s != "init" { // again: the first status follows on its own
		st.Send(&wire.WorkerStatusChange{Status: s})
	}
	w.wg.Go(func() { w.read(c, st) })
}

// read brings the scheduler's messages in until the stream ends.
func (w *Worker) read(c *wire.Conn, st *wire.Stream) {
	// Whoever ends the worker may not know of a session that is just beginning.
	defer context.AfterFunc(w.ctx, func() { _ = c.Close() })()
	var err error
	for {
		var in wire.Incoming
		if in, err = c.Recv(); err != nil {
			break
		}
		if len(in.Msgs) > 0 {
			w.inbox.post(in.Msgs)
		}
	}
	if cause := st.Err(); cause != nil {
		err = cause
	}
	endStream(st)
	if w.ctx.Err() == nil {
		w.lost(c, err)
	}
}

// endStream ends a stream's writer without further ado.
func endStream(st *wire.Stream) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = st.Close(ctx, false) // the stream is being given up
}

// control is a message about the worker itself.
func (w *Worker) control(msg wire.Msg) {
	switch msg := msg.(type) {
	case *wire.CloseWorker:
		w.logs.Info("the scheduler closes this worker", "reason", msg.Reason)
		w.leaveSoon(nil)
	case *wire.WorkerStatusChange:
		if msg.Status == "closing_gracefully" || msg.Status == "running" || msg.Status == "paused" {
			w.orderStatus(msg.Status)
		}
	case *wire.CloseStream: // the end of the connection follows
	default:
		w.logs.Warn("unknown message of the scheduler ignored", "op", msg.Op())
	}
}

// lost tries to come back with the data after the connection ended.
func (w *Worker) lost(c *wire.Conn, cause error) {
	w.inbox.do(func() {}) // what came before the end is read by now; it may be the word to leave
	w.stream.Store(nil)
	if rank(w.Status()) >= 0 {
		w.leaveSoon(nil)
		return
	}
	if w.set.Rejoin < 0 || c.Peer().GDask == 0 {
		w.leaveSoon(fmt.Errorf("worker: the connection to the scheduler %s ended: %w", w.set.Scheduler, cause))
		return
	}
	w.logs.Warn("the connection to the scheduler ended, coming back", "scheduler", w.set.Scheduler,
		"error", cause, "for", w.set.Rejoin.String())
	w.inbox.post(state.Reset{})
	ctx, cancel := context.WithTimeout(w.ctx, w.set.Rejoin)
	defer cancel()
	if err := w.join(ctx); err != nil {
		w.leaveSoon(fmt.Errorf("worker: the connection to the scheduler ended (%w) and could not be made again within %v: %w",
			cause, w.set.Rejoin, err))
		return
	}
	w.installPlugins()
}
