package wire

import (
	"slices"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// fieldNames are the fields of m as sent, without its op.
func fieldNames(t *testing.T, m Msg) []string {
	t.Helper()
	frames, err := EncodeFrames(m)
	if err != nil {
		t.Fatal(err)
	}
	n, b, err := msgp.ReadMapHeaderBytes(frames[0])
	var names []string
	for range n {
		var k string
		if k, b, err = msgp.ReadStringBytes(b); err != nil {
			t.Fatal(err)
		}
		if b, err = msgp.Skip(b); err != nil {
			t.Fatal(err)
		}
		if k != "op" {
			names = append(names, k)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Python hands a message's fields to a function as keyword arguments, so that
// one field too many is a failure there.
func TestMessagesToPythonHaveOnlyTheFieldsItKnows(t *testing.T) {
	k := StrKey("k")
	for _, c := range []struct {
		m    Msg
		want []string
	}{
		{&TaskErred{Key: k, Exception: StringOpaque("no")}, []string{"key", "exception", "traceback"}},
		{&KeyInMemory{Key: k}, []string{"key", "type"}},
		{&CancelledKeys{Keys: []Key{k}}, []string{"keys", "reason", "msg"}},
		{&StreamStart{}, []string{"warning", "error"}},
		{&LostData{Key: k}, []string{"key"}},
		{&TaskRetried{Key: k}, []string{"key"}},
		{&CloseWorker{}, nil},
		{&FreeKeys{Keys: []Key{k}}, []string{"keys", "stimulus_id"}},
		{&ComputeTask{Key: k}, []string{"key", "run_id", "priority", "stimulus_id", "who_has", "nbytes", "run_spec",
			"resource_restrictions", "actor", "annotations", "span_id"}},
		{&UpdateGraph{}, []string{"expr_ser", "keys", "internal_priority", "submitting_task", "fifo_timeout", "actors",
			"code", "annotations", "span_metadata"}},
		{&RegisterWorker{}, []string{"address", "status", "nthreads", "name", "now", "resources", "memory_limit", "local_directory",
			"services", "nanny", "pid", "versions", "metrics", "extra", "server_id", "stimulus_id", "reply"}},
	} {
		if got := fieldNames(t, c.m); !slices.Equal(got, c.want) {
			t.Errorf("%s has fields %v, want %v", c.m.Op(), got, c.want)
		}
	}
}
