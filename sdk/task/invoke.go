package task

import (
	"context"
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"
)

// invoker runs a function on arguments of exactly its parameter types.
type invoker func(ctx context.Context, args []any) (any, error)

// Invoke runs the function. args are without the context and have the
// parameter types, as [Function.Bind] makes them. A panic is a *PanicError.
// Functions without a result return nil.
func (f *Function) Invoke(ctx context.Context, args []any) (v any, err error) {
	defer func() {
		if r := recover(); r != nil {
			v, err = nil, NewPanicError(r)
		}
	}()
	if len(args) < f.minArgs() || !f.variadic && len(args) > len(f.params) {
		return nil, f.countError(len(args))
	}
	return f.invoke(ctx, args)
}

// NewPanicError makes the error of a recovered panic; call it where recover was called.
func NewPanicError(r any) *PanicError {
	stack := string(debug.Stack())
	// What lies above the panic is our own recovery.
	if i := strings.Index(stack, "\npanic("); i >= 0 {
		stack = stack[i+1:]
	}
	return &PanicError{Value: fmt.Sprint(r), Stack: stack}
}

func (f *Function) minArgs() int {
	if f.variadic {
		return len(f.params) - 1
	}
	return len(f.params)
}

func (f *Function) countError(n int) error {
	return fmt.Errorf("task: function %q, %s, takes %d arguments, got %d", f.name, f.Signature(), f.minArgs(), n)
}

// invoker picks a direct call for the most common shapes: reflection costs a
// noop task more than everything else in its worker.
func (f *Function) invoker(fn any) invoker {
	switch fn := fn.(type) {
	case func():
		return func(context.Context, []any) (any, error) { fn(); return nil, nil }
	case func() error:
		return func(context.Context, []any) (any, error) { return nil, fn() }
	case func(context.Context) error:
		return func(ctx context.Context, _ []any) (any, error) { return nil, fn(ctx) }
	case func() int:
		return func(context.Context, []any) (any, error) { return fn(), nil }
	case func(int) int:
		return direct1(fn)
	case func(int) (int, error):
		return direct1e(fn)
	case func(context.Context, int) (int, error):
		return direct1c(fn)
	case func(int, int) int:
		return direct2(fn)
	case func(int, int) (int, error):
		return direct2e(fn)
	case func([]int) int:
		return direct1(fn)
	case func(float64) float64:
		return direct1(fn)
	case func(float64, float64) float64:
		return direct2(fn)
	case func([]float64) float64:
		return direct1(fn)
	case func(string) string:
		return direct1(fn)
	case func(string) int:
		return direct1(fn)
	case func(string) (string, error):
		return direct1e(fn)
	case func([]byte) int:
		return direct1(fn)
	case func(int) []byte:
		return direct1(fn)
	}
	return f.reflected
}

func direct1[A, R any](fn func(A) R) invoker {
	return func(_ context.Context, args []any) (any, error) { return fn(args[0].(A)), nil }
}

func direct1e[A, R any](fn func(A) (R, error)) invoker {
	return func(_ context.Context, args []any) (any, error) {
		r, err := fn(args[0].(A))
		return r, err
	}
}

func direct1c[A, R any](fn func(context.Context, A) (R, error)) invoker {
	return func(ctx context.Context, args []any) (any, error) {
		r, err := fn(ctx, args[0].(A))
		return r, err
	}
}

func direct2[A, B, R any](fn func(A, B) R) invoker {
	return func(_ context.Context, args []any) (any, error) { return fn(args[0].(A), args[1].(B)), nil }
}

func direct2e[A, B, R any](fn func(A, B) (R, error)) invoker {
	return func(_ context.Context, args []any) (any, error) {
		r, err := fn(args[0].(A), args[1].(B))
		return r, err
	}
}

// reflected calls any shape.
func (f *Function) reflected(ctx context.Context, args []any) (any, error) {
	in := make([]reflect.Value, 0, len(args)+1)
	if f.hasCtx {
		in = append(in, reflect.ValueOf(&ctx).Elem())
	}
	for i, a := range args {
		if a == nil { // reflect has no value for a nil interface
			in = append(in, reflect.Zero(f.Accepts(i)))
			continue
		}
		in = append(in, reflect.ValueOf(a))
	}
	out := f.fn.Call(in)
	var err error
	if f.hasErr {
		err, _ = reflect.TypeAssert[error](out[len(out)-1])
	}
	if f.result == nil {
		return nil, err
	}
	return out[0].Interface(), err
}
