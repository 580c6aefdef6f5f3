package task

import (
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

type (
	plainStruct struct {
		A int
		B []string
		C map[string][]float64
		D *int
		E [2]bool
	}
	hiddenStruct struct {
		A int
		b int
	}
	tree struct {
		Left, Right *tree
		N           int
	}
	omitted struct {
		A int `msgpack:"-"`
	}
)

// TestFaithfulValuesComeBack: what is called faithful is what comes back.
func TestFaithfulValuesComeBack(t *testing.T) {
	seven := 7
	link := url.URL{Scheme: "http", Host: "x"}
	for _, v := range []any{
		nil, true, 7, int8(7), uint64(1) << 63, 1.5, float32(2), "x", []byte("x"), []byte(nil), make([]byte, FrameSize),
		[]int{1, 2}, make([]float64, FrameSize), []string{"a"}, map[string]int{"a": 1}, map[int][]string{1: {"x"}},
		plainStruct{A: 1, B: []string{"b"}, C: map[string][]float64{"c": {1}}, D: &seven, E: [2]bool{true}}, &plainStruct{A: 2},
		[]plainStruct{{A: 3}}, time.Unix(5, 0), time.Second, link, &link, Named(3),
		[]any{1, "x", 2.5, nil, []any{true}, map[string]any{"k": []byte("v")}}, map[string]any{"a": 1},
	} {
		if err := Faithful(v); err != nil {
			t.Errorf("%T: %v", v, err)
			continue
		}
		o, err := EncodeValue(v)
		if err != nil {
			t.Errorf("%T: %v", v, err)
			continue
		}
		got, err := DecodeValue(o, FaithfulType(v))
		if at, ok := v.(time.Time); ok && err == nil && at.Equal(got.(time.Time)) {
			continue
		}
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%T: %#v became %#v, %v", v, v, got, err)
		}
	}
}

// Named is a number with a name.
type Named int

func TestUnfaithfulValues(t *testing.T) {
	for _, c := range []struct {
		v   any
		why string
	}{
		{hiddenStruct{1, 2}, "field b of task.hiddenStruct is not exported"},
		{[]hiddenStruct{}, "not exported"},
		{&tree{N: 1}, "contains itself"},
		{omitted{}, "left out by its tag"},
		{make(chan int), "it holds a chan int"},
		{func() {}, "it holds a func()"},
		{[]any{int64(1)}, "it holds a int64 where its type says any"},
		{map[string]any{"a": hiddenStruct{}}, "hiddenStruct"},
		{[]error{errors.New("x")}, "it holds a error"},
		{complex(1, 2), "complex128"},
		{new([]int), "nil"},
	} {
		err := Faithful(c.v)
		var ce *CodecError
		if !errors.As(err, &ce) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%T: %v", c.v, err)
		}
	}
}
