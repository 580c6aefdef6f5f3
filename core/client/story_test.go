package client

import (
	"testing"
	"time"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/wire"
)

// TestRowsOfAllMachines: schedulers, workers, and what Python workers note besides.
func TestRowsOfAllMachines(t *testing.T) {
	row := func(b []byte, columns ...any) []byte {
		b = msgp.AppendArrayHeader(b, uint32(len(columns)))
		for _, c := range columns {
			b, _ = msgp.AppendIntf(b, c)
		}
		return b
	}
	b := msgp.AppendArrayHeader(nil, 5)
	b = row(b, "x", "waiting", "processing", map[string]any{}, "graph-1", 10.5)
	b = row(b, "x", "ready", "executing", "executing", map[string]any{"y": "ready"}, "compute-1", 11.5)
	b = row(b, "x", "put-in-memory", "done-1", 12.5)
	b = row(b, "gather-dependencies", "tcp://1.2.3.4:5", []any{"a", "b"}, "compute-2", 13.5)
	b = row(b, 1)
	rows := storyRows("w", b)
	if len(rows) != 4 {
		t.Fatalf("%+v", rows)
	}
	for i, want := range []StoryRow{
		{"w", wire.StrKey("x"), "waiting", "processing", "", "graph-1", time.Unix(10, 5e8)},
		{"w", wire.StrKey("x"), "ready", "executing", "", "compute-1", time.Unix(11, 5e8)},
		{"w", wire.StrKey("x"), "", "", "put-in-memory", "done-1", time.Unix(12, 5e8)},
		{"w", wire.StrKey("gather-dependencies"), "", "", "tcp://1.2.3.4:5", "compute-2", time.Unix(13, 5e8)},
	} {
		if rows[i] != want {
			t.Errorf("row %d: %+v, want %+v", i, rows[i], want)
		}
	}
	if rows := storyRows("w", msgp.AppendInt(nil, 5)); len(rows) != 0 {
		t.Errorf("of a number: %v", rows)
	}
}
