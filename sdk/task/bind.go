package task

import (
	"fmt"
	"reflect"

	"github.com/gdask/gdask/sdk/wire"
)

// Fetch returns the result of a task as a value of type t.
type Fetch func(key wire.Key, t reflect.Type) (any, error)

// Bind makes the arguments of a call ready for [Function.Invoke]: literals
// decoded, results of other tasks filled in. With no arguments it returns nil.
func (f *Function) Bind(c *Call, fetch Fetch) ([]any, error) {
	if len(c.Args) < f.minArgs() || !f.variadic && len(c.Args) > len(f.params) {
		return nil, f.countError(len(c.Args))
	}
	if len(c.Args) == 0 {
		return nil, nil
	}
	args := make([]any, len(c.Args))
	for i := range c.Args {
		v, err := bindArg(&c.Args[i], f.Accepts(i), fetch)
		if err != nil {
			return nil, fmt.Errorf("task: argument %d of %q, %s: %w", i+1, f.name, f.Signature(), err)
		}
		args[i] = v
	}
	return args, nil
}

func bindArg(a *Arg, t reflect.Type, fetch Fetch) (any, error) {
	switch {
	case a.Key != "":
		v, err := fetch(a.Key, t)
		if err != nil {
			return nil, err
		}
		return asType(v, t)
	case a.Nest != nil:
		return bindNest(a.Nest, t, fetch)
	}
	if lit, ok := a.Value.(literal); ok {
		return DecodeValue(lit.o, t)
	}
	return asType(a.Value, t)
}

func bindNest(n *Nest, t reflect.Type, fetch Fetch) (any, error) {
	switch {
	case n.Kind == NestList && t.Kind() == reflect.Slice:
		s := reflect.MakeSlice(t, len(n.Items), len(n.Items))
		return s.Interface(), bindElems(n.Items, s, fetch)
	case n.Kind == NestList && t.Kind() == reflect.Array && t.Len() == len(n.Items):
		s := reflect.New(t).Elem()
		err := bindElems(n.Items, s, fetch)
		return s.Interface(), err
	case n.Kind == NestList && t == anyType:
		return bindNest(n, reflect.TypeFor[[]any](), fetch)
	case n.Kind == NestMap && t.Kind() == reflect.Map:
		return bindMap(n, t, fetch)
	case n.Kind == NestMap && t == anyType:
		return bindNest(n, reflect.TypeFor[map[string]any](), fetch)
	case n.Kind == NestStruct && t.Kind() == reflect.Struct:
		return bindStruct(n, t, fetch)
	}
	return nil, fmt.Errorf("is a container of %d items, wants %s", len(n.Items), t)
}

func bindElems(items []Arg, into reflect.Value, fetch Fetch) error {
	elem := into.Type().Elem()
	if ints, ok := reflect.TypeAssert[[]int](into); ok {
		return bindInts(items, ints, elem, fetch)
	}
	for i := range items {
		v, err := bindArg(&items[i], elem, fetch)
		if err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
		if v != nil {
			into.Index(i).Set(reflect.ValueOf(v))
		}
	}
	return nil
}

// bindInts is bindElems for the commonest reduction.
func bindInts(items []Arg, into []int, elem reflect.Type, fetch Fetch) error {
	for i := range items {
		v, err := bindArg(&items[i], elem, fetch)
		if err != nil {
			return fmt.Errorf("element %d: %w", i, err)
		}
		into[i], _ = v.(int)
	}
	return nil
}

func bindMap(n *Nest, t reflect.Type, fetch Fetch) (any, error) {
	m := reflect.MakeMapWithSize(t, len(n.Items)/2)
	for i := 0; i+1 < len(n.Items); i += 2 {
		k, err := bindArg(&n.Items[i], t.Key(), fetch)
		if err != nil {
			return nil, fmt.Errorf("key: %w", err)
		}
		v, err := bindArg(&n.Items[i+1], t.Elem(), fetch)
		if err != nil {
			return nil, fmt.Errorf("value of %v: %w", k, err)
		}
		kv := reflect.ValueOf(k)
		if k == nil || !kv.Comparable() {
			return nil, fmt.Errorf("key %v of type %T cannot be a key", k, k)
		}
		vv := reflect.Zero(t.Elem())
		if v != nil {
			vv = reflect.ValueOf(v)
		}
		m.SetMapIndex(kv, vv)
	}
	return m.Interface(), nil
}

func bindStruct(n *Nest, t reflect.Type, fetch Fetch) (any, error) {
	base, err := bindArg(&Arg{Value: n.Base}, t, fetch)
	if err != nil {
		return nil, err
	}
	s := reflect.New(t).Elem()
	s.Set(reflect.ValueOf(base))
	for i := range n.Items {
		field, ok := t.FieldByName(n.Names[i])
		if !ok || !field.IsExported() {
			return nil, fmt.Errorf("%s has no field %s", t, n.Names[i])
		}
		v, err := bindArg(&n.Items[i], field.Type, fetch)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", n.Names[i], err)
		}
		if v != nil {
			s.FieldByIndex(field.Index).Set(reflect.ValueOf(v))
		}
	}
	return s.Interface(), nil
}
