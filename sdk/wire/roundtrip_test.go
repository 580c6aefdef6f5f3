package wire

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// filler gives fields values that are not the zero value and differ from each other.
type filler struct{ n int }

func (f *filler) opaque() Opaque {
	f.n++
	if f.n%3 == 0 {
		return StringOpaque(fmt.Sprint("value ", f.n))
	}
	header := append([]byte("\x81\xae"), "num-sub-frames\x01"...)
	raw := placeholders[:len(serializedFirst)]
	if f.n%3 == 1 {
		raw = append([]byte{0x92, 0xcc, byte(f.n)}, raw...) // [n, placeholder]
		raw[1] = 0xcc
	}
	return Opaque{Raw: raw, Frames: [][]byte{header, []byte(fmt.Sprint("frame ", f.n))}}
}

func (f *filler) fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch p := v.Addr().Interface().(type) {
	case *Opaque:
		*p = f.opaque()
		return
	case *Key:
		f.n++
		*p = TupleKey(StrKey("key"), IntKey(int64(f.n)))
		return
	case *Metrics: // Raw is for the reader
		*p = Metrics{
			CPU: 1.5, Memory: 2, Managed: 3, SpilledMem: 4, SpilledDisk: 5, Executing: 6, Ready: 7, InMemory: 8, Bandwidth: 9,
			LongRunning: 10, Fetching: 11, Missing: 12, Tick: 0.5, FDs: 13,
			Time: 20, Net: Rates{21, 22}, Disk: Rates{23, 24},
			Transfer: Transfer{InBytes: 14, OutBytes: 15, InCount: 16, OutCount: 17, InCountTotal: 18, OutCountTotal: 19},
		}
		return
	case *Priority:
		*p = Priority{float64(f.n), 1.5, -2}
		return
	}
	f.n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("text ", f.n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(1000 + f.n))
	case reflect.Float64:
		v.SetFloat(float64(f.n) + 0.25)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(t, v.Index(0))
		f.fill(t, v.Index(1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		f.fill(t, k)
		f.fill(t, e)
		v.SetMapIndex(k, e)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				f.fill(t, v.Field(i))
			}
		}
	default:
		t.Fatalf("the test cannot fill a %s", v.Type())
	}
}

