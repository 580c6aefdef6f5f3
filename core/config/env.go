package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/v2"

	"github.com/gdask/gdask/sdk/nearest"
)

// variables reads one prefix of the environment as a mapping. A variable's name,
// lower case, without prefix, with "__" for ".", is the key; its value is read as
// YAML, so that numbers, lists and null work, or else as text.
func variables(environ []string, prefix string, mine func(name, key string) bool) (map[string]any, map[string]string, error) {
	k := koanf.New(".")
	names := map[string]string{}
	provider := env.Provider(".", env.Opt{
		Prefix:      prefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			key := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, prefix), "__", "."))
			if !mine(name, key) {
				return "", nil
			}
			names[canonical(key)] = name
			return key, scalar(value)
		},
	})
	if err := k.Load(provider, nil); err != nil {
		return nil, nil, err
	}
	return k.Raw(), names, nil
}

// scalar reads a variable's value.
func scalar(value string) any {
	m, err := yaml.Parser().Unmarshal([]byte("v: " + value))
	if err != nil || len(m) != 1 {
		return value
	}
	switch v := m["v"].(type) {
	case string, nil, bool, int, float64, []any, map[string]any:
		if s := strings.ToLower(value); s == "none" {
			return nil
		}
		return v
	}
	return value
}

// daskVariable says which variables of Dask are read: those below distributed, and
// that of the directory for files.
func daskVariable(_, key string) bool {
	return strings.HasPrefix(key, "distributed.") || canonical(key) == temporaryDirectory
}

// ownVariable says which GDASK_* variables are configuration: those whose first
// part is a key. The others are gdask's own means, such as GDASK_PLUGIN, or
// another program's.
func ownVariable(_, key string) bool {
	first, _, nested := strings.Cut(key, ".")
	if nested {
		return true // meant as configuration, so a wrong name is an error
	}
	_, ok := fieldsOf(reflect.TypeFor[Config]())[canonical(first)]
	return ok
}

// misspelt are GDASK_* variables that are probably meant as top-level keys.
func misspelt(environ []string) error {
	top := []string{"worker-class", "protocol", "log-level", temporaryDirectory}
	var errs []error
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		key, ok := strings.CutPrefix(name, "GDASK_")
		if !ok || strings.Contains(key, "__") {
			continue
		}
		key = canonical(strings.ToLower(key))
		if hint := nearest.Of(key, top); hint != "" && hint != key {
			errs = append(errs, fmt.Errorf("variable %s: unknown key %q; did you mean %q?", name, key,
				"GDASK_"+strings.ToUpper(strings.ReplaceAll(hint, "-", "_"))))
		}
	}
	return errors.Join(errs...)
}
