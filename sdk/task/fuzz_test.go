package task

import (
	"context"
	"reflect"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

func FuzzDecodeCall(f *testing.F) {
	fn := mustAdd(f, "f", func(context.Context, []int, map[string]point, any, holder, ...string) int { return 0 })
	c, err := fn.NewCall([]any{1, refTo[int]("a")}, map[string]any{"x": refTo[point]("p")}, make([]byte, FrameSize), holder{refTo[int]("b"), 1}, "s")
	if err != nil {
		f.Fatal(err)
	}
	o, err := c.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(o.Raw, o.Frames[0], o.Frames[1])
	f.Add([]byte{0x92, 0xa1, 'f', 1}, []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, raw, head, data []byte) {
		c, err := DecodeCall(wire.Opaque{Raw: raw, Frames: [][]byte{head, data}})
		if err != nil {
			return
		}
		c.Dependencies(nil)
		_, _ = fn.Bind(c, func(_ wire.Key, typ reflect.Type) (any, error) { return reflect.Zero(typ).Interface(), nil })
		again, err := c.Encode()
		if err != nil {
			return
		}
		if _, err := DecodeCall(again); err != nil {
			t.Errorf("call %+v does not decode again: %v", c, err)
		}
	})
}

func FuzzDecodeValue(f *testing.F) {
	for _, v := range []any{nil, 1, "x", []any{1, map[string]any{"a": 2.5}}, point{1, 2, "x"}, make([]float64, 1<<13)} {
		o, err := EncodeValue(v)
		if err != nil {
			f.Fatal(err)
		}
		o.Frames = append(o.Frames, nil, nil)
		f.Add(o.Raw, o.Frames[0], o.Frames[1])
	}
	types := []reflect.Type{
		nil, reflect.TypeFor[int](), reflect.TypeFor[string](), reflect.TypeFor[[]float64](), reflect.TypeFor[point](),
		reflect.TypeFor[map[string]*point](), reflect.TypeFor[[]any](), reflect.TypeFor[[4]uint8](),
	}
	f.Fuzz(func(_ *testing.T, raw, head, data []byte) {
		for _, t := range types {
			_, _ = DecodeValue(wire.Opaque{Raw: raw, Frames: [][]byte{head, data}}, t)
		}
	})
}

func BenchmarkInvokeNoop(b *testing.B) {
	f := mustAdd(b, "f", func() {})
	c, err := f.NewCall()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		args, _ := f.Bind(c, nil)
		_, _ = f.Invoke(b.Context(), args)
	}
}

func BenchmarkCallOverTheWire(b *testing.B) {
	f := mustAdd(b, "f", func(x, y int) int { return x + y })
	for b.Loop() {
		c, _ := f.NewCall(1, 2)
		o, _ := c.Encode()
		c, _ = DecodeCall(o)
		args, _ := f.Bind(c, nil)
		_, _ = f.Invoke(b.Context(), args)
	}
}

func BenchmarkHash(b *testing.B) {
	c, err := mustAdd(b, "f", func(x, y int) int { return x + y }).NewCall(1, 2)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		_, _ = c.Hash()
	}
}
