package task

import (
	"context"
	"errors"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

type point struct {
	X, Y  int
	Label string
}

type holder struct {
	A any
	B int
}

// ref is a future of a test.
type ref struct {
	key wire.Key
	typ reflect.Type
}

func (r *ref) TaskKey() wire.Key      { return r.key }
func (r *ref) TaskType() reflect.Type { return r.typ }

func refTo[T any](key string) *ref { return &ref{wire.Key("\xa1" + key), reflect.TypeFor[T]()} }

func mustAdd(t testing.TB, name string, fn any) *Function {
	t.Helper()
	f, err := NewRegistry().Add(name, fn)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRegisterRefusesWhatCannotRun(t *testing.T) {
	r := NewRegistry()
	var nilFunc func()
	for _, c := range []struct {
		name string
		fn   any
		want string
	}{
		{"", func() {}, "needs a name"},
		{"f", 3, "pass a function"},
		{"f", nil, "pass a function"},
		{"f", nilFunc, "nil func()"},
		{"f", func(int, context.Context) {}, "must be the first"},
		{"f", func(chan int) {}, "a channel"},
		{"f", func() (int, int) { return 0, 0 }, "at most one value"},
		{"f", func() func() { return nil }, "a function cannot leave"},
	} {
		err := r.Register(c.name, c.fn)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Register(%q, %T) = %v, wants %q", c.name, c.fn, err, c.want)
		}
	}
	if err := r.Register("g", func() {}); err != nil {
		t.Fatal(err)
	}
	if err := r.Register("g", func(int) {}); err == nil || !strings.Contains(err.Error(), "func(int)") {
		t.Errorf("second registration: %v", err)
	}
}

// run sends a call over the wire form when encode is set and runs it.
func run(t *testing.T, f *Function, encode bool, deps map[wire.Key]any, args ...any) (any, error) {
	t.Helper()
	c, err := f.NewCall(args...)
	if err != nil {
		return nil, err
	}
	if encode {
		o, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if c, err = DecodeCall(o); err != nil {
			t.Fatal(err)
		}
	}
	bound, err := f.Bind(c, func(k wire.Key, typ reflect.Type) (any, error) {
		v, ok := deps[k]
		if !ok {
			return nil, errors.New("no such key")
		}
		o, err := EncodeValue(v)
		if err != nil || !encode {
			return v, err
		}
		return DecodeValue(o, typ)
	})
	if err != nil {
		return nil, err
	}
	return f.Invoke(t.Context(), bound)
}

func TestCallsOfAllShapes(t *testing.T) {
	deps := map[wire.Key]any{"\xa1a": 7, "\xa1b": 8, "\xa1p": point{1, 2, "p"}}
	a, b := refTo[int]("a"), refTo[int]("b")
	now := time.Unix(1700000000, 5).UTC()
	for _, c := range []struct {
		name string
		fn   any
		args []any
		want any
	}{
		{"noop", func() {}, nil, nil},
		{"inc", func(x int) int { return x + 1 }, []any{1}, 2},
		{"add of keys", func(x, y int) int { return x + y }, []any{a, b}, 15},
		{"context", func(ctx context.Context, x int) (int, error) { return x, ctx.Err() }, []any{a}, 7},
		{"other width", func(x int32, y float64) float64 { return float64(x) + y }, []any{1, 2}, 3.0},
		{"list of keys", func(xs []int) int { return len(xs) + xs[1] }, []any{[]*ref{a, b}}, 10},
		{"mixed list", func(xs []float64) float64 { return xs[0] + xs[1] }, []any{[]any{1, a}}, 8.0},
		{"array", func(xs [2]int) int { return xs[0] * xs[1] }, []any{[2]*ref{a, b}}, 56},
		{"map of keys", func(m map[string]int) int { return m["x"] }, []any{map[string]*ref{"x": b}}, 8},
		{"nested", func(m map[string][]int) int { return m["x"][1] }, []any{map[string][]any{"x": {1, a}}}, 7},
		{"any list", func(v any) int { return v.([]any)[0].(int) }, []any{[]*ref{a}}, 7},
		{"struct field", func(h holder) int { return h.A.(int) + h.B }, []any{holder{a, 3}}, 10},
		{"struct value", func(p point) string { return p.Label }, []any{point{1, 2, "x"}}, "x"},
		{"struct key", func(p point) int { return p.Y }, []any{refTo[point]("p")}, 2},
		{"struct pointer", func(p *point) int { return p.X }, []any{&point{X: 4}}, 4},
		{"variadic", func(s string, xs ...int) int { return len(s) + len(xs) }, []any{"ab", 1, a}, 4},
		{"nil slice", func(b []byte) bool { return b == nil }, []any{nil}, true},
		{"big bytes", func(b []byte) int { return len(b) }, []any{make([]byte, FrameSize+1)}, FrameSize + 1},
		{"big floats", func(b []float64) float64 { return b[9999] }, []any{append(make([]float64, 9999), 2.5)}, 2.5},
		{"binary", func(b *big.Float) string { return b.String() }, []any{big.NewFloat(1.5)}, "1.5"},
		{"time", func(x time.Time) bool { return x.Equal(now) }, []any{now}, true},
		{"duration", func(d time.Duration) string { return d.String() }, []any{time.Second}, "1s"},
		{"any map", func(v any) any { return v.(map[string]any)["k"] }, []any{map[string]any{"k": 3}}, 3},
		{"empty list", func(v []int) int { return len(v) }, []any{[]int{}}, 0},
	} {
		for _, encode := range []bool{false, true} {
			got, err := run(t, mustAdd(t, "f", c.fn), encode, deps, c.args...)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s (encoded %v) = %v, %v, wants %v", c.name, encode, got, err, c.want)
			}
		}
	}
}

