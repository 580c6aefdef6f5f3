package task

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// serializer is the name in the header of frames that Go workers make.
const serializer = "gdask"

// placeholder is the key of the one-entry map that points to a header frame.
const placeholder = "__Serialized__"

// bytes writes a byte string inline or, when large, as a frame.
func (e *encoder) bytes(typ string, data []byte) {
	switch {
	case len(data) >= FrameSize:
		e.frame(typ, data)
	case data == nil:
		e.b = msgp.AppendNil(e.b)
	default:
		e.b = msgp.AppendBytes(e.b, data)
	}
}

// frame writes a placeholder and appends header and data to the frames.
func (e *encoder) frame(typ string, data []byte) {
	e.placeholder(len(e.frames))
	h := msgp.AppendMapHeader(nil, 7)
	h = msgp.AppendString(h, "serializer")
	h = msgp.AppendString(h, serializer)
	h = msgp.AppendString(h, "type")
	h = msgp.AppendString(h, typ)
	h = msgp.AppendString(h, "num-sub-frames")
	h = msgp.AppendInt(h, 1)
	h = msgp.AppendString(h, "writeable")
	h = msgp.AppendArrayHeader(h, 0)
	h = msgp.AppendString(h, "split-num-sub-frames")
	h = msgp.AppendInt(msgp.AppendArrayHeader(h, 1), 1)
	h = msgp.AppendString(h, "split-offsets")
	h = msgp.AppendInt(msgp.AppendArrayHeader(h, 1), 0)
	h = msgp.AppendString(h, "compression")
	h = msgp.AppendNil(msgp.AppendArrayHeader(h, 1))
	e.frames = append(e.frames, h, data)
}

func (e *encoder) placeholder(i int) {
	e.b = msgp.AppendMapHeader(e.b, 1)
	e.b = msgp.AppendString(e.b, placeholder)
	e.b = msgp.AppendInt(e.b, i)
}

// splice writes a literal that is encoded already. At its top it is either
// inline or a single placeholder, because this package made it.
func (e *encoder) splice(o wire.Opaque) {
	if i, ok := readPlaceholder(o.Raw); ok && i+1 < len(o.Frames) {
		e.placeholder(len(e.frames))
		e.frames = append(e.frames, o.Frames[i], o.Frames[i+1])
		return
	}
	e.b = append(e.b, o.Raw...)
}

// readPlaceholder reads {"__Serialized__": i}.
func readPlaceholder(b []byte) (int, bool) {
	const start = "\x81\xae" + placeholder
	if len(b) <= len(start) || string(b[:len(start)]) != start {
		return 0, false
	}
	i, _, err := msgp.ReadIntBytes(b[len(start):])
	return i, err == nil && i >= 0
}

// header is what a header frame says of its sub-frames.
type header struct {
	serializer, typ string
	frames          int
}

func readHeader(b []byte) (h header, err error) {
	n, b, err := msgp.ReadMapHeaderBytes(b)
	for ; n > 0 && err == nil; n-- {
		var key []byte
		if key, b, err = msgp.ReadMapKeyZC(b); err != nil {
			break
		}
		switch string(key) {
		case "serializer":
			h.serializer, b, err = msgp.ReadStringBytes(b)
		case "type":
			if msgp.NextType(b) == msgp.StrType {
				h.typ, b, err = msgp.ReadStringBytes(b)
				continue
			}
			b, err = msgp.Skip(b)
		case "num-sub-frames":
			h.frames, b, err = msgp.ReadIntBytes(b)
		default:
			b, err = msgp.Skip(b)
		}
	}
	if err != nil {
		return h, fmt.Errorf("task: header frame: %w", err)
	}
	return h, nil
}

// rawSlice is the frame type of a slice of numbers, "" for all other types.
func rawSlice(t reflect.Type) string {
	if t.Kind() != reflect.Slice || !isNumber(t.Elem().Kind()) || !littleEndian() {
		return ""
	}
	return "[]" + t.Elem().Kind().String()
}

func littleEndian() bool {
	return binary.NativeEndian.Uint16([]byte{1, 0}) == 1
}

// sliceBytes is the memory of a slice of numbers.
func sliceBytes(v reflect.Value) []byte {
	n := v.Len() * int(v.Type().Elem().Size())
	return unsafe.Slice((*byte)(v.UnsafePointer()), n)
}

// sliceFrom is a slice of type t over data, or over a copy when data does not
// start where such numbers may start.
func sliceFrom(data []byte, t reflect.Type) (reflect.Value, error) {
	size := int(t.Elem().Size())
	if len(data)%size != 0 {
		return reflect.Value{}, fmt.Errorf("task: a frame of %d bytes holds no whole number of %s", len(data), t.Elem())
	}
	n := len(data) / size
	if n == 0 {
		return reflect.MakeSlice(t, 0, 0), nil
	}
	p := unsafe.Pointer(unsafe.SliceData(data))
	if uintptr(p)%uintptr(t.Elem().Align()) == 0 {
		return reflect.SliceAt(t.Elem(), p, n).Convert(t), nil
	}
	out := reflect.MakeSlice(t, n, n)
	copy(sliceBytes(out), data)
	return out, nil
}
