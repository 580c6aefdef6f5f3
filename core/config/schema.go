package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/gdask/gdask/sdk/nearest"
)

// keyError is a key that does not exist, in words.
type keyError struct {
	key        string
	candidates []string
}

func (e *keyError) Error() string {
	i := strings.LastIndexByte(e.key, '.') + 1
	hint := nearest.Of(e.key[i:], e.candidates)
	if hint == "" {
		return fmt.Sprintf("unknown key %q; here are: %s", e.key, strings.Join(e.candidates, ", "))
	}
	return fmt.Sprintf("unknown key %q; did you mean %q?", e.key, e.key[:i]+hint)
}

// walker brings a mapping to the spelling of the configuration's keys and
// collects what does not fit.
type walker struct {
	lenient bool // unknown keys below distributed are no errors
	errs    []error
	ignored []string // keys that Dask knows and gdask has no use for
}

func (w *walker) fail(err error) { w.errs = append(w.errs, err) }

// mapping walks the keys of m as those of the struct type t.
func (w *walker) mapping(prefix string, m map[string]any, t reflect.Type) map[string]any {
	fields := fieldsOf(t)
	out := make(map[string]any, len(m))
	for _, written := range slices.Sorted(maps.Keys(m)) {
		v := m[written]
		key := canonical(written)
		path := join(prefix, key)
		f, ok := fields[key]
		if !ok {
			w.unknown(path, fields, v)
			continue
		}
		if v = w.value(path, v, f); v == nil && f.Kind() != reflect.Pointer {
			continue // null: what lower layers say
		}
		if _, twice := out[key]; twice {
			w.fail(fmt.Errorf("key %q is given twice, with - and with _", path))
		}
		out[key] = v
	}
	return out
}

func (w *walker) value(path string, v any, t reflect.Type) any {
	if v == nil && (t == durationType || t == bytesType) {
		return 0 // Dask writes null for none
	}
	if t.Kind() != reflect.Struct && t.Kind() != reflect.Map {
		return v
	}
	m, ok := v.(map[string]any)
	switch {
	case v == nil:
		return nil
	case !ok:
		w.fail(fmt.Errorf("key %q is %v (%T); it must be a mapping", path, v, v))
		return nil
	case t.Kind() == reflect.Struct:
		return w.mapping(path, m, t)
	case t.Elem().Kind() == reflect.Struct:
		return w.named(path, m, t.Elem())
	}
	return m
}

// named walks mappings from free names to structs.
func (w *walker) named(path string, m map[string]any, t reflect.Type) map[string]any {
	out := make(map[string]any, len(m))
	for name, v := range m {
		if strings.Contains(name, ".") {
			w.fail(fmt.Errorf("key %q has the name %q below it; names have no dots", path, name))
			continue
		}
		if v = w.value(join(path, name), v, t); v == nil {
			v = map[string]any{}
		}
		out[name] = v
	}
	return out
}

func (w *walker) unknown(path string, fields map[string]reflect.Type, v any) {
	if below, ok := strings.CutPrefix(path, "distributed."); ok {
		if w.lenient || daskKnows(below) {
			w.ignored = append(w.ignored, path)
			return
		}
		if m, isMapping := v.(map[string]any); isMapping && daskMapping(below) {
			for _, k := range slices.Sorted(maps.Keys(m)) {
				w.unknown(join(path, canonical(k)), nil, m[k])
			}
			return
		}
	}
	w.fail(&keyError{key: path, candidates: w.candidates(path, fields)})
}

func (w *walker) candidates(path string, fields map[string]reflect.Type) []string {
	all := slices.Collect(maps.Keys(fields))
	if rest, ok := strings.CutPrefix(path, "distributed."); ok {
		all = append(all, daskChildren(rest[:max(0, strings.LastIndexByte(rest, '.'))])...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type, t.NumField())
	for f := range t.Fields() {
		fields[f.Tag.Get("koanf")] = f.Type
	}
	return fields
}

func canonical(key string) string { return strings.ReplaceAll(key, "_", "-") }

func join(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}
