package task

import (
	"fmt"
	"hash/fnv"
	"reflect"
	"strings"
)

// signature is a 64-bit hash of the argument and result types, the same in every
// process and build: it depends on the types' names and package paths only.
func signature(t reflect.Type) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(funcText(t, typeText)))
	return h.Sum64()
}

// signatureText is the readable form, with package names instead of paths.
func signatureText(t reflect.Type) string {
	return funcText(t, func(t reflect.Type) string { return t.String() })
}

func funcText(t reflect.Type, name func(reflect.Type) string) string {
	var b strings.Builder
	b.WriteString("func(")
	for i := range t.NumIn() {
		if i > 0 {
			b.WriteString(", ")
		}
		if t.IsVariadic() && i == t.NumIn()-1 {
			b.WriteString("..." + name(t.In(i).Elem()))
			continue
		}
		b.WriteString(name(t.In(i)))
	}
	b.WriteString(")")
	for i := range t.NumOut() {
		b.WriteString([]string{" ", ", "}[min(i, 1)] + name(t.Out(i)))
	}
	return b.String()
}

// typeText writes a type with full package paths. Named types are not opened:
// their fields may grow without every worker being replaced at once.
func typeText(t reflect.Type) string {
	if t.Name() != "" {
		if t.PkgPath() == "" {
			return t.Name()
		}
		return t.PkgPath() + "." + t.Name()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + typeText(t.Elem())
	case reflect.Slice:
		return "[]" + typeText(t.Elem())
	case reflect.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), typeText(t.Elem()))
	case reflect.Map:
		return "map[" + typeText(t.Key()) + "]" + typeText(t.Elem())
	case reflect.Struct:
		return structText(t)
	case reflect.Func:
		return funcText(t, typeText)
	}
	return t.String()
}

func structText(t reflect.Type) string {
	var b strings.Builder
	b.WriteString("struct{")
	for f := range t.Fields() {
		b.WriteString(f.Name + " " + typeText(f.Type) + ";")
	}
	b.WriteString("}")
	return b.String()
}
