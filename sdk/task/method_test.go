package task

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

type meter struct{ n int }

func (m *meter) Add(_ context.Context, xs ...int) (int, error) {
	for _, x := range xs {
		m.n += x
	}
	return m.n, nil
}

func (m *meter) Bad() chan int { return nil }

// adder has one of the methods.
type adder interface {
	Add(ctx context.Context, xs ...int) (int, error)
}

func TestMethods(t *testing.T) {
	m := &meter{}
	f, err := Method(m, "Add")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := f.Invoke(t.Context(), []any{1, 2}); err != nil || v != 3 || m.n != 3 {
		t.Errorf("%v, %v", v, err)
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[*meter](), reflect.TypeFor[adder]()} {
		g, err := MethodOf(typ, "Add")
		if err != nil || g.Sig() != f.Sig() || g.Result() != f.Result() {
			t.Errorf("%s: %v", typ, err)
			continue
		}
		if c, err := g.NewCall(1, 2, 3); err != nil || len(c.Args) != 3 {
			t.Errorf("%s: %v", typ, err)
		}
		if _, err := g.NewCall("x"); err == nil {
			t.Errorf("%s: takes a string", typ)
		}
	}
	for want, err := range map[string]error{
		`did you mean "Add"?`: second(MethodOf(reflect.TypeFor[*meter](), "Ad")),
		"has no method Gone":  second(Method(m, "Gone")),
		"a channel":           second(Method(m, "Bad")),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

func second(_ *Function, err error) error { return err }

type named string

func (r named) TaskKey() wire.Key { return wire.StrKey(string(r)) }

func (r named) TaskType() reflect.Type { return nil }

func TestEachReference(t *testing.T) {
	type box struct {
		A any
		B []any
		c any
	}
	for want, v := range map[string]any{
		"": 5, "a": named("a"), "a b": []any{named("a"), 1, []any{named("b")}}, "x": map[string]any{"k": named("x"), "l": nil},
		"p q": box{A: named("p"), B: []any{"no", &box{A: named("q")}}, c: nil},
	} {
		var got []string
		EachReference(v, func(r Reference) { got = append(got, r.TaskKey().String()) })
		if strings.Join(got, " ") != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}

func TestLargestArgument(t *testing.T) {
	f, err := newFunction("f", func(_ int, _ []byte, _ []any) {})
	if err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]any{
		"1  (a bytes)":     {1, make([]byte, FrameSize), []any{}},
		"2  (a container)": {1, []byte{1}, []any{named("k"), strings.Repeat("x", 1000)}},
	} {
		c, err := f.NewCall(args...)
		if err != nil {
			t.Fatal(err)
		}
		o, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if c, err = DecodeCall(o); err != nil {
			t.Fatal(err)
		}
		i, kind, n := c.Largest()
		if got := strings.Join([]string{string(rune('0' + i)), kind}, " "); got != want || n < 1000 {
			t.Errorf("%q of %d bytes, want %q", got, n, want)
		}
	}
	if i, _, _ := (&Call{}).Largest(); i != -1 {
		t.Errorf("argument %d of a call without any", i)
	}
}
