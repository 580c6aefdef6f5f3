package workerrt

import (
	"fmt"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
	"github.com/gdask/gdask/sdk/wire"
)

// answer is an answer to get_data in the making.
type answer struct {
	values []dep
	nbytes int64
}

// getData sends the values that are here; the asker sees which are not. nbytes is
// what they take.
func (w *Worker) getData(c *wire.Conn, m *wire.GetData) (reply any, nbytes int64) {
	a := &answer{values: make([]dep, 0, len(m.Keys))}
	w.inbox.do(func() { a.take(w.m, m.Keys) })
	defer a.letGo()
	out := &wire.GetDataReply{Status: "OK", Data: make(wire.DataMap, 0, len(a.values))}
	for i := range a.values {
		v := &a.values[i]
		o, ok, err := w.outgoing(v.key, v.value, c.ByReference())
		if err != nil {
			return wire.FailureOf(fmt.Errorf("worker %s: result of %s: %w", w.address, v.key, err)), 0
		}
		if ok {
			out.Data = append(out.Data, wire.DataItem{Key: v.key, Value: o})
		}
	}
	return out, a.nbytes
}

// take collects the values that the machine has, and holds those on disk.
func (a *answer) take(m *state.Machine, keys []wire.Key) {
	for _, k := range keys {
		t := m.Task(k)
		if t == nil || t.State != state.Memory {
			continue
		}
		m.Use(t)
		if h, ok := t.Data.(*stored); ok {
			h.hold()
		}
		a.values, a.nbytes = append(a.values, dep{k, t.Data}), a.nbytes+t.Nbytes
	}
}

func (a *answer) letGo() {
	for i := range a.values {
		if h, ok := a.values[i].value.(*stored); ok {
			h.release()
		}
	}
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
