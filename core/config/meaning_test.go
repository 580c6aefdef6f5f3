package config

import (
	"bytes"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// leaves are the keys of a struct, those of named structs with * for the name.
func leaves(prefix string, t reflect.Type) []string {
	var keys []string
	for key, f := range fieldsOf(t) {
		path := join(prefix, key)
		switch {
		case f.Kind() == reflect.Struct:
			keys = append(keys, leaves(path, f)...)
		case f.Kind() == reflect.Map && f.Elem().Kind() == reflect.Struct:
			keys = append(append(keys, path), leaves(prefix+".*.*", f.Elem())...)
		default:
			keys = append(keys, path)
		}
	}
	return keys
}

func TestEveryKeyHasAMeaning(t *testing.T) {
	keys := leaves("", reflect.TypeFor[Config]())
	slices.Sort(keys)
	keys = slices.Compact(keys)
	for _, k := range keys {
		if Meaning(k) == "" {
			t.Errorf("key %s has no meaning; add a line to meaning.go", k)
		}
	}
	for k := range maps.Keys(meanings) {
		if !slices.Contains(keys, k) {
			t.Errorf("meaning.go has %s, which is no key", k)
		}
	}
	if Meaning("plugins.worker.mine.cmd") == "" || Meaning("plugins.worker.mine.config.depth") != "" {
		t.Error("keys of plugins")
	}
}

func TestPrintShowsAllKeys(t *testing.T) {
	var out bytes.Buffer
	if err := load(t, Sources{}).Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, k := range leaves("", reflect.TypeFor[Config]()) {
		if strings.Contains(k, "*") {
			continue
		}
		if !strings.Contains(out.String(), "# "+Meaning(k)+"\n") {
			t.Errorf("%s is not printed", k)
		}
	}
	for _, want := range []string{"\n  # n-workers:  ", "# not set\n", "    allowed-failures: 3 "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}
