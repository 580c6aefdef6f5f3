package strictjson

import (
	"reflect"
	"strings"
	"testing"
)

type base struct {
	Level string `json:"level"`
}

type config struct {
	base2
	Suffix string `json:"suffix"`
	Count  int
	hidden int //nolint:unused // unexported fields must not be offered
	Skip   int `json:"-"`
}

type base2 = base

func TestDecode(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"empty keeps defaults", "", ""},
		{"known fields", `{"suffix":"x","Count":3}`, ""},
		{"nearest spelling", `{"sufix":"x"}`, `unknown field "sufix"; did you mean "suffix"?`},
		{"far spelling", `{"zebra":1}`, `unknown field "zebra" (known: `},
		{"wrong type", `{"Count":"x"}`, `field "Count" wants int, got string`},
		{"two values", `{} {}`, "text after the JSON object"},
		{"no object", `[`, "configuration: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := config{Suffix: "default"}
			err := Decode([]byte(tt.in), &c)
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestFields(t *testing.T) {
	got := strings.Join(Fields(reflect.TypeFor[*config]()), " ")
	if got != "level suffix Count" {
		t.Fatalf("fields are %q", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"suffix":"x"}`))
	f.Add([]byte(`{"Count":1e99}`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		var c config
		_ = Decode(data, &c)
	})
}
