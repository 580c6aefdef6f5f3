package worker

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// schemaOf is the JSON schema of a configuration struct; nil when it has no
// fields.
func schemaOf[C any]() json.RawMessage {
	t := reflect.TypeFor[C]()
	if t.Kind() != reflect.Struct || t.NumField() == 0 {
		return nil
	}
	data, err := json.Marshal(typeSchema(t, 8))
	if err != nil { // only for types that json cannot name at all
		return nil
	}
	return data
}

// property is the part of JSON schema that Go types need.
type property struct {
	Type        string               `json:"type,omitempty"`
	Description string               `json:"description,omitempty"`
	Default     json.RawMessage      `json:"default,omitempty"`
	Properties  map[string]*property `json:"properties,omitempty"`
	Additional  any                  `json:"additionalProperties,omitempty"`
	Items       *property            `json:"items,omitempty"`
}

func typeSchema(t reflect.Type, depth int) *property {
	if depth == 0 {
		return &property{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeSchema(t.Elem(), depth)
	case reflect.Bool:
		return &property{Type: "boolean"}
	case reflect.String:
		return &property{Type: "string"}
	case reflect.Float32, reflect.Float64:
		return &property{Type: "number"}
	case reflect.Slice, reflect.Array:
		return &property{Type: "array", Items: typeSchema(t.Elem(), depth-1)}
	case reflect.Map:
		return &property{Type: "object", Additional: typeSchema(t.Elem(), depth-1)}
	case reflect.Struct:
		return structSchema(t, depth)
	}
	if t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64 {
		return &property{Type: "integer"}
	}
	return &property{}
}

func structSchema(t reflect.Type, depth int) *property {
	p := &property{Type: "object", Properties: map[string]*property{}, Additional: false}
	p.addFields(t, depth)
	return p
}

func (p *property) addFields(t reflect.Type, depth int) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if promoted(f) {
			p.addFields(f.Type, depth)
			continue
		}
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		q := typeSchema(f.Type, depth-1)
		q.Description = f.Tag.Get("doc")
		if text, ok := f.Tag.Lookup("default"); ok {
			q.Default = defaultJSON(f.Type, text)
		}
		p.Properties[name] = q
	}
}

// promoted says that json takes an embedded struct's fields for the outer one's.
func promoted(f reflect.StructField) bool {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return f.Anonymous && f.Type.Kind() == reflect.Struct && name == ""
}

// defaultJSON is the text of a default tag as JSON: texts need no quotes there.
func defaultJSON(t reflect.Type, text string) json.RawMessage {
	if t.Kind() == reflect.String {
		quoted, err := json.Marshal(text)
		if err == nil {
			return quoted
		}
	}
	if t == reflect.TypeFor[time.Duration]() {
		if d, err := time.ParseDuration(text); err == nil {
			return json.RawMessage(fmt.Sprint(int64(d)))
		}
	}
	return json.RawMessage(text)
}

// setDefaults fills the fields of a pointer to a struct, and those of structs in
// it, from their default tags.
func setDefaults(cfg any) error {
	v := reflect.ValueOf(cfg).Elem()
	if v.Kind() != reflect.Struct {
		return nil
	}
	return setFields(v)
}

func setFields(v reflect.Value) error {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		text, ok := f.Tag.Lookup("default")
		switch {
		case !ok && f.Type.Kind() == reflect.Struct && (f.IsExported() || promoted(f)):
			if err := setFields(v.Field(i)); err != nil {
				return err
			}
		case ok && f.IsExported():
			if err := json.Unmarshal(defaultJSON(f.Type, text), v.Field(i).Addr().Interface()); err != nil {
				return fmt.Errorf("default %q of field %s: %w", text, f.Name, err)
			}
		}
	}
	return nil
}
