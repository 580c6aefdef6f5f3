package config

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gdask/gdask/core/secrets"
	"github.com/gdask/gdask/core/units"
)

// Print writes the configuration as YAML: above every key what it means, behind it
// where its value came from. Keys without a value are comments. Secrets are
// redacted: values of keys that are named like one.
func (l *Loaded) Print(w io.Writer) error {
	p := printer{w: w, origin: l.origin}
	p.mapping("", 0, l.k.Raw(), reflect.TypeFor[Config]())
	return p.err
}

type printer struct {
	w      io.Writer
	origin map[string]string
	err    error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// mapping writes one mapping; t is its struct type, nil when its keys are free.
func (p *printer) mapping(path string, depth int, m map[string]any, t reflect.Type) {
	var fields map[string]reflect.Type
	keys := slices.Collect(maps.Keys(m))
	if t != nil && t.Kind() == reflect.Struct {
		fields = fieldsOf(t)
		keys = append(keys, slices.Collect(maps.Keys(fields))...)
	}
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		v, set := m[key]
		inner, _ := v.(map[string]any)
		below := join(path, key)
		if t := belowOf(t, fields[key]); len(inner) > 0 || t != nil && t.Kind() == reflect.Struct {
			p.meaning(below, depth)
			p.printf("%s%s:\n", indent(depth), scalarText(key))
			p.mapping(below, depth+1, inner, t)
			continue
		}
		p.leaf(below, key, depth, v, set)
	}
}

// belowOf is the type of what is below a key: a field's, or that of a named struct.
func belowOf(t, field reflect.Type) reflect.Type {
	if field != nil {
		return field
	}
	if t != nil && t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Struct {
		return t.Elem()
	}
	return nil
}

func (p *printer) leaf(path, key string, depth int, v any, set bool) {
	p.meaning(path, depth)
	if !set {
		p.printf("%-48s # not set\n", indent(depth)+"# "+scalarText(key)+":")
		return
	}
	p.printf("%-48s # %s\n", indent(depth)+scalarText(key)+": "+p.value(key, v), p.origin[path])
}

func (p *printer) meaning(path string, depth int) {
	if m := Meaning(path); m != "" {
		p.printf("%s# %s\n", indent(depth), m)
	}
}

func indent(depth int) string { return strings.Repeat("  ", depth) }

func (p *printer) value(key string, v any) string {
	if secrets.Named(key) && v != nil && v != "" {
		return secrets.Redacted
	}
	return valueText(secrets.Hide(v))
}

func valueText(v any) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case string:
		return scalarText(x)
	case float64:
		if math.IsInf(x, 1) {
			return ".inf"
		}
		return strconv.FormatFloat(x, 'g', -1, 64)
	case Duration:
		return x.String()
	case Bytes:
		return strconv.FormatInt(int64(x), 10)
	}
	text, err := json.Marshal(v) // JSON is YAML
	if err != nil {
		return scalarText(fmt.Sprint(v))
	}
	return string(text)
}

var plain = regexp.MustCompile(`^[A-Za-z/_][A-Za-z0-9_./-]*$`)

// scalarText quotes texts that YAML would read as something else.
func scalarText(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "null", "none", "y", "n":
		return strconv.Quote(s)
	}
	if plain.MatchString(s) {
		return s
	}
	text, err := json.Marshal(s)
	if err != nil {
		return strconv.Quote(s)
	}
	return string(text)
}

// MemoryText says an amount for people; 0 is "none".
func MemoryText(n int64) string {
	if n == 0 {
		return "none"
	}
	return units.FormatBytes(n)
}
