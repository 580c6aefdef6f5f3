// Package strictjson decodes configuration: unknown fields are errors that name
// the field and the nearest one that exists.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"

	"github.com/gdask/gdask/sdk/nearest"
)

// Decode decodes one JSON object on top of what into, a pointer to a struct,
// already holds. Empty data changes nothing.
func Decode(data []byte, into any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return explain(err, reflect.TypeOf(into))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("configuration: text after the JSON object")
	}
	return nil
}

// explain replaces encoding/json's messages by ones that name field and type.
func explain(err error, t reflect.Type) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("configuration: field %q wants %s, got %s", wrong.Field, wrong.Type, wrong.Value)
	}
	m := regexp.MustCompile(`^json: unknown field "(.*)"$`).FindStringSubmatch(err.Error())
	if m == nil {
		return fmt.Errorf("configuration: %w", err)
	}
	known := Fields(t)
	msg := fmt.Sprintf("configuration: unknown field %q%s", m[1], nearest.Hint(m[1], known))
	if len(known) == 0 {
		return errors.New(msg + " (it takes no configuration)")
	}
	return fmt.Errorf("%s (known: %s)", msg, strings.Join(known, ", "))
}

// Fields lists the JSON names of the exported fields of a struct or a pointer to
// one, embedded structs included.
func Fields(t reflect.Type) []string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	var names []string
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || f.Anonymous || name == "-" || len(f.Index) > 1 && !embedded(t, f.Index) {
			continue
		}
		if name == "" {
			name = f.Name
		}
		names = append(names, name)
	}
	return names
}

// embedded reports whether every step to the field is an embedded struct.
func embedded(t reflect.Type, index []int) bool {
	for i := 1; i < len(index); i++ {
		if !t.FieldByIndex(index[:i]).Anonymous {
			return false
		}
	}
	return true
}
