package workerrt

import (
	"fmt"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
	"github.com/gdask/gdask/sdk/wire"
)

// getData sends the values that are here; the asker sees which are not. nbytes is
// what they take.
func (w *Worker) getData(c *wire.Conn, m *wire.GetData) (reply any, nbytes int64) {
	keys, values := make([]wire.Key, 0, len(m.Keys)), make([]any, 0, len(m.Keys))
	w.inbox.do(func() {
		for _, k := range m.Keys {
			t := w.m.Task(k)
			if t == nil || t.State != state.Memory {
				continue
			}
			w.m.Use(t)
			if h, ok := t.Data.(*stored); ok {
				h.hold()
			}
			keys, values, nbytes = append(keys, k), append(values, t.Data), nbytes+t.Nbytes
		}
	})
	defer func() {
		for _, v := range values {
			if h, ok := v.(*stored); ok {
				h.release()
			}
		}
	}()
	out := &wire.GetDataReply{Status: "OK", Data: make(wire.DataMap, 0, len(keys))}
	for i, v := range values {
		o, ok, err := w.outgoing(keys[i], v, c.ByReference())
		if err != nil {
			return wire.FailureOf(fmt.Errorf("worker %s: result of %s: %w", w.address, keys[i], err)), 0
		}
		if ok {
			out.Data = append(out.Data, wire.DataItem{Key: keys[i], Value: o})
		}
	}
	return out, nbytes
}

// outgoing is a value for a peer. One on disk is sent as it is there, or as the
// value that it was where values go by reference; one that cannot be read is not
// here.
func (w *Worker) outgoing(key wire.Key, v any, byReference bool) (o wire.Opaque, ok bool, err error) {
	h, onDisk := v.(*stored)
	if !onDisk {
		o, err = encoded(v, byReference)
		return o, true, err
	}
	if byReference {
		if v, err = h.get(); err == nil {
			o, err = encoded(v, true)
		}
	} else {
		o, err = h.opaque()
	}
	if err != nil {
		w.inbox.post([]state.Lost{w.giveUp(key, h, err)})
		return o, false, nil
	}
	return o, true, nil
}
