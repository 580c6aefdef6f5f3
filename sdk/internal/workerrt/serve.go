package workerrt

import (
	"errors"
	"io"
	"math"
	"net"
	"time"

	"github.com/gdask/gdask/sdk/hook"
	"github.com/gdask/gdask/sdk/wire"
)

// accept takes the connections of peers, clients and the scheduler.
func (w *Worker) accept() {
	for pause := time.Millisecond; ; {
		nc, err := w.ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || w.ctx.Err() != nil {
				return
			}
			w.logs.Warn("accepting a connection failed", "error", err)
			select { // for instance out of file descriptors
			case <-w.ctx.Done():
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, time.Second)
			continue
		}
		pause = time.Millisecond
		w.wg.Go(func() { w.converse(nc) })
	}
}

// converse answers the requests of one connection.
func (w *Worker) converse(nc net.Conn) {
	c, err := wire.NewConn(w.ctx, nc, w.set.Wire)
	if err != nil {
		w.logs.Debug("handshake failed", "peer", nc.RemoteAddr(), "error", err)
		return
	}
	if !w.track(c) {
		return
	}
	defer w.untrack(c)
	for {
		in, err := c.Recv()
		if err != nil {
			if !errors.Is(err, io.EOF) && w.ctx.Err() == nil {
				w.logs.Debug("connection ended", "peer", nc.RemoteAddr(), "error", err)
			}
			return
		}
		if len(in.Msgs) == 0 { // the "OK" after a get_data
			continue
		}
		if w.answer(c, in) || in.Close {
			return
		}
	}
}

// track remembers a connection for the close; false when it is too late.
func (w *Worker) track(c *wire.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conns == nil {
		_ = c.Close()
		return false
	}
	w.conns[c] = struct{}{}
	return true
}

func (w *Worker) untrack(c *wire.Conn) {
	w.mu.Lock()
	delete(w.conns, c)
	w.mu.Unlock()
	_ = c.Close() // whoever was there is gone
}

// closeConns ends all conversations.
func (w *Worker) closeConns() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

// answer handles one request and reports whether the conversation is over.
func (w *Worker) answer(c *wire.Conn, in wire.Incoming) (over bool) {
	var reply any
	if err := hook.Blocked(in.Msgs[0].Op(), "Worker", w.set.Blocked); err != nil {
		return in.Reply && c.SendValue(wire.FailureOf(err)) != nil
	}
	switch m := in.Msgs[0].(type) {
	case *wire.GetData:
		if w.serving.Add(1) > w.servingLimit(sameHost(c)) {
			w.serving.Add(-1)
			reply = &wire.GetDataReply{Status: "busy"}
			break
		}
		defer w.serving.Add(-1)
		w.totals.transfersOut.Add(1)
		var nbytes int64
		reply, nbytes = w.getData(c, m)
		w.totals.bytesOut.Add(nbytes)
		w.sending.Add(nbytes)
		defer w.sending.Add(-nbytes)
	case *wire.UpdateData:
		reply = w.updateData(m.Data)
	case *wire.CloseStream:
		return true
	case *wire.CloseWorker: // {"op": "close", "reply": false} ends a pooled connection
		return true
	default:
		reply = w.request(m)
	}
	if !in.Reply {
		return false
	}
	if err := c.SendValue(reply); err != nil {
		w.logs.Debug("answer not sent", "op", in.Msgs[0].Op(), "error", err)
		return true
	}
	return false
}

// servingLimit is how many answers with values may be on their way out at once.
// Those that stay on this host do not load the network.
func (w *Worker) servingLimit(sameHost bool) int32 {
	most := int32(min(w.set.Tuning.Incoming, math.MaxInt32/2))
	switch {
	case w.Status() == "paused":
		return 1
	case sameHost:
		return 2 * most
	}
	return most
}

// sameHost says that a connection's ends are on one host.
func sameHost(c *wire.Conn) bool {
	near, ok := c.NetConn().LocalAddr().(*net.TCPAddr)
	if !ok {
		return true // all but TCP stay on the host
	}
	far, ok := c.NetConn().RemoteAddr().(*net.TCPAddr)
	return ok && near.IP.Equal(far.IP)
}
