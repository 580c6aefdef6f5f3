package task

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/gdask/gdask/sdk/wire"
)

type (
	blob    []byte
	vector  []float32
	celsius float64
	names   map[string]string
)

// packed has MarshalBinary with a value and UnmarshalBinary with a pointer receiver.
type packed struct{ data []byte }

func (p packed) MarshalBinary() ([]byte, error) {
	if string(p.data) == "refuse" {
		return nil, errors.New("not this one")
	}
	return p.data, nil
}

func (p *packed) UnmarshalBinary(b []byte) error {
	if string(b) == "bad" {
		return errors.New("bad bytes")
	}
	p.data = bytes.Clone(b)
	return nil
}

// byPointer has both with a pointer receiver, as url.URL.
type byPointer struct{ n byte }

func (p *byPointer) MarshalBinary() ([]byte, error) { return []byte{p.n}, nil }
func (p *byPointer) UnmarshalBinary(b []byte) error {
	if len(b) != 1 {
		return fmt.Errorf("%d bytes", len(b))
	}
	p.n = b[0]
	return nil
}

// custom has a codec of the msgpack package.
type custom struct{ a, b int }

func (c *custom) EncodeMsgpack(e *msgpack.Encoder) error { return e.Encode([]int{c.a, c.b}) }

func (c *custom) DecodeMsgpack(d *msgpack.Decoder) error {
	var ab []int
	err := d.Decode(&ab)
	if err == nil {
		c.a, c.b = ab[0], ab[1]
	}
	return err
}

// tooMuch has a codec that would spoil what comes behind its value.
type tooMuch struct{}

func (tooMuch) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeMulti(1, 2) }

type nested struct {
	Point  point
	Next   *nested
	List   []point
	ByName map[string]point
	Any    any
	When   time.Time
	Addr   netip.Addr
	Skip   int `msgpack:"-"`
	Short  int `msgpack:"s"`
}

// TestValuesComeBack encodes values and decodes them to their own type.
func TestValuesComeBack(t *testing.T) {
	u, err := url.Parse("http://user@host:1/p?q=1#f")
	if err != nil {
		t.Fatal(err)
	}
	floats := make(vector, FrameSize)
	for i := range floats {
		floats[i] = float32(i)
	}
	large := packed{bytes.Repeat([]byte("x"), FrameSize+1)}
	when := time.Date(2020, 1, 2, 3, 4, 5, 6, time.UTC)
	five := 5
	for _, v := range []any{
		true, int8(-8), int16(-300), int32(1 << 20), int64(-1 << 40), uint8(200), uint16(60000), uint32(1 << 31), uint64(math.MaxUint64),
		float32(1.5), math.Inf(1), -0.5, "", "text", []byte{}, []byte{1}, blob("b"), vector{1, 2}, floats, celsius(21.5),
		[]int{}, []int{1, -1}, make([]int64, FrameSize), make([]int8, FrameSize), blob(make([]byte, FrameSize)), []bool{true, false},
		[3]int{1, 2, 3}, [][]int{{1}, nil, {}}, names{"a": "b"}, map[int]string{1: "a", -2: "b"}, map[string][]float64{"x": {1}},
		&five, (*int)(nil), []*int{&five, nil}, point{1, 2, "p"}, &point{3, 4, "q"}, []point{{1, 2, "x"}},
		nested{Point: point{1, 2, "a"}, Next: &nested{Short: 3}, List: []point{{}}, ByName: map[string]point{"k": {}}, When: when, Addr: netip.MustParseAddr("::1")},
		when, 90 * time.Second, netip.MustParseAddr("10.0.0.1"), *big.NewInt(1 << 60), big.NewInt(-5), u, *u,
		packed{[]byte("small")}, &packed{[]byte("small")}, large, &large, &byPointer{7}, byPointer{7}, &custom{1, 2}, custom{3, 4},
		[]packed{{[]byte("a")}}, map[string]packed{"k": {[]byte("b")}}, struct{}{},
	} {
		name := fmt.Sprintf("%T", v)
		o, err := EncodeValue(v)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := DecodeValue(o, reflect.TypeOf(v))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !equal(v, got) {
			t.Errorf("%s: %+.100v came back as %+.100v", name, v, got)
		}
		if _, err := DecodeValue(o, nil); err != nil {
			t.Errorf("%s in its natural form: %v", name, err)
		}
	}
}

// equal is reflect.DeepEqual that knows times and takes empty for nil.
func equal(a, b any) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	if x, ok := a.(time.Time); ok {
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	}
	if n, ok := a.(nested); ok {
		m, ok := b.(nested)
		if !ok || !n.When.Equal(m.When) {
			return false
		}
		n.When, m.When = time.Time{}, time.Time{}
		if n.Next != nil && m.Next != nil {
			n.Next.When, m.Next.When = time.Time{}, time.Time{}
		}
		return fmt.Sprintf("%+v", n.Point) == fmt.Sprintf("%+v", m.Point) && n.Addr == m.Addr && n.Next.Short == m.Next.Short &&
			len(n.List) == len(m.List) && len(n.ByName) == len(m.ByName)
	}
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	return x.Type() == y.Type() && x.Kind() == reflect.Slice && fmt.Sprint(a) == fmt.Sprint(b)
}

