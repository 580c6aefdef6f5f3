package task

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
)

// Registry is the functions that a process can run, by name. The zero value is
// not usable; call [NewRegistry]. All methods may be called concurrently.
type Registry struct {
	mu    sync.RWMutex
	funcs map[string]*Function
}

// NewRegistry returns an empty registry.
func NewRegistry() *Registry {
	return &Registry{funcs: make(map[string]*Function)}
}

// Register adds fn under name. fn is a func([ctx,] args...) ([result][, error]);
// anything else, an empty name and a name that is taken are errors. Workers find
// functions by name, so that the order of registration never matters; client and
// worker must register the same name with the same types.
func (r *Registry) Register(name string, fn any) error {
	_, err := r.Add(name, fn)
	return err
}

// Add is [Registry.Register] that also returns the function.
func (r *Registry) Add(name string, fn any) (*Function, error) {
	f, err := newFunction(name, fn)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if old := r.funcs[name]; old != nil {
		return nil, fmt.Errorf("task: function %q is registered twice (as %s and as %s); give each function a name of its own",
			name, old.Signature(), f.Signature())
	}
	r.funcs[name] = f
	return f, nil
}

// Lookup returns the function of that name, or nil.
func (r *Registry) Lookup(name string) *Function {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.funcs[name]
}

// Functions returns all functions in the order of their names.
func (r *Registry) Functions() []*Function {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]*Function, 0, len(r.funcs))
	for _, f := range r.funcs {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *Function) int { return cmp.Compare(a.name, b.name) })
	return all
}

// Resolve returns the function that a call means. An unknown name and another
// signature than the caller's are an *UnknownFunctionError.
func (r *Registry) Resolve(c *Call) (*Function, error) {
	if f := c.fn; f != nil {
		if r.Lookup(c.Name) == f {
			return f, nil
		}
	}
	f := r.Lookup(c.Name)
	if f == nil || f.sig != c.Sig {
		return nil, &UnknownFunctionError{Name: c.Name, Want: c.Sig, Have: f}
	}
	return f, nil
}

// Function is one registered function. It is immutable.
type Function struct {
	name     string
	sig      uint64
	fn       reflect.Value
	params   []param // without the context
	result   reflect.Type
	variadic bool
	hasCtx   bool
	hasErr   bool
	invoke   invoker
}

// param is what is known of one parameter beforehand.
type param struct {
	typ      reflect.Type
	mayRefer bool // a value of this type may hold references to other tasks
}

// Name is the name that the function was registered under.
func (f *Function) Name() string { return f.name }

// Sig is the stable hash of the argument and result types.
func (f *Function) Sig() uint64 { return f.sig }

// Signature is the type of the function as text.
func (f *Function) Signature() string { return signatureText(f.fn.Type()) }

// NumIn is the number of parameters without the context.
func (f *Function) NumIn() int { return len(f.params) }

// In is the type of parameter i, not counting the context; for the last one of
// a variadic function it is a slice type.
func (f *Function) In(i int) reflect.Type { return f.params[i].typ }

// Variadic says that the last parameter takes any number of arguments.
func (f *Function) Variadic() bool { return f.variadic }

// Result is the type of the result, or nil when there is none but an error.
func (f *Function) Result() reflect.Type { return f.result }

// Accepts is the type of argument i (variadic ones past the last parameter
// included), or nil when there is no such argument.
func (f *Function) Accepts(i int) reflect.Type {
	if f.variadic && i >= len(f.params)-1 {
		return f.params[len(f.params)-1].typ.Elem()
	}
	if i >= len(f.params) {
		return nil
	}
	return f.params[i].typ
}

var (
	ctxType = reflect.TypeFor[context.Context]()
	errType = reflect.TypeFor[error]()
)

func newFunction(name string, fn any) (*Function, error) {
	if name == "" {
		return nil, fmt.Errorf("task: a function needs a name; register it as Register(\"name\", fn)")
	}
	v := reflect.ValueOf(fn)
	if fn == nil || v.Kind() != reflect.Func {
		return nil, fmt.Errorf("task: %q is registered with a %T; pass a function", name, fn)
	}
	if v.IsNil() {
		return nil, fmt.Errorf("task: %q is registered with a nil %T; pass a function", name, fn)
	}
	t := v.Type()
	f := &Function{name: name, fn: v, sig: signature(t), variadic: t.IsVariadic()}
	for i := range t.NumIn() {
		in := t.In(i)
		if in == ctxType {
			if i > 0 {
				return nil, fmt.Errorf("task: %q takes a context.Context as parameter %d; it must be the first", name, i+1)
			}
			f.hasCtx = true
			continue
		}
		if why := unusable(in); why != "" {
			return nil, fmt.Errorf("task: parameter %d of %q is a %s, and %s cannot be sent to a worker", i+1, name, in, why)
		}
		f.params = append(f.params, param{typ: in, mayRefer: mayRefer(in, nil)})
	}
	if err := f.setResults(t); err != nil {
		return nil, err
	}
	f.invoke = f.invoker(fn)
	return f, nil
}

func (f *Function) setResults(t reflect.Type) error {
	n := t.NumOut()
	if n > 0 && t.Out(n-1) == errType {
		f.hasErr = true
		n--
	}
	if n > 1 {
		return fmt.Errorf("task: %q returns %d values (%s); return at most one value and an error, for instance a struct",
			f.name, n, signatureText(t))
	}
	if n == 1 {
		if why := unusable(t.Out(0)); why != "" {
			return fmt.Errorf("task: the result of %q is a %s, and %s cannot leave a worker", f.name, t.Out(0), why)
		}
		f.result = t.Out(0)
	}
	return nil
}

// unusable names what makes a type impossible as an argument or a result.
func unusable(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Chan:
		return "a channel"
	case reflect.Func:
		return "a function"
	case reflect.UnsafePointer, reflect.Uintptr:
		return "an address"
	}
	return ""
}
