package scheduler

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

func TestPluginsAreKeptByName(t *testing.T) {
	var p peerPlugins
	pickle := func(s string) []byte { return msgp.AppendBytes(nil, []byte(s)) }
	if !p.set("b", pickle("1"), false) || !p.set("a", pickle("2"), true) {
		t.Error("a new plugin is not told to the peers")
	}
	if p.set("a", pickle("3"), true) {
		t.Error("an idempotent plugin that is known is told again")
	}
	if !p.set("b", pickle("4"), false) {
		t.Error("a plugin that replaces another is not told")
	}
	got, _ := decoded(t, p.message(map[string]string{"shuffle": "s"})).(map[string]any)
	b64 := base64.StdEncoding.EncodeToString
	if len(got) != 3 || got["a"] != b64([]byte("2")) || got["b"] != b64([]byte("4")) || got["shuffle"] != b64([]byte("s")) {
		t.Errorf("a new worker is told %v", got)
	}
	if !p.drop("a") || p.drop("a") {
		t.Error("a plugin is dropped once")
	}
}

func TestPluginOperations(t *testing.T) {
	s := start(t, nil)
	newWorker(t, s, "tcp://127.0.0.1:1001", 1) // no Python: it is not asked
	for _, kind := range []string{"worker", "nanny"} {
		fields := []field{{"name", "x"}, {"plugin", []byte("pickle")}, {"idempotent", false}}
		if got := mustAsk(t, s, "register_"+kind+"_plugin", fields...).(map[string]any); len(got) != 0 {
			t.Errorf("answers %v", got)
		}
		mustAsk(t, s, "unregister_"+kind+"_plugin", field{"name", "x"})
		if _, err := askFor(t, s, "unregister_"+kind+"_plugin", field{"name", "x"}); err == nil || !strings.Contains(err.Error(), `"x"`) {
			t.Errorf("unregister twice: %v", err)
		}
		if _, err := askFor(t, s, "register_"+kind+"_plugin", field{"name", "y"}); err == nil || !strings.Contains(err.Error(), "field") {
			t.Errorf("without a pickle: %v", err)
		}
	}
}
