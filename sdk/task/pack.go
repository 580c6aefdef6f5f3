package task

import (
	"context"
	"fmt"
	"reflect"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// Pack is the call as plain bytes, for messages that are kept and passed on: an
// array of the run spec and its frames.
func (c *Call) Pack() ([]byte, error) {
	o, err := c.Encode()
	if err != nil {
		return nil, err
	}
	b := msgp.AppendArrayHeader(nil, uint32(1+len(o.Frames)))
	b = msgp.AppendBytes(b, o.Raw)
	for _, f := range o.Frames {
		b = msgp.AppendBytes(b, f)
	}
	return b, nil
}

// Unpack reads what [Call.Pack] made.
func Unpack(b []byte) (*Call, error) {
	n, b, err := msgp.ReadArrayHeaderBytes(b)
	if err != nil || n == 0 {
		return nil, fmt.Errorf("task: packed call: no array of a run spec and its frames: %w", err)
	}
	var o wire.Opaque
	for i := range n {
		var part []byte
		if part, b, err = msgp.ReadBytesZC(b); err != nil {
			return nil, fmt.Errorf("task: packed call: part %d of %d: %w", i+1, n, err)
		}
		if i == 0 {
			o.Raw = part
		} else {
			o.Frames = append(o.Frames, part)
		}
	}
	return DecodeCall(o)
}

// Call runs a registered function on a call without references to other tasks.
func (r *Registry) Call(ctx context.Context, c *Call) (any, error) {
	f, err := r.Resolve(c)
	if err != nil {
		return nil, err
	}
	args, err := f.Bind(c, func(k wire.Key, _ reflect.Type) (any, error) {
		return nil, fmt.Errorf("the call needs %s; it is made outside of tasks and takes no futures", k)
	})
	if err != nil {
		return nil, err
	}
	return f.Invoke(ctx, args)
}
