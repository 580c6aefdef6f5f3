package config

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gdask/gdask/core/secrets"
	"github.com/gdask/gdask/core/units"
)

// Print writes the configuration as YAML; every key has a comment that says where
// it came from. Secrets are redacted: values of keys that are named like one.
func (l *Loaded) Print(w io.Writer) error {
	p := printer{w: w, origin: l.origin}
	p.mapping("", 0, l.k.Raw())
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

func (p *printer) mapping(path string, depth int, m map[string]any) {
	indent := strings.Repeat("  ", depth)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		below := join(path, key)
		if inner, ok := m[key].(map[string]any); ok && len(inner) > 0 {
			p.printf("%s%s:\n", indent, scalarText(key))
			p.mapping(below, depth+1, inner)
			continue
		}
		line := indent + scalarText(key) + ": " + p.value(key, m[key])
		p.printf("%-48s # %s\n", line, p.origin[below])
	}
}

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
