package scheduler

import (
	"context"
	"sync"
	"testing"

	"github.com/gdask/gdask/sdk/comm"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
)

// dataServer is the serving side of a fake worker.
type dataServer struct {
	t    testing.TB
	s    *Scheduler
	l    comm.Listener
	mu   sync.Mutex
	data map[wire.Key]wire.Opaque
	busy int // answers of "busy" before the first true one
	wg   sync.WaitGroup
}

// serveData starts one, registers a worker at its address and has both closed
// at the end of the test.
func serveData(t testing.TB, s *Scheduler, data map[wire.Key]wire.Opaque) (*dataServer, *peer) {
	t.Helper()
	l, err := s.set.Transports.Listen(context.Background(), "tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if data == nil {
		data = map[wire.Key]wire.Opaque{}
	}
	d := &dataServer{t: t, s: s, l: l, data: data}
	d.wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			d.wg.Go(func() {
				c, err := wire.NewConn(context.Background(), nc, wire.Settings{})
				if err == nil {
					d.serve(c)
					_ = c.Close()
				}
			})
		}
	})
	// Closed after the scheduler, whose pool holds the other ends: so first here.
	t.Cleanup(func() { _ = l.Close(); _ = s.Close(context.Background()); d.wg.Wait() })
	return d, newWorkerThat(t, s, l.ContactAddress(), 1, true)
}

func (d *dataServer) serve(c *wire.Conn) {
	for {
		in, err := c.Recv()
		if err != nil {
			return
		}
		if len(in.Msgs) == 0 {
			continue // the "OK" after data
		}
		if err := c.SendValue(d.answer(in.Msgs[0])); err != nil {
			return
		}
	}
}

func (d *dataServer) answer(m wire.Msg) any {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch m := m.(type) {
	case *wire.GetData:
		if d.busy > 0 {
			d.busy--
			return &wire.GetDataReply{Status: "busy"}
		}
		r := &wire.GetDataReply{Status: "OK"}
		for _, k := range m.Keys {
			if v, ok := d.data[k]; ok {
				r.Data = append(r.Data, wire.DataItem{Key: k, Value: v})
			}
		}
		return r
	case *wire.UpdateData:
		r := &wire.UpdateDataReply{Status: "OK"}
		for _, item := range m.Data {
			d.data[item.Key] = item.Value
			r.Nbytes = append(r.Nbytes, wire.KeySize{Key: item.Key, Nbytes: 8})
		}
		return r
	}
	switch m.Op() {
	case "gather":
		return &tree{object{{"status", "OK"}}}
	case "get_logs":
		return &tree{[]any{[]string{"INFO", "started"}}}
	case "call_stack":
		return &tree{keyed{{wire.StrKey("x"), []string{"goroutine 7 [running]:\nmain.<work>()"}}}}
	case "dump_state":
		return &tree{object{{"tasks", object{}}, {"log", []any{}}, {"config", object{{"tls-token", "hush"}, {"plain", 5}}}}}
	case "versions":
		return &tree{object{{"packages", object{{"python", "3.12"}}}}}
	case "echo":
		return m.(*wire.UnknownMsg).Map
	}
	return uncaught(asPython("ValueError", "no operation %s on this worker", m.Op()))
}

// framed is a value with an out-of-band frame, as Python's serialised ones are.
func framed(payload string) wire.Opaque {
	head := msgp.AppendMapHeader(nil, 2)
	head = msgp.AppendString(msgp.AppendString(head, "serializer"), "pickle")
	head = msgp.AppendInt(msgp.AppendString(head, "num-sub-frames"), 1)
	raw := msgp.AppendMapHeader(nil, 1)
	raw = msgp.AppendInt(msgp.AppendString(raw, "__Serialized__"), 0)
	return wire.Opaque{Raw: raw, Frames: [][]byte{head, []byte(payload)}}
}

// compute has worker w make the result of key for client c.
func compute(w, c *peer, key string) {
	w.t.Helper()
	c.send(&wire.UpdateGraph{Tasks: []wire.TaskDef{noop(key)}, Keys: keysOf(key)})
	w.send(finish(next[*wire.ComputeTask](w)))
	next[*wire.KeyInMemory](c)
}
