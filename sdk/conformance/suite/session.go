package suite

import (
	"context"
	"fmt"

	"github.com/gdask/gdask/sdk/wire"
)

// session is one registration of a worker: its stream and its heartbeats.
type session struct {
	s     *scheduler
	reg   *wire.RegisterWorker
	conn  *wire.Conn
	said  *record[wire.Msg]
	beats *record[*wire.HeartbeatWorker]
	runs  int64
	ended chan struct{} // closed at the end of the stream
}

// register answers a registration and reads the stream to its end.
func (s *scheduler) register(c *wire.Conn, m *wire.RegisterWorker) {
	w := &session{
		s: s, reg: m, conn: c, ended: make(chan struct{}),
		said: newRecord[wire.Msg](), beats: newRecord[*wire.HeartbeatWorker](),
	}
	s.mu.Lock()
	s.byAddr[m.Address] = w
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		if s.byAddr[m.Address] == w {
			delete(s.byAddr, m.Address)
		}
		s.mu.Unlock()
		w.said.end()
		w.beats.end()
		close(w.ended)
	}()
	if c.SendValue(simple(map[string]any{"status": "OK", "time": now(), "heartbeat-interval": heartbeat, "worker-plugins": map[string]any{}})) != nil {
		return
	}
	s.sessions.add(w)
	for {
		in, err := c.Recv()
		if err != nil {
			return
		}
		for _, msg := range in.Msgs {
			w.said.add(msg)
		}
	}
}

// worker waits for the registration of a worker; after skips earlier ones of the
// same name.
func (s *scheduler) worker(ctx context.Context, name string, after *session) (*session, error) {
	passed := after == nil
	return s.sessions.find(ctx, "registration of a worker named "+name, func(w *session) bool {
		if w == after {
			passed = true
			return false
		}
		return passed && w.reg.Name.Text() == name
	})
}

// tell sends messages down the worker's stream.
func (w *session) tell(ms ...wire.Msg) error {
	if err := w.conn.SendBatch(ms); err != nil {
		return fmt.Errorf("the worker's stream: %w", err)
	}
	return nil
}

// compute assigns a task.
func (w *session) compute(key, runtime string, spec wire.Opaque, dependencies ...wire.KeyAddress) error {
	w.runs++
	m := &wire.ComputeTask{
		Key: wire.StrKey(key), RunID: w.runs, Priority: wire.Priority{0, 1, float64(w.runs)}, StimulusID: "suite",
		RunSpec: spec, Runtime: runtime, WhoHas: dependencies,
	}
	for _, d := range dependencies {
		m.Nbytes = append(m.Nbytes, wire.KeySize{Key: d.Key, Nbytes: 64})
	}
	return w.tell(m)
}

// outcome waits for the end of a task: a *wire.TaskFinished or a *wire.TaskErred.
func (w *session) outcome(ctx context.Context, key string) (wire.Msg, error) {
	k := wire.StrKey(key)
	return w.said.find(ctx, "task-finished or task-erred of "+key, func(m wire.Msg) bool {
		switch m := m.(type) {
		case *wire.TaskFinished:
			return m.Key == k
		case *wire.TaskErred:
			return m.Key == k
		}
		return false
	})
}

// finished waits for a task's result to be there.
func (w *session) finished(ctx context.Context, key string) error {
	m, err := w.outcome(ctx, key)
	if err != nil {
		return err
	}
	if erred, ok := m.(*wire.TaskErred); ok {
		return fmt.Errorf("task %s failed: %s", key, failureText(erred))
	}
	return nil
}

// failed waits for a task to fail and returns its text.
func (w *session) failed(ctx context.Context, key string) (string, error) {
	m, err := w.outcome(ctx, key)
	if err != nil {
		return "", err
	}
	erred, ok := m.(*wire.TaskErred)
	if !ok {
		return "", fmt.Errorf("task %s finished; it must fail", key)
	}
	return failureText(erred), nil
}

func failureText(m *wire.TaskErred) string {
	if m.ExceptionText != "" {
		return m.ExceptionText
	}
	return m.Exception.Text()
}

// value fetches a result from the worker as a peer or a client does.
func (w *session) value(ctx context.Context, key string) (wire.Opaque, error) {
	ctx, cancel := within(ctx, "get_data of "+key)
	defer cancel()
	r, err := w.s.pool.GetData(ctx, w.reg.Address, &wire.GetData{Keys: wire.KeySet{wire.StrKey(key)}, Who: w.s.address()})
	if err != nil {
		return wire.Opaque{}, err
	}
	if r.Status != "OK" || len(r.Data) != 1 {
		return wire.Opaque{}, fmt.Errorf("get_data of %s: status %q with %d values, want OK with 1", key, r.Status, len(r.Data))
	}
	return r.Data[0].Value, nil
}

// running waits until a heartbeat says that the task runs.
func (w *session) running(ctx context.Context, key string) error {
	_, err := w.beats.find(ctx, fmt.Sprintf("heartbeat with %s under executing", key), func(b *wire.HeartbeatWorker) bool {
		_, ok := b.Executing.Field(key)
		return ok
	})
	return err
}

// registered is the present registration of a worker, nil when there is none.
func (s *scheduler) registered(name string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.byAddr {
		if w.reg.Name.Text() == name {
			return w
		}
	}
	return nil
}

// gone waits for the end of the worker's stream.
func (w *session) gone(ctx context.Context) error {
	ctx, cancel := within(ctx, "end of the worker's stream to the scheduler")
	defer cancel()
	select {
	case <-w.ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
