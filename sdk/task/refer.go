package task

import (
	"fmt"
	"math"
	"reflect"
)

var (
	anyType = reflect.TypeFor[any]()
	refType = reflect.TypeFor[Reference]()
)

// mayRefer says that values of type t could hold a Reference. seen breaks the
// cycles of recursive types.
func mayRefer(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t.Implements(refType) || t.Kind() == reflect.Interface {
		return true
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Pointer, reflect.Map, reflect.Struct:
	default:
		return false
	}
	if seen[t] {
		return false
	}
	if seen == nil {
		seen = make(map[reflect.Type]bool)
	}
	seen[t] = true
	if t.Kind() != reflect.Struct {
		return mayRefer(t.Elem(), seen)
	}
	for field := range t.Fields() {
		if mayRefer(field.Type, seen) {
			return true
		}
	}
	return false
}

// refers says that v holds a Reference somewhere.
func refers(v reflect.Value) bool { return refersAt(v, 64) }

func refersAt(v reflect.Value, depth int) bool {
	if depth == 0 || !v.IsValid() || !mayRefer(v.Type(), nil) {
		return false
	}
	if v.Type().Implements(refType) {
		return (v.Kind() != reflect.Interface && v.Kind() != reflect.Pointer) || !v.IsNil()
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		return refersAt(v.Elem(), depth-1)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if refersAt(v.Index(i), depth-1) {
				return true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if refersAt(it.Value(), depth-1) {
				return true
			}
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			if refersAt(field, depth-1) {
				return true
			}
		}
	}
	return false
}

// convert returns v as a t: itself when assignable, a number when it is exactly
// representable, and slices and maps of any element by element.
func convert(v reflect.Value, t reflect.Type) (any, error) {
	if v.Type() == t {
		return v.Interface(), nil
	}
	if v.Type().AssignableTo(t) {
		if t.Kind() == reflect.Interface {
			return v.Interface(), nil
		}
		return v.Convert(t).Interface(), nil
	}
	if v.Kind() == reflect.Interface && !v.IsNil() {
		return convert(v.Elem(), t)
	}
	if numeric(v.Type(), t) {
		if out := v.Convert(t); sameNumber(v, out) {
			return out.Interface(), nil
		}
		return nil, fmt.Errorf("is %v, which a %s cannot hold", v, t)
	}
	if v.Kind() == reflect.Slice && t.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Interface {
		return convertSlice(v, t)
	}
	return nil, fmt.Errorf("is a %s, wants %s", v.Type(), t)
}

func convertSlice(v reflect.Value, t reflect.Type) (any, error) {
	out := reflect.MakeSlice(t, v.Len(), v.Len())
	for i := range v.Len() {
		e := v.Index(i)
		if e.IsNil() {
			continue
		}
		c, err := convert(e, t.Elem())
		if err != nil {
			return nil, fmt.Errorf("element %d %w", i, err)
		}
		out.Index(i).Set(reflect.ValueOf(c))
	}
	return out.Interface(), nil
}

// numeric says that both are numbers.
func numeric(a, b reflect.Type) bool { return isNumber(a.Kind()) && isNumber(b.Kind()) }

func isNumber(k reflect.Kind) bool {
	return k >= reflect.Int && k <= reflect.Float64 && k != reflect.Uintptr
}

// sameNumber says that the conversion from a to b lost nothing.
func sameNumber(a, b reflect.Value) bool {
	if b.CanFloat() && a.CanFloat() {
		return a.Float() == b.Float() || math.IsNaN(a.Float())
	}
	if a.CanInt() && b.CanUint() && a.Int() < 0 || a.CanUint() && b.CanInt() && b.Int() < 0 {
		return false
	}
	return a.Equal(b.Convert(a.Type()))
}
