package gdask

import (
	"reflect"
	"sync"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// handle is a future or an actor: as data it is a name, which means something
// to a client only.
type handle interface{ bind(c *Client) }

var handleType = reflect.TypeFor[handle]()

// Bind makes the futures and actors that came as data inside of *v those of c.
// Results and what comes from queues and variables are bound to the client that
// fetched them; a task binds what is in its arguments to its [TaskClient].
func Bind[V any](c *Client, v *V) { bindAll(c, reflect.ValueOf(v).Elem(), 64) }

// decodeBound decodes a value that may have handles inside, and binds them to c.
// A value of this process is copied then: its handles are somebody else's.
func decodeBound[R any](c *Client, o wire.Opaque, decode func(wire.Opaque) (R, error)) (R, error) {
	if c == nil || !holdsHandles(reflect.TypeFor[R]()) {
		return decode(o)
	}
	var err error
	if o.Ref != nil {
		if o, err = task.EncodeValue(o.Ref); err != nil {
			var zero R
			return zero, err
		}
	}
	r, err := decode(o)
	if err == nil {
		Bind(c, &r)
	}
	return r, err
}

// bindAll binds what is inside of a value that may be changed.
func bindAll(c *Client, v reflect.Value, depth int) {
	if depth == 0 || !holdsHandles(v.Type()) {
		return
	}
	if v.CanAddr() {
		if h, ok := reflect.TypeAssert[handle](v.Addr()); ok {
			h.bind(c)
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			bindAll(c, v.Elem(), depth-1)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			bindAll(c, v.Index(i), depth-1)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			e := reflect.New(v.Type().Elem()).Elem()
			e.Set(it.Value())
			bindAll(c, e, depth-1)
			v.SetMapIndex(it.Key(), e)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				bindAll(c, v.Field(i), depth-1)
			}
		}
	}
}

// handled remembers which types may hold handles.
var handled sync.Map

// holdsHandles says whether values of a type may have futures or actors inside.
func holdsHandles(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Pointer, reflect.Map, reflect.Struct:
	default:
		return false
	}
	if known, ok := handled.Load(t); ok {
		return known == true
	}
	holds := searchHandles(t, map[reflect.Type]bool{})
	handled.Store(t, holds)
	return holds
}

func searchHandles(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t.Implements(handleType) || reflect.PointerTo(t).Implements(handleType) {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Pointer, reflect.Map:
		return searchHandles(t.Elem(), seen)
	case reflect.Struct:
		for f := range t.Fields() {
			if f.IsExported() && searchHandles(f.Type, seen) {
				return true
			}
		}
	}
	return false
}

// MarshalBinary implements encoding.BinaryMarshaler: as data a future is its key.
// It does not keep the result alive; hold the future until the receiver has one.
func (f *Future[R]) MarshalBinary() ([]byte, error) { return []byte(f.TaskKey()), nil }

// UnmarshalBinary implements encoding.BinaryUnmarshaler. The future belongs to
// no client until [Bind].
func (f *Future[R]) UnmarshalBinary(b []byte) error {
	k, _, err := wire.ParseKey(b)
	if err == nil {
		*f = Future[R]{f: client.Unbound(k)}
	}
	return err
}

// bind makes a future that came as data one of c's.
func (f *Future[R]) bind(c *Client) {
	if !f.f.Bound() {
		own := adopt[R](c, c.core.Desire([]wire.Key{f.f.Key()}))[0]
		*f = Future[R]{c: c, f: own.f, own: own}
	}
}
