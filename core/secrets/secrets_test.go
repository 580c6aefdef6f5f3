package secrets

import (
	"reflect"
	"testing"
)

func TestHideRedactsByName(t *testing.T) {
	in := map[string]any{
		"user": "u", "API_KEY": "k", "list": []any{map[string]any{"Password": "p", "x": 1}, "s"},
		"inner": map[string]any{"auth-token": []any{"t"}, "monkey": "m"},
	}
	want := map[string]any{
		"user": "u", "API_KEY": Redacted, "list": []any{map[string]any{"Password": Redacted, "x": 1}, "s"},
		"inner": map[string]any{"auth-token": Redacted, "monkey": "m"},
	}
	if got := Hide(in); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if in["API_KEY"] != "k" {
		t.Error("the argument was changed")
	}
}
