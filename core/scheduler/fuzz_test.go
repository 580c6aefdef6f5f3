package scheduler

import (
	"testing"

	"github.com/gdask/gdask/core/dump"
	"github.com/gdask/gdask/sdk/wire"
)

// FuzzRequest feeds what a peer may send to every reader of fields.
func FuzzRequest(f *testing.F) {
	x := framed("payload")
	for _, o := range []object{
		{{"op", "gather"}, {"keys", keysOf("a", "b")}},
		{{"op", "scatter"}, {"data", keyed{{wire.StrKey("x"), &x}}}, {"timeout", "2 s"}, {"broadcast", true}},
		{{"op", "set_metadata"}, {"keys", keysOf("a")}, {"value", object{{"b", object{{"c", 1}}}}}},
		{{"op", "broadcast"}, {"msg", object{{"op", "echo"}}}, {"workers", []any{[]any{"h", 1}, "x"}}},
		{{"op", "update_data"}, {"who_has", object{{"a", []string{"w"}}}}, {"nbytes", object{{"a", 1}}}},
	} {
		b, err := appendTree(nil, o)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("\x81\xa4keys\x81\xa7__Set__\xc3"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fields, err := splitMap(wire.Opaque{Raw: b, Frames: x.Frames})
		if err != nil {
			return
		}
		r := &request{op: "fuzz", fields: fields}
		for name, o := range fields {
			_, _ = r.keys(name)
			_, _ = r.texts(name)
			_, _, _ = r.str(name), r.float(name, 0), r.bool(name, false)
			_ = r.duration(name, 0)
			_, _ = dataOf(o)
			_ = executing(o)
			_ = isNoDefault(o)
			_ = newMetaNode(o, 0).tree()
			_, _ = dump.Decode(o.Raw)
			c, err := cut(o)
			if err == nil && len(c.Raw) != 0 {
				if _, rest, err := nextValue(c.Raw); err != nil || len(rest) != 0 {
					t.Fatalf("cut %x gives %x", o.Raw, c.Raw)
				}
			}
		}
		_, _ = r.updateData("c")
	})
}