func TestWrongArgumentsAreRefusedAtOnce(t *testing.T) {
	for _, c := range []struct {
		fn   any
		args []any
		want string
	}{
		{func(int) {}, nil, "takes 1 arguments, got 0"},
		{func(int) {}, []any{"x"}, "is a string, wants int"},
		{func(int8) {}, []any{300}, "which a int8 cannot hold"},
		{func(int) {}, []any{2.5}, "cannot hold"},
		{func(uint) {}, []any{-1}, "cannot hold"},
		{func(int) {}, []any{refTo[string]("a")}, "future of string"},
		{func([]int) {}, []any{[]any{1, refTo[string]("a")}}, "element 1 is a future of string"},
		{func(*holder) {}, []any{&holder{A: refTo[int]("a")}}, "behind a pointer"},
		{func(int) {}, []any{nil}, "is nil"},
	} {
		_, err := mustAdd(t, "f", c.fn).NewCall(c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("NewCall(%v) of %T = %v, wants %q", c.args, c.fn, err, c.want)
		}
	}
}

func TestPanicsAndErrors(t *testing.T) {
	f := mustAdd(t, "f", func(xs []int) int { return xs[3] })
	_, err := run(t, f, false, nil, []int{1})
	var p *PanicError
	if !errors.As(err, &p) || !strings.Contains(p.Value, "out of range") || !strings.Contains(p.Stack, "task_test.go") {
		t.Errorf("error %#v", err)
	}
	want := errors.New("no")
	g := mustAdd(t, "g", func(int8) (point, error) { return point{}, want })
	if _, err := run(t, g, false, nil, 1); !errors.Is(err, want) {
		t.Errorf("error %v", err)
	}
}

