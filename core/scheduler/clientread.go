package scheduler

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/graph"
	"github.com/gdask/gdask/sdk/wire"
)

// clientReader turns the batches of one client's stream into items.
type clientReader struct {
	s     *Scheduler
	id    string
	items []item
	said  bool // the client said goodbye
}

// readClient reads the stream until it ends and reports whether the client
// said that it closes.
func (s *Scheduler) readClient(c *wire.Conn, id string, seen *atomic.Int64) (said bool) {
	r := &clientReader{s: s, id: id}
	for {
		in, err := c.Recv()
		if err != nil {
			s.logEnd(c.NetConn(), err)
			return false
		}
		seen.Store(time.Now().UnixNano())
		for _, m := range in.Msgs {
			r.handle(m)
		}
		r.push()
		if r.said {
			return true
		}
	}
}

func (r *clientReader) push() {
	if len(r.items) == 0 {
		return
	}
	r.s.loop.in.push(r.items...)
	clear(r.items)
	r.items = r.items[:0]
}

func (r *clientReader) event(e state.Event) { r.items = append(r.items, item{ev: e}) }
func (r *clientReader) run(fn func())       { r.items = append(r.items, item{fn: fn}) }

// owner is the client whom a message is about: mostly the sender.
func (r *clientReader) owner(id string) string {
	if id == "" {
		return r.id
	}
	return id
}

func (r *clientReader) handle(m wire.Msg) {
	l := r.s.loop
	switch m := m.(type) {
	case *wire.UpdateGraph:
		r.updateGraph(m)
	case *wire.ClientReleasesKeys:
		r.event(state.ClientReleasesKeys{Client: r.owner(m.Client), Keys: m.Keys})
	case *wire.ClientDesiresKeys:
		r.event(state.ClientDesiresKeys{Client: r.owner(m.Client), Keys: m.Keys})
	case *wire.CancelKeys:
		r.event(state.CancelKeys{Client: r.id, Keys: m.Keys, Force: m.Force, Reason: m.Reason, Msg: m.Msg})
	case *wire.ReportKey:
		r.event(state.ReportKey{Client: r.id, Key: m.Key})
	case *wire.HeartbeatClient:
		r.run(func() {
			l.toClient(r.id, &wire.AdjustHeartbeatInterval{Interval: clientHeartbeat(len(l.clients))})
		})
	case *wire.SubscribeTopic:
		r.run(func() {
			if l.clients[r.id] != nil { // nobody would end it for one that is gone
				l.topics.subscribe(m.Topic, r.id)
			}
		})
	case *wire.UnsubscribeTopic:
		r.run(func() { l.topics.unsubscribe(m.Topic, r.id) })
	case *wire.LogEvent:
		msg := apart(m.Msg)
		r.run(func() { l.logEvent(m.Topic, msg) })
	case *wire.CloseClient, *wire.CloseStream:
		r.said = true
	default:
		r.rare(m)
	}
}

// rare handles the messages that have no struct of their own.
func (r *clientReader) rare(m wire.Msg) {
	switch m.Op() {
	case "publish_flush_batched_send":
		req, err := newRequest(m)
		if err != nil {
			r.s.log.warn("message of a client not understood", "client", r.id, "op", m.Op(), "error", err)
			return
		}
		// Through the loop, so that everything sent before it has been applied.
		r.run(func() { r.s.data.flushed(string(req.raw("uid"))) })
	case "update-data":
		req, err := newRequest(m)
		if err == nil {
			var e state.UpdateData
			if e, err = req.updateData(r.id); err == nil {
				r.event(e)
				return
			}
		}
		r.s.log.warn("message of a client not understood", "client", r.id, "op", m.Op(), "error", err)
	case "queue-future-release", "queue_release", "variable-future-received-confirm", "variable_delete":
		req, err := newRequest(m)
		if err == nil {
			err = r.coordinate(req)
		}
		if err != nil {
			r.s.log.warn("message of a client not understood", "client", r.id, "op", m.Op(), "error", err)
		}
	default:
		r.s.log.warn("unknown message of a client ignored", "client", r.id, "op", m.Op())
	}
}

func (r *clientReader) updateGraph(m *wire.UpdateGraph) {
	tasks := m.Tasks
	if len(tasks) == 0 && !m.ExprSer.IsNil() {
		r.push() // others' and this client's earlier wishes do not wait for the graph
		var err error
		if tasks, err = r.readGraph(m); err != nil {
			r.failGraph(m.Keys, err)
			return
		}
	}
	if r.s.hooks.any.Load() {
		r.run(func() { r.s.loop.hookGraph(r.id, tasks) })
	}
	r.event(state.UpdateGraph{
		Client: r.id, Tasks: tasks, Keys: m.Keys, SubmittingTask: m.SubmittingTask,
		FifoTimeout: time.Duration(float64(m.FifoTimeout) * float64(time.Second)),
	})
}

func (r *clientReader) readGraph(m *wire.UpdateGraph) ([]wire.TaskDef, error) {
	if r.s.set.GraphReader == nil {
		return nil, errNoGraphReader
	}
	return r.s.set.GraphReader.Read(r.s.ctx, m)
}

// failGraph reports err for every key of a graph that could not be read.
func (r *clientReader) failGraph(keys wire.KeySet, err error) {
	r.s.log.warn("graph not read", "client", r.id, "keys", len(keys), "error", err)
	told := wire.TaskErred{
		Exception: wire.BytesOpaque(pickleError("RuntimeError", err.Error())), ExceptionText: err.Error(),
	}
	var unread *graph.Error
	if errors.As(err, &unread) && len(unread.Exception) > 0 {
		told.Exception, told.TracebackText = wire.BytesOpaque(unread.Exception), unread.TracebackText
		if len(unread.Traceback) > 0 {
			told.Traceback = wire.BytesOpaque(unread.Traceback)
		}
	}
	r.run(func() {
		for _, k := range keys {
			one := told
			one.Key = k
			r.s.loop.toClient(r.id, &one)
		}
	})
}
