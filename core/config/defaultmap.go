package config

import "reflect"

// defaults is [Default] as a mapping, so that the layers above merge into it.
func defaults() map[string]any {
	return structMap(reflect.ValueOf(Default()))
}

func structMap(v reflect.Value) map[string]any {
	m := map[string]any{}
	for f, x := range v.Fields() {
		key := f.Tag.Get("koanf")
		switch {
		case x.Kind() == reflect.Struct:
			m[key] = structMap(x)
		case (x.Kind() == reflect.Pointer || x.Kind() == reflect.Map || x.Kind() == reflect.Slice) && x.IsNil():
			// no value
		case x.Kind() == reflect.Map:
			named := map[string]any{}
			for _, name := range x.MapKeys() {
				named[name.String()] = x.MapIndex(name).Interface()
			}
			m[key] = named
		default:
			m[key] = x.Interface()
		}
	}
	return m
}
