package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"
)

// Loaded is a configuration and where each of its keys came from.
type Loaded struct {
	Config Config
	// Notes are keys that were read and have no effect, in words.
	Notes  []string
	k      *koanf.Koanf
	origin map[string]string
}

// Origin is the layer that a key came from: "default", "file /x.yaml", "variable
// GDASK_X", "flag --x" or "code"; "" for keys without a value.
func (l *Loaded) Origin(key string) string { return l.origin[key] }

// loader merges layers; all problems are collected.
type loader struct {
	Loaded
	errs []error
}

// Load reads the sources and validates the outcome. The error joins all problems
// that were found, each with its file, variable or flag.
func Load(s Sources) (*Loaded, error) {
	l := &loader{Loaded: Loaded{k: koanf.New("."), origin: map[string]string{}}}
	l.layer("default", defaults(), nil, false)
	l.dask(s)
	for _, path := range append(inDir(s.SystemDir), inDir(s.UserDir)...) {
		l.file(path, false)
	}
	for _, path := range s.Files {
		l.file(path, false)
	}
	l.env(s.Env)
	l.flags(s)
	l.layer("code", nested(s.Code), nil, false)
	if err := errors.Join(l.errs...); err != nil {
		return nil, err
	}
	if err := l.decode(&l.Config); err != nil {
		return nil, err
	}
	if err := l.Config.Validate(); err != nil {
		return nil, err
	}
	return &l.Loaded, nil
}

func (l *loader) fail(err error) { l.errs = append(l.errs, err) }

// layer merges one mapping. names are the origins of single keys, if they differ.
func (l *loader) layer(origin string, m map[string]any, names map[string]string, lenient bool) {
	w := &walker{lenient: lenient}
	m = w.mapping("", m, reflect.TypeFor[Config]())
	for _, err := range w.errs {
		l.fail(fmt.Errorf("config: %s: %w", origin, err))
	}
	if !lenient {
		for _, key := range w.ignored {
			l.Notes = append(l.Notes, fmt.Sprintf("%s: %s is a key of Dask that has no effect in gdask", origin, key))
		}
	}
	one := koanf.New(".")
	if err := errors.Join(one.Load(confmap.Provider(m, ""), nil), l.k.Merge(one)); err != nil {
		l.fail(fmt.Errorf("config: %s: %w", origin, err))
		return
	}
	if err := check(one); err != nil {
		l.fail(fmt.Errorf("config: %s: %w", origin, err))
	}
	for _, key := range one.Keys() {
		l.origin[key] = origin
		if name, ok := names[key]; ok {
			l.origin[key] = origin + " " + name
		}
	}
}

// check decodes one layer alone, so that a wrong type is told with its file.
func check(k *koanf.Koanf) error {
	var c Config
	return decode(k, &c)
}

func (l *loader) decode(c *Config) error { return decode(l.k, c) }

func decode(k *koanf.Koanf, c *Config) error {
	err := k.UnmarshalWithConf("", c, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		Result: c, TagName: "koanf", ErrorUnused: true, DecodeHook: convert,
	}})
	if err == nil {
		return nil
	}
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		err = errors.Join(many.Unwrap()...)
	}
	return fmt.Errorf("%w", err)
}

// dask reads Dask's own files and variables.
func (l *loader) dask(s Sources) {
	for _, place := range s.DaskDirs {
		for _, path := range inDir(place) {
			l.file(path, true)
		}
	}
	m, names, err := variables(s.Env, "DASK_", daskVariable)
	if err != nil {
		l.fail(fmt.Errorf("config: environment: %w", err))
	}
	l.layer("variable", m, names, true)
}

func (l *loader) file(path string, lenient bool) {
	k := koanf.New(".")
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		if !lenient || !errors.Is(err, os.ErrPermission) {
			l.fail(fmt.Errorf("config: file %s: %w", path, err))
		}
		return
	}
	m := k.Raw()
	if lenient {
		m = onlyDistributed(m)
	}
	l.layer("file "+path, m, nil, lenient)
}

// onlyDistributed leaves out the parts for other libraries of Dask's.
func onlyDistributed(m map[string]any) map[string]any {
	out := map[string]any{}
	for written, v := range m {
		switch canonical(written) {
		case "distributed":
			if d, ok := v.(map[string]any); ok {
				out[written] = d
			}
		case temporaryDirectory:
			out[written] = v
		}
	}
	return out
}

// temporaryDirectory is a key of Dask's that is not below distributed.
const temporaryDirectory = "temporary-directory"

func (l *loader) env(environ []string) {
	m, names, err := variables(environ, "GDASK_", ownVariable)
	if err = errors.Join(err, misspelt(environ)); err != nil {
		l.fail(fmt.Errorf("config: environment: %w", err))
	}
	l.layer("variable", m, names, false)
}

func (l *loader) flags(s Sources) {
	if s.Flags == nil {
		return
	}
	names := map[string]string{}
	k := koanf.New(".")
	err := k.Load(posflag.ProviderWithFlag(s.Flags, ".", nil, func(f *pflag.Flag) (string, any) {
		key, ok := s.FlagKeys[f.Name]
		if !ok || !f.Changed {
			return "", nil
		}
		value := posflag.FlagVal(s.Flags, f)
		if rest, negated := strings.CutPrefix(key, "!"); negated {
			on, isBool := value.(bool)
			key, value = rest, isBool && !on
		}
		names[key] = "--" + f.Name
		return key, value
	}), nil)
	if err != nil {
		l.fail(fmt.Errorf("config: flags: %w", err))
	}
	l.layer("flag", k.Raw(), names, false)
}

// inDir are the configuration files of a directory in order; a file is itself.
func inDir(path string) []string {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	if !info.IsDir() {
		return []string{path}
	}
	var files []string
	for _, pattern := range []string{"*.yaml", "*.yml", "*.json"} {
		found, _ := filepath.Glob(filepath.Join(path, pattern)) // the pattern is well formed
		files = append(files, found...)
	}
	slices.Sort(files)
	return files
}

// nested turns keys with dots into mappings.
func nested(flat map[string]any) map[string]any {
	out := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(flat)) {
		m, parts := out, strings.Split(key, ".")
		for _, p := range parts[:len(parts)-1] {
			next, ok := m[p].(map[string]any)
			if !ok {
				next = map[string]any{}
				m[p] = next
			}
			m = next
		}
		m[parts[len(parts)-1]] = flat[key]
	}
	return out
}