func TestNumbersAreNotCopied(t *testing.T) {
	for _, v := range []any{
		make([]int, FrameSize), make([]int16, FrameSize), make([]uint32, FrameSize), make(vector, FrameSize), make(blob, FrameSize),
	} {
		o, err := EncodeValue(v)
		if err != nil || len(o.Frames) != 2 {
			t.Fatalf("%T: %v, %d frames", v, err, len(o.Frames))
		}
		if reflect.ValueOf(v).Pointer() != reflect.ValueOf(o.Frames[1]).Pointer() {
			t.Errorf("%T is copied by the encoder", v)
		}
		got, err := DecodeValue(o, reflect.TypeOf(v))
		if err != nil || reflect.ValueOf(got).Pointer() != reflect.ValueOf(v).Pointer() {
			t.Errorf("%T is copied by the decoder: %v", v, err)
		}
	}
}

// TestLengthsLeaveNothingBehind: slices of ever new lengths come and go; a type for
// each would stay for ever.
func TestLengthsLeaveNothingBehind(t *testing.T) {
	const lengths = 5000
	data := make([]byte, FrameSize+8*lengths)
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range lengths {
		if _, err := sliceFrom(data[:8*(i+1)], reflect.TypeFor[[]int64]()); err != nil {
			t.Fatal(err)
		}
	}
	if grown := int64(heap()) - int64(before); grown > 50*lengths {
		t.Errorf("%d bytes stay behind %d slices", grown, lengths)
	}
	runtime.KeepAlive(data)
}

func TestValuesThatCannotBeEncoded(t *testing.T) {
	for _, k := range []struct {
		v    any
		text string
	}{
		{make(chan int), "a chan int cannot leave its process"}, {func() {}, "a func() cannot leave its process"},
		{packed{[]byte("refuse")}, "MarshalBinary of task.packed: not this one"}, {(*byPointer)(nil), ""},
		{&wire.Opaque{}, "decode it first"}, {struct{ C chan int }{}, "chan int"}, {complex(1, 2), "complex128"},
		{tooMuch{}, "exactly one msgpack value"},
	} {
		_, err := EncodeValue(k.v)
		if k.text == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), k.text) {
			t.Errorf("%T: got %v, want %q", k.v, err, k.text)
		}
	}
}

func frameValue(typ string, data []byte) wire.Opaque {
	var e encoder
	e.frame(typ, data)
	return wire.Opaque{Raw: e.b, Frames: e.frames}
}

func TestValuesThatCannotBeDecoded(t *testing.T) {
	o := func(v any) wire.Opaque {
		o, err := EncodeValue(v)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	cut := frameValue("bytes", []byte("x"))
	cut.Frames = cut.Frames[:1]
	for name, k := range map[string]struct {
		o    wire.Opaque
		t    reflect.Type
		text string
	}{
		"text as number":    {o("x"), reflect.TypeFor[int](), "decoding 2 bytes as int"},
		"list as struct":    {o([]any{"x"}), reflect.TypeFor[point](), "task.point"},
		"number as error":   {o(3), reflect.TypeFor[error](), "the value is a int, wants error"},
		"left over":         {wire.Opaque{Raw: []byte{1, 2}}, reflect.TypeFor[int8](), "left over"},
		"left over, any":    {wire.Opaque{Raw: []byte{1, 2}}, nil, "left over"},
		"cut off":           {wire.Opaque{Raw: []byte{0x92, 1}}, reflect.TypeFor[[]int8](), "value: "},
		"too deep":          {wire.Opaque{Raw: append(bytes.Repeat([]byte{0x91}, 600), 0xc0)}, nil, "deeper than 512"},
		"unmarshal refuses": {frameValue("binary", []byte("bad")), reflect.TypeFor[packed](), "UnmarshalBinary of task.packed: bad bytes"},
		"no unmarshaler":    {frameValue("binary", []byte("bad")), reflect.TypeFor[point](), "is a []uint8, wants task.point"},
		"unknown frame":     {frameValue("matrix", []byte("x")), nil, `unknown frame type "matrix"; the peer is newer`},
		"half a number":     {frameValue("[]int64", []byte("123")), nil, "3 bytes holds no whole number of int64"},
		"other numbers":     {frameValue("[]int64", make([]byte, 8)), reflect.TypeFor[[]string](), "is a []int64, wants []string"},
		"no frame":          {wire.Opaque{Raw: cut.Raw}, nil, "points to frame 0 of 0"},
		"no sub-frame":      {cut, nil, "has 1 sub-frames and 0 are there"},
		"odd header":        {wire.Opaque{Raw: cut.Raw, Frames: [][]byte{{0xc3}, nil}}, nil, "header frame"},
		"map with list key": {wire.Opaque{Raw: []byte{0x81, 0x91, 1, 2}}, nil, "a []interface {} is a key"},
		"by reference":      {wire.Opaque{Ref: "x"}, reflect.TypeFor[int](), "is a string, wants int"},
	} {
		if v, err := DecodeValue(k.o, k.t); err == nil || !strings.Contains(err.Error(), k.text) {
			t.Errorf("%s: %v, %v; want %q", name, v, err, k.text)
		}
	}
}

func TestNaturalFormsOfPeers(t *testing.T) {
	for raw, want := range map[string]any{
		"":                                     nil,
		"\xc0":                                 nil,
		"\xcf\xff\xff\xff\xff\xff\xff\xff\xff": uint64(math.MaxUint64),
		"\xcc\x80":                             128,
		"\xca\x3f\xc0\x00\x00":                 1.5,
		"\x82\xa1a\x01\x02\xa1b":               map[any]any{"a": 1, 2: "b"},
		"\x82\x02\xa1b\xa1a\x01":               map[any]any{"a": 1, 2: "b"},
		"\x81\xc0\x01":                         map[any]any{nil: 1},
		"\x80":                                 map[string]any{},
	} {
		got, err := DecodeValue(wire.Opaque{Raw: []byte(raw)}, nil)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%x is %#v, %v; want %#v", raw, got, err, want)
		}
	}
}