func TestResolveNamesBothSides(t *testing.T) {
	caller, worker := NewRegistry(), NewRegistry()
	f, err := caller.Add("f", func(int) int { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.NewCall(1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := worker.Resolve(c); err == nil || !strings.Contains(err.Error(), `"f"`) || !strings.Contains(err.Error(), "not registered") {
		t.Errorf("unknown: %v", err)
	}
	if err := worker.Register("f", func(string) int { return 0 }); err != nil {
		t.Fatal(err)
	}
	if _, err := worker.Resolve(c); err == nil || !strings.Contains(err.Error(), "func(string) int") {
		t.Errorf("other signature: %v", err)
	}
	if got, err := caller.Resolve(c); err != nil || got != f {
		t.Errorf("own: %v %v", got, err)
	}
}

func TestDependenciesOnce(t *testing.T) {
	f := mustAdd(t, "f", func([]int, int) int { return 0 })
	var refs []*ref
	for i := range 100 {
		refs = append(refs, &ref{wire.Key([]byte{byte(i % 50)}), nil})
	}
	c, err := f.NewCall(refs, refs[3])
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Dependencies(nil); len(got) != 50 || got[3] != refs[3].key {
		t.Errorf("dependencies %q", got)
	}
}

func TestHash(t *testing.T) {
	hash := func(fn any, args ...any) string {
		t.Helper()
		c, err := mustAdd(t, "f", fn).NewCall(args...)
		if err != nil {
			t.Fatal(err)
		}
		h, err := c.Hash()
		if err != nil || len(h) != 32 {
			t.Fatal(h, err)
		}
		return h
	}
	one := func(m map[string]int, v any) {}
	m1 := map[string]int{"a": 1, "b": 2, "c": 3}
	m2 := map[string]int{"c": 3, "b": 2, "a": 1}
	if hash(one, m1, 1) != hash(one, m2, 1) {
		t.Error("order of a map changes the hash")
	}
	seen := map[string]any{}
	for _, v := range []any{nil, 0, 0.0, "", "0", []byte{}, []int{0}, []any{0}, point{}, &point{}, int8(0), true, refTo[int]("0"), make([]byte, 9000)} {
		h := hash(one, m1, v)
		if other, ok := seen[h]; ok {
			t.Errorf("%#v and %#v have one hash", v, other)
		}
		seen[h] = v
	}
	c, err := mustAdd(t, "f", one).NewCall(nil, struct{ F func() }{func() {}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Hash(); err == nil {
		t.Error("a function has a hash")
	}
}

func TestNaturalValues(t *testing.T) {
	for _, v := range []any{nil, true, 3, -5, 2.5, "x", []byte{1}, []any{1, "a"}, map[string]any{"a": []any{1}}} {
		o, err := EncodeValue(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeValue(o, nil)
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%#v came back as %#v, %v", v, got, err)
		}
	}
}

func TestLargeValuesAreNotCopied(t *testing.T) {
	v := make([]float64, FrameSize)
	o, err := EncodeValue(v)
	if err != nil || len(o.Frames) != 2 {
		t.Fatal(err, len(o.Frames))
	}
	got, err := DecodeValue(o, reflect.TypeFor[[]float64]())
	if err != nil || &got.([]float64)[0] != &v[0] {
		t.Errorf("copied, %v", err)
	}
	odd := append(make([]byte, 1, len(o.Frames[1])+1), o.Frames[1]...)[1:]
	o.Frames[1] = odd
	if got, err = DecodeValue(o, reflect.TypeFor[[]float64]()); err != nil || len(got.([]float64)) != FrameSize {
		t.Errorf("unaligned: %v", err)
	}
}

func TestPythonObjectsAreExplained(t *testing.T) {
	o, err := EncodeValue(make([]byte, FrameSize))
	if err != nil {
		t.Fatal(err)
	}
	o.Frames[0] = []byte("\x82\xaaserializer\xa6pickle\xaenum-sub-frames\x01")
	if _, err := DecodeValue(o, nil); err == nil || !strings.Contains(err.Error(), "Python object") {
		t.Errorf("error %v", err)
	}
}

func TestSizeof(t *testing.T) {
	for _, c := range []struct {
		v        any
		min, max int64
	}{
		{nil, 0, 0}, {1, 8, 8}, {"abc", 19, 19}, {make([]byte, 1000), 1000, 1100},
		{make([]string, 1000), 16000, 17000}, {[]string{strings.Repeat("x", 1000)}, 1000, 1100},
		{map[string]int{"a": 1}, 20, 200}, {point{Label: "abcd"}, 36, 36}, {[]point{{}, {}}, 64, 100},
	} {
		if got := Sizeof(c.v); got < c.min || got > c.max {
			t.Errorf("Sizeof(%T) = %d, wants %d to %d", c.v, got, c.min, c.max)
		}
	}
}
