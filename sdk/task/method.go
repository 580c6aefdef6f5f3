package task

import (
	"fmt"
	"reflect"

	"github.com/gdask/gdask/sdk/nearest"
)

// Method is an exported method of a value as a function that can be called.
func Method(v any, name string) (*Function, error) {
	m := reflect.ValueOf(v).MethodByName(name)
	if !m.IsValid() {
		return nil, noMethod(reflect.TypeOf(v), name)
	}
	return newFunction(name, m.Interface())
}

// MethodOf is the method of a type for callers: it makes calls and can not be
// invoked.
func MethodOf(t reflect.Type, name string) (*Function, error) {
	m, ok := t.MethodByName(name)
	if !ok {
		return nil, noMethod(t, name)
	}
	first := 1 // after the receiver
	if t.Kind() == reflect.Interface {
		first = 0
	}
	var in, out []reflect.Type
	for i := first; i < m.Type.NumIn(); i++ {
		in = append(in, m.Type.In(i))
	}
	for o := range m.Type.Outs() {
		out = append(out, o)
	}
	shape := reflect.FuncOf(in, out, m.Type.IsVariadic())
	return newFunction(name, reflect.MakeFunc(shape, nil).Interface())
}

func noMethod(t reflect.Type, name string) error {
	var names []string
	for m := range t.Methods() {
		names = append(names, m.Name)
	}
	return fmt.Errorf("task: a %s has no method %s%s", t, name, nearest.Hint(name, names))
}
