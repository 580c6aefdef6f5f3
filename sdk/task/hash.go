package task

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"reflect"
	"slices"
	"sync"
)

// Hash is 32 hexadecimal digits that depend on the function's name and
// signature and on the arguments only, in every process: equal calls of a pure
// function get equal keys. Arguments without a stable content (functions,
// channels, cycles) are an error; give such a call a key of its own.
func (c *Call) Hash() (string, error) {
	text, err := c.AppendHash(nil)
	return string(text), err
}

// hashers saves making a buffer for every call.
var hashers = sync.Pool{New: func() any { return &hasher{buf: make([]byte, 0, 512)} }}

// AppendHash appends Hash's digits to dst.
func (c *Call) AppendHash(dst []byte) ([]byte, error) {
	h, _ := hashers.Get().(*hasher)
	defer hashers.Put(h)
	h.buf, h.h = h.buf[:0], nil
	h.text(c.Name)
	h.number(c.Sig)
	for i := range c.Args {
		if err := h.arg(&c.Args[i]); err != nil {
			return dst, fmt.Errorf("task: argument %d of %q: %w", i+1, c.Name, err)
		}
	}
	sum := h.sum()
	return hex.AppendEncode(dst, sum[:16]), nil
}

// hasher feeds a hash; small inputs never leave its buffer.
type hasher struct {
	buf []byte
	h   hash.Hash
}

func (h *hasher) flush() {
	if len(h.buf) < 4096 {
		return
	}
	if h.h == nil {
		h.h = sha256.New()
	}
	_, _ = h.h.Write(h.buf)
	h.buf = h.buf[:0]
}

func (h *hasher) sum() [sha256.Size]byte {
	if h.h == nil {
		return sha256.Sum256(h.buf)
	}
	_, _ = h.h.Write(h.buf)
	return [sha256.Size]byte(h.h.Sum(nil))
}

func (h *hasher) number(n uint64) {
	h.buf = binary.LittleEndian.AppendUint64(h.buf, n)
	h.flush()
}

func (h *hasher) text(s string) {
	h.number(uint64(len(s)))
	h.buf = append(h.buf, s...)
	h.flush()
}

func (h *hasher) bytes(b []byte) {
	h.number(uint64(len(b)))
	if len(b) < 4096 {
		h.buf = append(h.buf, b...)
		h.flush()
		return
	}
	if h.h == nil {
		h.h = sha256.New()
	}
	_, _ = h.h.Write(h.buf)
	_, _ = h.h.Write(b) // in place: may be many megabytes
	h.buf = h.buf[:0]
}

func (h *hasher) arg(a *Arg) error {
	switch {
	case a.Key != "":
		h.buf = append(h.buf, 'k')
		h.text(string(a.Key))
		return nil
	case a.Nest != nil:
		return h.nest(a.Nest)
	}
	h.buf = append(h.buf, 'v')
	if lit, ok := a.Value.(literal); ok {
		v, err := DecodeValue(lit.o, nil)
		if err != nil {
			return err
		}
		a = &Arg{Value: v}
	}
	return h.value(a.Value)
}

func (h *hasher) nest(n *Nest) error {
	h.buf = append(h.buf, 'n', byte(n.Kind))
	h.number(uint64(len(n.Items)))
	if n.Kind == NestMap {
		return h.unordered(len(n.Items)/2, func(h *hasher, i int) error {
			if err := h.arg(&n.Items[2*i]); err != nil {
				return err
			}
			return h.arg(&n.Items[2*i+1])
		})
	}
	if n.Kind == NestStruct {
		if err := h.value(n.Base); err != nil {
			return err
		}
	}
	for i := range n.Items {
		if n.Kind == NestStruct {
			h.text(n.Names[i])
		}
		if err := h.arg(&n.Items[i]); err != nil {
			return err
		}
	}
	return nil
}

// unordered hashes n entries so that their order does not matter.
func (h *hasher) unordered(n int, entry func(h *hasher, i int) error) error {
	sums := make([][sha256.Size]byte, n)
	for i := range sums {
		var one hasher
		if err := entry(&one, i); err != nil {
			return err
		}
		sums[i] = one.sum()
	}
	slices.SortFunc(sums, func(a, b [sha256.Size]byte) int { return slices.Compare(a[:], b[:]) })
	for i := range sums {
		h.buf = append(h.buf, sums[i][:]...)
		h.flush()
	}
	return nil
}

func (h *hasher) value(v any) error {
	switch v := v.(type) {
	case nil:
		h.buf = append(h.buf, '0')
	case int:
		h.buf = append(h.buf, 'i')
		h.number(uint64(v))
	case float64:
		h.buf = append(h.buf, 'f')
		h.number(math.Float64bits(v))
	case string:
		h.buf = append(h.buf, 's')
		h.text(v)
	case []byte:
		h.buf = append(h.buf, 'b')
		h.bytes(v)
	default:
		rv := reflect.ValueOf(v)
		h.text(typeText(rv.Type()))
		return h.reflected(rv, maxDepth)
	}
	return nil
}

func (h *hasher) reflected(v reflect.Value, depth int) error {
	if depth == 0 {
		return fmt.Errorf("task: a %s nests deeper than %d levels or in a cycle and has no hash; give the task a key", v.Type(), maxDepth)
	}
	if v.CanInterface() {
		if m, ok := reflect.TypeAssert[encoding.BinaryMarshaler](v); ok && (v.Kind() != reflect.Pointer || !v.IsNil()) {
			data, err := marshalBinary(m)
			if err != nil {
				return fmt.Errorf("MarshalBinary of %s: %w", v.Type(), err)
			}
			h.bytes(data)
			return nil
		}
	}
	switch {
	case v.CanInt():
		h.number(uint64(v.Int()))
	case v.CanUint() && v.Kind() != reflect.Uintptr:
		h.number(v.Uint())
	case v.CanFloat():
		h.number(math.Float64bits(v.Float()))
	case v.CanComplex():
		h.number(math.Float64bits(real(v.Complex())))
		h.number(math.Float64bits(imag(v.Complex())))
	default:
		return h.composite(v, depth)
	}
	return nil
}

func (h *hasher) composite(v reflect.Value, depth int) error {
	switch v.Kind() {
	case reflect.Bool:
		h.buf = append(h.buf, map[bool]byte{false: 0, true: 1}[v.Bool()])
		return nil
	case reflect.String:
		h.text(v.String())
		return nil
	case reflect.Slice, reflect.Array:
		return h.list(v, depth)
	case reflect.Struct:
		for _, field := range v.Fields() {
			if err := h.reflected(field, depth-1); err != nil {
				return err
			}
		}
		return nil
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			h.buf = append(h.buf, '0')
			return nil
		}
		h.buf = append(h.buf, '1')
		h.text(typeText(v.Elem().Type()))
		return h.reflected(v.Elem(), depth-1)
	case reflect.Map:
		h.number(uint64(v.Len()))
		keys := v.MapKeys()
		return h.unordered(len(keys), func(h *hasher, i int) error {
			if err := h.reflected(keys[i], depth-1); err != nil {
				return err
			}
			return h.reflected(v.MapIndex(keys[i]), depth-1)
		})
	}
	return fmt.Errorf("task: a %s has no hash; give the task a key", v.Type())
}

func (h *hasher) list(v reflect.Value, depth int) error {
	h.number(uint64(v.Len()))
	if rawSlice(v.Type()) != "" {
		h.bytes(sliceBytes(v))
		return nil
	}
	for i := range v.Len() {
		if err := h.reflected(v.Index(i), depth-1); err != nil {
			return err
		}
	}
	return nil
}