// same compares what was sent with what came: nil and empty are one, and where a
// frame stood in the message is nobody's business.
func same(a, b reflect.Value) bool {
	if o, ok := reflect.TypeAssert[Opaque](a); ok {
		p, _ := reflect.TypeAssert[Opaque](b)
		return bytes.Equal(o.Raw, p.Raw) && slices.EqualFunc(o.Frames, p.Frames, bytes.Equal)
	}
	if m, ok := reflect.TypeAssert[Metrics](a); ok {
		p, _ := reflect.TypeAssert[Metrics](b)
		p.Raw = nil
		return reflect.DeepEqual(m, p)
	}
	switch a.Kind() {
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for _, k := range a.MapKeys() {
			if e := b.MapIndex(k); !e.IsValid() || !same(a.MapIndex(k), e) {
				return false
			}
		}
		return true
	case reflect.Struct:
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// variants are m empty, m full, and m with each field alone.
func variants(t *testing.T, empty func() any) map[string]any {
	t.Helper()
	full := empty()
	(&filler{}).fill(t, reflect.ValueOf(full).Elem())
	out := map[string]any{"empty": empty(), "full": full}
	typ := reflect.TypeOf(full).Elem()
	for i := range typ.NumField() {
		one := empty()
		(&filler{n: i}).fill(t, reflect.ValueOf(one).Elem().Field(i))
		out["only "+typ.Field(i).Name] = one
	}
	return out
}

// TestEveryMessageComesBack sends each message of the protocol, with all
// combinations of one or all of its fields, alone and in a batch.
func TestEveryMessageComesBack(t *testing.T) {
	for _, op := range slices.Sorted(maps.Keys(ops)) {
		for name, v := range variants(t, func() any { return ops[op]() }) {
			m := v.(Msg)
			if m.Op() != op {
				t.Fatalf("%s makes a message with the op %s", op, m.Op())
			}
			a, out := memory(nil)
			if err := a.Send(m); err != nil {
				t.Fatalf("%s, %s: %v", op, name, err)
			}
			if err := a.SendBatch([]Msg{&KeepAlive{}, m, m, &KeepAlive{}}); err != nil {
				t.Fatalf("%s, %s: %v", op, name, err)
			}
			b, _ := memory(out.out.Bytes())
			got := recv(t, b).Msgs
			got = append(got, recv(t, b).Msgs[1:3]...)
			for _, g := range got {
				if reflect.TypeOf(g) != reflect.TypeOf(m) || !same(reflect.ValueOf(m).Elem(), reflect.ValueOf(g).Elem()) {
					t.Errorf("%s, %s:\nsent %+v\ncame %+v", op, name, m, g)
				}
			}
		}
	}
}

func TestEveryReplyComesBack(t *testing.T) {
	for _, empty := range []func() any{
		func() any { return new(RegisterWorkerReply) }, func() any { return new(HeartbeatReply) },
		func() any { return new(GetDataReply) }, func() any { return new(UpdateDataReply) }, func() any { return new(Failure) },
	} {
		for name, v := range variants(t, empty) {
			a, out := memory(nil)
			if err := a.SendValue(v); err != nil {
				t.Fatalf("%T, %s: %v", v, name, err)
			}
			b, _ := memory(out.out.Bytes())
			got := empty()
			if err := DecodeBody(recv(t, b).Raw, got.(Body)); err != nil {
				t.Fatalf("%T, %s: %v", v, name, err)
			}
			if !same(reflect.ValueOf(v).Elem(), reflect.ValueOf(got).Elem()) {
				t.Errorf("%T, %s:\nsent %+v\ncame %+v", v, name, v, got)
			}
		}
	}
}

// fields are the entries of a message's map, each with its key.
func fields(t *testing.T, m Msg) (names []string, values [][]byte) {
	t.Helper()
	frames, err := EncodeFrames(m)
	if err != nil {
		t.Fatal(err)
	}
	n, b, err := msgp.ReadMapHeaderBytes(frames[0])
	for range n {
		var k string
		if k, b, err = msgp.ReadStringBytes(b); err != nil {
			t.Fatal(err)
		}
		rest, err := skip(b)
		if err != nil {
			t.Fatal(err)
		}
		names, values = append(names, k), append(values, b[:len(b)-len(rest)])
		b = rest
	}
	if err != nil {
		t.Fatal(err)
	}
	return names, values
}

func mapOf(names []string, values [][]byte) []byte {
	b := msgp.AppendMapHeader(nil, uint32(len(names)))
	for i, name := range names {
		b = append(msgp.AppendString(b, name), values[i]...)
	}
	return b
}

// TestFieldsThatPythonLeavesUnset: None stands for every field that is not set,
// fields may come in any order, and those that are not known are passed over.
func TestFieldsThatPythonLeavesUnset(t *testing.T) {
	for _, op := range slices.Sorted(maps.Keys(ops)) {
		m := ops[op]()
		(&filler{n: 3}).fill(t, reflect.ValueOf(m).Elem())
		names, values := fields(t, m)
		for i, name := range names {
			if name == "op" {
				continue
			}
			unset := slices.Clone(values)
			unset[i] = []byte{0xc0}
			got := ops[op]()
			if _, err := got.UnmarshalMsg(mapOf(names, unset)); err != nil {
				t.Errorf("%s: %s is None: %v", op, name, err)
			}
		}
		slices.Reverse(names)
		slices.Reverse(values)
		names, values = append(names, "a new field"), append(values, []byte{0x92, 1, 2})
		got := ops[op]()
		if _, err := got.UnmarshalMsg(mapOf(names, values)); err != nil {
			t.Errorf("%s: in another order: %v", op, err)
		}
	}
}

// TestFieldsOfTheWrongType are errors, never a panic, and so are messages that end early.
func TestFieldsOfTheWrongType(t *testing.T) {
	for _, op := range slices.Sorted(maps.Keys(ops)) {
		m := ops[op]()
		(&filler{n: 3}).fill(t, reflect.ValueOf(m).Elem())
		names, values := fields(t, m)
		for i := range names {
			for _, bad := range [][]byte{{0x91, 0xc3}, {0x81, 0xc3, 0xc3}, {0xc3}, {0xa1, 'x'}, {0xd6, 1, 2, 3, 4, 5}, {0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0}} {
				wrong := slices.Clone(values)
				wrong[i] = bad
				_, _ = ops[op]().UnmarshalMsg(mapOf(names, wrong)) // any outcome but a panic
			}
		}
		whole := mapOf(names, values)
		for n := range whole {
			if _, err := ops[op]().UnmarshalMsg(whole[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes were enough", op, n, len(whole))
			}
		}
	}
}

// TestUnknownMessagesStayAsTheyAre byte for byte, frames and all, whatever form
// and order the peer chose.
func TestUnknownMessagesStayAsTheyAre(t *testing.T) {
	mark := append([]byte{0x81, 0xae}, serializedMark...)
	header := append([]byte("\x81\xae"), "num-sub-frames\x01"...)
	for name, k := range map[string]struct {
		body   string
		frames [][]byte
	}{
		"op last, long forms": {"\xde\x00\x02\xd9\x01a\xcd\x00\x05\xa2op\xd9\x05dance", nil},
		"numeric key":         {"\x82\x01\x02\xa2op\xa5dance", nil},
		"frames":              {"\x82\xa2op\xa5dance\xa1x" + string(mark) + "\x01", [][]byte{header, []byte("payload")}},
		"as in a batch":       {"\x83\xa2op\xa5dance\xa5reply\xc2\xa5close\xc3", nil},
	} {
		data := rawMessage([]byte(k.body), k.frames...)
		c, _ := memory(data)
		in := recv(t, c)
		u, ok := in.Msgs[0].(*UnknownMsg)
		if !ok || u.Name != "dance" {
			t.Fatalf("%s: %+v", name, in)
		}
		a, out := memory(nil)
		if err := a.Send(u); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.out.Bytes(), data) {
			t.Errorf("%s:\ncame %x\nsent %x", name, data, out.out.Bytes())
		}
		if name == "as in a batch" && (in.Reply || !in.Close) {
			t.Errorf("%s: %+v", name, in)
		}
	}
}

// rawMessage frames a body by hand.
func rawMessage(body []byte, frames ...[]byte) []byte {
	lengths := []uint64{uint64(len(body))}
	for _, f := range frames {
		lengths = append(lengths, uint64(len(f)))
	}
	b := append(prelude(lengths...), body...)
	for _, f := range frames {
		b = append(b, f...)
	}
	return b
}

// TestSmallMessagesStaySmall: what is announced inside of a message takes memory
// in proportion to what came.
func TestSmallMessagesStaySmall(t *testing.T) {
	const n = 1 << 18
	list := func(item byte) []byte {
		return append([]byte{0xdd, 0, n >> 16, 0, 0}, bytes.Repeat([]byte{item}, n)...)
	}
	for name, body := range map[string][]byte{
		"graph of empty tasks":  mapOf([]string{"op", "gdask_tasks"}, [][]byte{msgp.AppendString(nil, "update-graph"), list(0x80)}),
		"graph of no tasks":     mapOf([]string{"op", "gdask_tasks"}, [][]byte{msgp.AppendString(nil, "update-graph"), list(1)}),
		"array of 2^31":         mapOf([]string{"op", "keys"}, [][]byte{msgp.AppendString(nil, "free-keys"), {0xdd, 0x80, 0, 0, 0}}),
		"map of 2^31":           mapOf([]string{"op", "who_has"}, [][]byte{msgp.AppendString(nil, "acquire-replicas"), {0xdf, 0x80, 0, 0, 0}}),
		"text of 2^31":          mapOf([]string{"op", "key"}, [][]byte{msgp.AppendString(nil, "report-key"), {0xdb, 0x80, 0, 0, 0}}),
		"start-stops of a task": mapOf([]string{"op", "startstops"}, [][]byte{msgp.AppendString(nil, "task-finished"), list(0x80)}),
	} {
		data := rawMessage(body)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c, _ := memory(data)
		_, err := c.Recv()
		runtime.ReadMemStats(&after)
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(64*len(data)+1<<20); got > most {
			t.Errorf("%s: %d bytes allocated for %d that came (%v)", name, got, len(data), err)
		}
	}
}
