package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExplainAndDump(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "scheduler.json")
	s := begin(t, environ(t), "scheduler", "--port=0", "--dashboard-address=none", "--scheduler-file", file)
	address := s.says(t, "Scheduler at:")
	command(t, environ(t), "explain", address, "x-1", "x-1").want(t, exitOK, "x-1 is unknown: it was never submitted")
	command(t, environ(t), "explain", "--scheduler-file", file, "x-2").want(t, exitOK, "x-2 is unknown")
	r := command(t, environ(t), "dump", address, "-o", filepath.Join(dir, "one.json"))
	r.want(t, exitOK, "one.json")
	b, err := os.ReadFile(filepath.Join(dir, "one.json"))
	if err != nil || !strings.Contains(string(b), `"transition_log"`) {
		t.Errorf("%s, %v", b, err)
	}
	command(t, environ(t), "dump", "--scheduler-file", file, "-o", filepath.Join(dir, "two")).want(t, exitOK, "two.msgpack.gz")
	command(t, environ(t), "dump", address, "--format", "xml").want(t, exitFailed, `"xml"`)
	command(t, environ(t), "explain", address).want(t, exitUsage, "keys of tasks")
	command(t, environ(t), "dump").want(t, exitUsage, "scheduler's address")
	s.close(t)
}
