package workerrt

import (
	"reflect"
	"sync"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// remote is a value that came encoded. It is decoded at its first use, to the
// type that is asked for, and passed on to peers as it came.
type remote struct {
	o wire.Opaque

	mu    sync.Mutex
	value any
	typ   reflect.Type
}

func (r *remote) as(t reflect.Type) (any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.typ == t {
		return r.value, nil
	}
	v, err := task.DecodeValue(r.o, t)
	if err != nil {
		return nil, err
	}
	if r.typ == nil {
		r.value, r.typ = v, t
	}
	return v, nil
}

// valueAs is a stored value as a t. Values made here are handed on as they are.
func valueAs(v any, t reflect.Type) (any, error) {
	switch v := v.(type) {
	case *remote:
		return v.as(t)
	case *actor:
		return v.as(t)
	}
	return v, nil
}

// encoded is a stored value for a peer.
func encoded(v any, byReference bool) (wire.Opaque, error) {
	switch v := v.(type) {
	case *remote:
		return v.o, nil
	case *actor:
		return v.ref().Opaque(), nil
	}
	if byReference {
		if v == nil {
			return wire.Opaque{}, nil
		}
		return wire.Opaque{Ref: v}, nil
	}
	return task.EncodeValue(v)
}

// itemOf is a value that came, ready to be stored.
func itemOf(key wire.Key, o wire.Opaque) state.Item {
	if o.Ref != nil {
		return state.Item{Key: key, Data: o.Ref, Nbytes: task.Sizeof(o.Ref), Type: typeName(o.Ref)}
	}
	n := int64(len(o.Raw))
	for _, f := range o.Frames {
		n += int64(len(f))
	}
	return state.Item{Key: key, Data: &remote{o: o}, Nbytes: n}
}
