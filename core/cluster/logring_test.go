package cluster

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestLogRingKeepsTheLastLines(t *testing.T) {
	var out bytes.Buffer
	r := NewLogRing(0)
	r.max = 3
	l := r.Tee("x", hclog.New(&hclog.LoggerOptions{Output: &out, Level: hclog.Warn}))
	for _, text := range []string{"one", "two", "three", "four"} {
		l.Info(text)
	}
	l.Debug("not kept")
	l.Warn("five", "port", 1)
	lines := r.Lines()
	if len(lines) != 3 || !strings.Contains(lines[0], "five: port=1") || !strings.Contains(lines[2], "three") {
		t.Errorf("kept %q", lines)
	}
	if got := out.String(); strings.Contains(got, "four") || !strings.Contains(got, "five: port=1") {
		t.Errorf("handed on %q", got)
	}
}
