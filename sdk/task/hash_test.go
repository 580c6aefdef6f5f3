package task

import (
	"bytes"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

// kinds is a struct whose fields have all kinds that a hash knows.
type kinds struct {
	B  bool
	I  int16
	U  uint64
	F  float32
	C  complex64
	S  string
	Y  []byte
	A  [2]int8
	L  []string
	M  map[string]int
	P  *point
	N  any
	W  time.Time
	Ip netip.Addr
	x  int
}

func hashOf(t *testing.T, f *Function, args ...any) string {
	t.Helper()
	c, err := f.NewCall(args...)
	if err != nil {
		t.Fatal(err)
	}
	h, err := c.Hash()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestHashesStay: keys of pure calls must be the same in every build of every
// release, or what was computed is computed again and two programs that share a
// scheduler disagree. These values were made by the first one.
func TestHashesStay(t *testing.T) {
	whole := kinds{true, -3, 1 << 63, 1.5, complex(1, -2), "s", []byte("y"), [2]int8{1, -1}, []string{"a", ""},
		map[string]int{"a": 1, "b": 2}, &point{1, 2, "p"}, 3.5, time.Date(2020, 1, 2, 3, 4, 5, 6, time.UTC), netip.MustParseAddr("10.0.0.1"), 9}
	for _, k := range []struct {
		name string
		fn   any
		args []any
		want string
	}{
		{"none", func() {}, nil, "726acf7101db4e5ca43e5441805cebea"},
		{"ints", func(int, int) int { return 0 }, []any{1, -2}, "6c26d181a56b23d13ad2a52b1adc2b77"},
		{"texts", func(string, []byte) {}, []any{"x", []byte("yz")}, "b0962c1012c55f11602e18b521789f54"},
		{"large", func([]byte, []float64) {}, []any{bytes.Repeat([]byte("z"), 10000), make([]float64, 3000)}, "b8de411c543f8be47e6bfb2f740b5ce7"},
		{"any", func(...any) {}, []any{nil, 1, 2.5, "x", []byte{1}, true, []any{1, "a"}, map[string]any{"k": []int{1}}}, "13b70401e7f22e5f6f54d4069c2c7550"},
		{"kinds", func(kinds) {}, []any{whole}, "b09d804b8182171dca8f246c83859f40"},
		{"future", func(int, any) {}, []any{refTo[int]("a"), refTo[string]("b")}, "52a387ff3b159e5a47ed517536f9bf28"},
		{"futures in list", func([]int) {}, []any{[]any{1, refTo[int]("a")}}, "b3d036f9c4290e4a9e4b535f3653c0b3"},
		{"futures in map", func(map[string]int) {}, []any{map[string]any{"x": refTo[int]("a"), "y": 2}}, "73e84df0fd5d8c3d0d16db669326ec45"},
		{"futures in struct", func(holder) {}, []any{holder{A: refTo[int]("a"), B: 4}}, "6607f4937683826228adcbf7f5d55224"},
	} {
		if got := hashOf(t, mustAdd(t, k.name, k.fn), k.args...); got != k.want {
			t.Errorf("%s: the hash is %s, was %s", k.name, got, k.want)
		}
	}
}

// TestSignaturesStay for the same reason: workers refuse a call of another one.
func TestSignaturesStay(t *testing.T) {
	for _, k := range []struct {
		fn   any
		want uint64
		text string
	}{
		{func() {}, 0x1926bfa0a15a6c3c, "func()"},
		{func(int, ...string) (float64, error) { return 0, nil }, 0x9bd3463e39b69642, "func(int, ...string) float64, error"},
		{func(point, *nested, []kinds, map[string][2]int8, struct{ A int }) any { return nil }, 0x6cf30fab0799060e,
			"func(task.point, *task.nested, []task.kinds, map[string][2]int8, struct { A int }) interface {}"},
	} {
		f := mustAdd(t, "f", k.fn)
		if f.Sig() != k.want || f.Signature() != k.text {
			t.Errorf("%s has the signature %#x, was %#x, %s", f.Signature(), f.Sig(), k.want, k.text)
		}
	}
}

// TestHashDependsOnEveryField: each change of an argument is another key.
func TestHashDependsOnEveryField(t *testing.T) {
	f := mustAdd(t, "f", func(kinds) {})
	seen := map[string]string{hashOf(t, f, kinds{}): "nothing"}
	for i, v := range []any{true, int16(1), uint64(1), float32(1), complex64(1), "s", []byte("y"), [2]int8{1}, []string{""},
		map[string]int{"": 0}, &point{}, 0, time.Unix(5, 0), netip.MustParseAddr("::")} {
		k := kinds{}
		reflect.ValueOf(&k).Elem().Field(i).Set(reflect.ValueOf(v))
		h := hashOf(t, f, k)
		name := fmt.Sprintf("%T in field %d", v, i)
		if other := seen[h]; other != "" {
			t.Errorf("%s and %s have one hash", name, other)
		}
		seen[h] = name
	}
	if h := hashOf(t, f, kinds{x: 1}); seen[h] != "" {
		t.Error("an unexported field does not change the hash")
	}
}

func TestArgumentsWithoutAHash(t *testing.T) {
	cycle := &nested{}
	cycle.Next = cycle
	f := mustAdd(t, "f", func(any) {})
	for text, v := range map[string]any{
		"in a cycle":                   cycle,
		"a func() has no hash":         struct{ F func() }{},
		"a chan int has no hash":       []any{make(chan int)},
		"MarshalBinary of task.packed": packed{[]byte("refuse")},
		"a uintptr has no hash":        uintptr(3),
	} {
		c, err := f.NewCall(v)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Hash(); err == nil || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), `argument 1 of "f"`) {
			t.Errorf("got %v, want %s", err, text)
		}
	}
}
