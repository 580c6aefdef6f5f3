package worker

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

type limits struct {
	Files int    `json:"files" default:"16" doc:"open at once"`
	Mode  string `json:"mode" default:"fast"`
}

type common struct {
	Level int `json:"level" default:"3"`
}

type config struct {
	common
	Path    string            `json:"path" default:"/tmp/x" doc:"where it is"`
	Ratio   float64           `json:"ratio" default:"0.5"`
	On      bool              `json:"on" default:"true"`
	Every   time.Duration     `json:"every" default:"1m30s"`
	Names   []string          `json:"names" default:"[\"a\",\"b\"]"`
	Env     map[string]string `json:"env"`
	Limits  limits            `json:"limits"`
	Maybe   *limits           `json:"maybe"`
	Hidden  string            `json:"-"`
	private int
	Plain   uint
}

func configured(t *testing.T, data string) *config {
	t.Helper()
	v, err := New[config]("c", nil).decode([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return v.(*config)
}

func TestDefaultsOfAConfiguration(t *testing.T) {
	want := &config{common: common{3}, Path: "/tmp/x", Ratio: 0.5, On: true, Every: 90 * time.Second,
		Names: []string{"a", "b"}, Limits: limits{16, "fast"}}
	if got := configured(t, ""); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	got := configured(t, `{"path": "", "on": false, "names": ["c"], "limits": {"files": 3}, "level": 9, "Plain": 7}`)
	want = &config{common: common{9}, Ratio: 0.5, Every: 90 * time.Second, Names: []string{"c"}, Limits: limits{3, "fast"}, Plain: 7}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.private != 0 || got.Hidden != "" {
		t.Errorf("got %+v", got)
	}
}

// TestSchemaSaysWhatIsDecoded: every property of the schema with a default is what
// an empty configuration has, and nothing else is known.
func TestSchemaSaysWhatIsDecoded(t *testing.T) {
	var schema struct {
		Type       string
		Additional bool `json:"additionalProperties"`
		Properties map[string]struct {
			Type, Description string
			Default           any
			Properties        map[string]struct{ Default any }
		}
	}
	d := New[config]("c", nil, Version("1.2.3"), Capabilities("spill")).Describe()
	if err := json.Unmarshal(d.ConfigSchema, &schema); err != nil {
		t.Fatal(err)
	}
	if d.Version != "1.2.3" || d.Kind != "worker" || d.Name != "c" || d.Capabilities[0] != "spill" || d.Runtimes[0] != "go" {
		t.Errorf("described as %+v", d)
	}
	if schema.Type != "object" || schema.Additional {
		t.Errorf("got %s", d.ConfigSchema)
	}
	for name, typ := range map[string]string{
		"path": "string", "ratio": "number", "on": "boolean", "every": "integer", "names": "array", "env": "object",
		"limits": "object", "maybe": "object", "Plain": "integer", "level": "integer",
	} {
		p, ok := schema.Properties[name]
		if !ok || p.Type != typ {
			t.Errorf("%s: %+v, want a %s", name, p, typ)
		}
		delete(schema.Properties, name)
		if name == "path" && (p.Default != "/tmp/x" || p.Description != "where it is") ||
			name == "level" && p.Default != 3.0 || name == "limits" && p.Properties["files"].Default != 16.0 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if len(schema.Properties) > 0 {
		t.Errorf("more properties: %v", schema.Properties)
	}
	if s := New[struct{}]("none", nil).Describe().ConfigSchema; s != nil {
		t.Errorf("a class without configuration has the schema %s", s)
	}
}

func TestConfigurationsThatAreRefused(t *testing.T) {
	c := New[config]("c", nil)
	for data, text := range map[string]string{
		`{"pth": "x"}`:               `unknown field "pth"; did you mean "path"?`,
		`{"levl": 1}`:                `did you mean "level"?`,
		`{"ratio": "much"}`:          `field "ratio" wants float64, got string`,
		`{"limits": {"files": "x"}}`: `"limits.files" wants int`,
		`{"path": "x"} {}`:           "text after the JSON object",
		`[1]`:                        "worker class c: ",
		`{"Hidden": "x"}`:            `unknown field "Hidden"`,
		`{"path": `:                  "unexpected EOF",
	} {
		if err := c.Configure([]byte(data)); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: got %v, want %s", data, err, text)
		}
	}
	if c.config != nil {
		t.Errorf("a refused configuration was kept: %s", c.config)
	}
}

// TestEachWorkerHasAConfigurationOfItsOwn: build may change it.
func TestEachWorkerHasAConfigurationOfItsOwn(t *testing.T) {
	var seen []*config
	c := New("c", func(cfg *config) (Executor, error) {
		seen = append(seen, cfg)
		cfg.Names[0] = "changed"
		return nil, nil
	})
	text := []byte(`{"names": ["given"]}`)
	if err := c.Configure(text); err != nil {
		t.Fatal(err)
	}
	copy(text, "XXXXXXXXXXXXXXXX") // the caller may use its memory again
	for range 2 {
		if ex, err := c.executor(t.Context()); ex != nil || err != nil {
			t.Fatal(ex, err)
		}
	}
	if err := c.Configure(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.executor(t.Context()); err != nil {
		t.Fatal(err)
	}
	if seen[0] == seen[1] || len(seen[1].Names) != 1 || len(seen[2].Names) != 2 || seen[2].Names[1] != "b" {
		t.Errorf("got %+v", seen)
	}
}

func TestDefaultThatIsWrong(t *testing.T) {
	type broken struct {
		N int `json:"n" default:"many"`
	}
	err := New[broken]("c", nil).Validate(nil)
	if err == nil || !strings.Contains(err.Error(), `default "many" of field N`) {
		t.Errorf("got %v", err)
	}
}
