package task

import (
	"fmt"
	"reflect"
)

// NewCall makes the call of f with args, which are values of the parameters'
// types or References to tasks with results of these types. Whole numbers fit
// every numeric parameter that can hold them exactly.
func (f *Function) NewCall(args ...any) (*Call, error) {
	if len(args) < f.minArgs() || !f.variadic && len(args) > len(f.params) {
		return nil, f.countError(len(args))
	}
	c := &Call{Name: f.name, Sig: f.sig, fn: f}
	if len(args) == 0 {
		return c, nil
	}
	c.Args = make([]Arg, len(args))
	for i, v := range args {
		p := f.param(i)
		if reflect.TypeOf(v) == p.typ && !p.mayRefer {
			c.Args[i].Value = v
			continue
		}
		a, err := buildArg(v, p.typ)
		if err != nil {
			return nil, fmt.Errorf("task: argument %d of %q, %s: %w", i+1, f.name, f.Signature(), err)
		}
		c.Args[i] = a
	}
	return c, nil
}

func (f *Function) param(i int) param {
	if last := len(f.params) - 1; f.variadic && i >= last {
		return param{typ: f.params[last].typ.Elem(), mayRefer: f.params[last].mayRefer}
	}
	return f.params[i]
}

// buildArg turns a value with references inside into an argument for type t.
func buildArg(v any, t reflect.Type) (Arg, error) {
	if r, ok := v.(Reference); ok && r != nil {
		return buildKey(r, t)
	}
	if v == nil {
		return buildNil(t)
	}
	rv := reflect.ValueOf(v)
	if !refers(rv) {
		lit, err := convert(rv, t)
		return Arg{Value: lit}, err
	}
	switch rv.Kind() {
	case reflect.Slice, reflect.Array:
		return buildList(rv, t)
	case reflect.Map:
		return buildMap(rv, t)
	case reflect.Struct:
		return buildStruct(rv, t)
	}
	return Arg{}, fmt.Errorf("a %s has futures behind a pointer; pass the value itself", rv.Type())
}

func buildKey(r Reference, t reflect.Type) (Arg, error) {
	have := r.TaskType()
	if have != nil && have.Kind() != reflect.Interface && !have.AssignableTo(t) && !numeric(have, t) {
		return Arg{}, fmt.Errorf("is a future of %s, wants %s", have, t)
	}
	return Arg{Key: r.TaskKey()}, nil
}

func buildNil(t reflect.Type) (Arg, error) {
	switch t.Kind() {
	case reflect.Interface, reflect.Pointer, reflect.Slice, reflect.Map:
		return Arg{}, nil
	}
	return Arg{}, fmt.Errorf("is nil, wants %s", t)
}

func buildList(rv reflect.Value, t reflect.Type) (Arg, error) {
	elem := anyType
	switch t.Kind() {
	case reflect.Slice:
		elem = t.Elem()
	case reflect.Array:
		elem = t.Elem()
		if t.Len() != rv.Len() {
			return Arg{}, fmt.Errorf("has %d elements, wants %s", rv.Len(), t)
		}
	case reflect.Interface:
	default:
		return Arg{}, fmt.Errorf("is a %s, wants %s", rv.Type(), t)
	}
	n := &Nest{Kind: NestList, Items: make([]Arg, rv.Len())}
	for i := range n.Items {
		a, err := buildArg(rv.Index(i).Interface(), elem)
		if err != nil {
			return Arg{}, fmt.Errorf("element %d %w", i, err)
		}
		n.Items[i] = a
	}
	return Arg{Nest: n}, nil
}

func buildMap(rv reflect.Value, t reflect.Type) (Arg, error) {
	key, elem := rv.Type().Key(), anyType
	switch t.Kind() {
	case reflect.Map:
		key, elem = t.Key(), t.Elem()
	case reflect.Interface:
	default:
		return Arg{}, fmt.Errorf("is a %s, wants %s", rv.Type(), t)
	}
	n := &Nest{Kind: NestMap, Items: make([]Arg, 0, 2*rv.Len())}
	for it := rv.MapRange(); it.Next(); {
		k, err := convert(it.Key(), key)
		if err != nil {
			return Arg{}, fmt.Errorf("key %v %w", it.Key(), err)
		}
		a, err := buildArg(it.Value().Interface(), elem)
		if err != nil {
			return Arg{}, fmt.Errorf("value of key %v %w", it.Key(), err)
		}
		n.Items = append(n.Items, Arg{Value: k}, a)
	}
	return Arg{Nest: n}, nil
}

// buildStruct keeps the struct as it is but for the fields that refer: those
// are cleared in the base and filled in by the worker.
func buildStruct(rv reflect.Value, t reflect.Type) (Arg, error) {
	if t.Kind() != reflect.Interface && rv.Type() != t {
		return Arg{}, fmt.Errorf("is a %s, wants %s", rv.Type(), t)
	}
	if t.Kind() == reflect.Interface {
		return Arg{}, fmt.Errorf("is a %s with futures inside; declare the parameter as %s instead of %s", rv.Type(), rv.Type(), t)
	}
	base := reflect.New(t).Elem()
	base.Set(rv)
	n := &Nest{Kind: NestStruct}
	for i := range t.NumField() {
		f := t.Field(i)
		if !refers(rv.Field(i)) {
			continue
		}
		if !f.IsExported() {
			return Arg{}, fmt.Errorf("has a future in the unexported field %s", f.Name)
		}
		a, err := buildArg(rv.Field(i).Interface(), f.Type)
		if err != nil {
			return Arg{}, fmt.Errorf("field %s %w", f.Name, err)
		}
		base.Field(i).SetZero()
		n.Items = append(n.Items, a)
		n.Names = append(n.Names, f.Name)
	}
	n.Base = base.Interface()
	return Arg{Nest: n}, nil
}
