package task

import "reflect"

// Sizer is a value that knows how many bytes it occupies, for values whose size
// reflection would misjudge (memory outside Go, shared buffers).
type Sizer interface{ SizeBytes() int64 }

// Bounds of the walk of Sizeof: it estimates, at most about a microsecond long.
const (
	sizeDepth  = 6
	sizeSample = 16
)

// Sizeof estimates the bytes that v occupies in memory. Large containers are
// judged by a sample of their elements; shared parts count every time.
func Sizeof(v any) int64 {
	switch v := v.(type) {
	case nil:
		return 0
	case bool, int8, uint8:
		return 1
	case int, int64, uint, uint64, float64:
		return 8
	case int32, uint32, float32:
		return 4
	case string:
		return 16 + int64(len(v))
	case []byte:
		return 24 + int64(cap(v))
	case []int:
		return 24 + 8*int64(cap(v))
	case []float64:
		return 24 + 8*int64(cap(v))
	case Sizer:
		return v.SizeBytes()
	}
	rv := reflect.ValueOf(v)
	return int64(rv.Type().Size()) + indirect(rv, sizeDepth)
}

// indirect is what a value holds beyond its own words.
func indirect(v reflect.Value, depth int) int64 {
	if depth == 0 || flat(v.Type()) {
		return 0
	}
	switch v.Kind() {
	case reflect.String:
		return int64(v.Len())
	case reflect.Slice:
		own := int64(v.Cap()) * int64(v.Type().Elem().Size())
		return own + indirectElems(v, depth)
	case reflect.Array:
		return indirectElems(v, depth)
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return 0
		}
		return int64(v.Elem().Type().Size()) + indirect(v.Elem(), depth-1)
	case reflect.Map:
		return indirectMap(v, depth)
	case reflect.Struct:
		var n int64
		for _, field := range v.Fields() {
			n += indirect(field, depth-1)
		}
		return n
	}
	return 0
}

func indirectElems(v reflect.Value, depth int) int64 {
	n := v.Len()
	if n == 0 || v.Kind() == reflect.Slice && flat(v.Type().Elem()) {
		return 0
	}
	step := max(1, n/sizeSample)
	var sum, seen int64
	for i := 0; i < n; i += step {
		sum += indirect(v.Index(i), depth-1)
		seen++
	}
	return sum * int64(n) / seen
}

func indirectMap(v reflect.Value, depth int) int64 {
	n := int64(v.Len())
	t := v.Type()
	own := n * int64(t.Key().Size()+t.Elem().Size()+8)
	if n == 0 || flat(t.Key()) && flat(t.Elem()) {
		return own
	}
	var sum, seen int64
	for it := v.MapRange(); it.Next() && seen < sizeSample; seen++ {
		sum += indirect(it.Key(), depth-1) + indirect(it.Value(), depth-1)
	}
	return own + sum*n/seen
}

// flat says that values of a type hold nothing beyond their own words.
func flat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return flat(t.Elem())
	case reflect.String, reflect.Slice, reflect.Pointer, reflect.Interface, reflect.Map, reflect.Struct:
		return false
	}
	return true
}
