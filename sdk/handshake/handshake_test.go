package handshake

import (
	"strings"
	"testing"
)

func TestNamesOfPlugins(t *testing.T) {
	for name, ok := range map[string]bool{
		"a": true, "go-worker2": true, strings.Repeat("x", 63): true, strings.Repeat("x", 64): false,
		"": false, "2a": false, "-a": false, "A": false, "a_b": false, "a/b": false, "a\n": false, "ä": false,
	} {
		if ValidName(name) != ok {
			t.Errorf("%q: %v", name, !ok)
		}
	}
	if got := BinaryName(KindWorker, "x"); !strings.HasPrefix(got, BinaryPrefix(KindWorker)) || !strings.HasPrefix(got, "gdask-plugin-worker-x") {
		t.Errorf("got %s", got)
	}
	if c := Config(KindComm); c.MagicCookieKey != CookieEnv || c.MagicCookieValue != "comm" {
		t.Errorf("got %+v", c)
	}
}
