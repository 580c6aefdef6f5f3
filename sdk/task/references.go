package task

import "reflect"

// EachReference calls f for the references in a value, at any depth.
func EachReference(v any, f func(Reference)) {
	switch v.(type) {
	case nil, bool, int, float64, string, []byte, []int, []float64:
		return
	}
	eachReference(reflect.ValueOf(v), 64, f)
}

func eachReference(v reflect.Value, depth int, f func(Reference)) {
	if depth == 0 || !v.IsValid() || !mayRefer(v.Type(), nil) {
		return
	}
	if v.Type().Implements(refType) {
		if r, ok := reflect.TypeAssert[Reference](v); ok && v.CanInterface() && refersAt(v, 1) {
			f(r)
		}
		return
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		eachReference(v.Elem(), depth-1, f)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			eachReference(v.Index(i), depth-1, f)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			eachReference(it.Value(), depth-1, f)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			eachReference(field, depth-1, f)
		}
	}
}
