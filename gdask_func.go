package gdask

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/gdask/gdask/core/client"
	"github.com/gdask/gdask/sdk/task"
	"github.com/gdask/gdask/sdk/wire"
)

// mapBatch is how many tasks Map sends in one message: the scheduler starts on
// the first while the next is made.
const mapBatch = 1024

// Function is a registered function whose result is an R. Make it with [Func];
// it is immutable and may be used by many goroutines.
type Function[R any] struct {
	name string
	fn   *task.Function
	err  error
	opt  Options
	// actor says that the result stays on its worker.
	actor bool
}

// Options of a call. The zero value is Dask's default.
type Options struct {
	// Key names the task ("" for one made of the function's name and a hash of
	// its arguments); for Map it is the prefix of "key-0", "key-1" and so on.
	Key string
	// Keys are for Map alone: one for each call.
	Keys []string
	// BatchSize is how many calls of a Map go to the scheduler at once, which
	// starts on the first while the next are made; default 1024.
	BatchSize int
	// Impure gives every call a key of its own. Without it equal calls are
	// one task, run once while anybody holds a future of it.
	Impure bool
	// Priority puts tasks with a higher number first; default 0.
	Priority float64
	// Retries is how often a task that failed is tried again.
	Retries int
	// Workers restricts the task to workers by address, name or host;
	// AllowOtherWorkers turns that into a preference.
	Workers           []string
	AllowOtherWorkers bool
	// Resources are amounts that the worker must have free, by name.
	Resources map[string]float64
	// Timeout bounds one run of the task; 0 does not.
	Timeout time.Duration
	// Annotations are for the task itself (see [CurrentTask]) and for people who
	// look at it. A value that is a func(key string) any is called for each task.
	Annotations map[string]any
}

// Func registers fn under name for this program's client and workers alike and
// returns its handle. Call it while package variables are initialised, so that
// worker processes, which are this same program, know the function as well:
//
//	var Add = gdask.Func[int]("add", func(a, b int) int { return a + b })
//
// fn is a func([ctx,] args...) ([R][, error]). A mistake (a name that is taken, a
// result that is no R) is reported by every Submit and by [Main].
func Func[R any](name string, fn any) *Function[R] {
	f := &Function[R]{name: name}
	f.fn, f.err = functions.Add(name, fn)
	if f.err == nil {
		want, have := reflect.TypeFor[R](), f.fn.Result()
		if have != nil && have != want && !(want.Kind() == reflect.Interface && have.Implements(want)) {
			f.err = fmt.Errorf("gdask: function %q returns %s, but is declared as Func[%s]; make the two the same", name, have, want)
		}
	}
	if f.err != nil {
		mistakes.add(f.err)
	}
	return f
}

// Name is the name that the function was registered under.
func (f *Function[R]) Name() string { return f.name }

// With returns the same function with other options.
func (f *Function[R]) With(o Options) *Function[R] {
	g := *f
	g.opt = o
	return &g
}

// Submit runs the function on a worker and returns its future at once. args are
// values of the parameters' types or futures with results of these types, also
// inside slices, maps and fields of interface type. A call that cannot be made
// gives a future that has failed.
func (f *Function[R]) Submit(c *Client, args ...any) *Future[R] {
	def, err := f.define(c, args, nil)
	runtime.KeepAlive(args)
	if err != nil {
		return &Future[R]{c: c, f: c.core.Failed(def.Key, err)}
	}
	defs := make([]wire.TaskDef, 1)
	defs[0] = def
	return adopt[R](c, c.submit(defs))[0]
}

// Map runs the function once for each element of the slices, which are its
// arguments side by side; they end with the shortest. An argument that is no
// slice, or whose parameter is a slice of this type, is passed to every call.
func (f *Function[R]) Map(c *Client, slices ...any) []*Future[R] {
	cols, n, err := f.columns(slices)
	if err != nil {
		return []*Future[R]{{c: c, f: c.core.Failed(wire.StrKey(f.name), err)}}
	}
	keys, err := f.scoped(c).mapKeys(n)
	if err != nil {
		return []*Future[R]{{c: c, f: c.core.Failed(wire.StrKey(f.name), err)}}
	}
	futures := make([]*Future[R], 0, n)
	batch := cmp.Or(f.opt.BatchSize, mapBatch)
	args := make([]any, len(cols))
	var w weight
	part := func(defs []wire.TaskDef) []client.Future {
		w.add(defs)
		return c.pass(client.Graph{Tasks: defs})
	}
	for start := 0; start < n; start += batch {
		defs := make([]wire.TaskDef, 0, min(batch, n-start))
		for i := start; i < min(start+batch, n); i++ {
			for j, col := range cols {
				args[j] = col(i)
			}
			def, err := f.define(c, args, keys)
			if err != nil {
				futures = append(futures, adopt[R](c, part(defs))...)
				futures = append(futures, &Future[R]{c: c, f: c.core.Failed(def.Key, err)})
				defs = defs[len(defs):]
				continue
			}
			def.Order = int64(i)
			defs = append(defs, def)
		}
		futures = append(futures, adopt[R](c, part(defs))...)
	}
	runtime.KeepAlive(slices)
	c.large.warn(&w)
	return futures
}

// mapKeys names the n tasks of a Map that are not named by their arguments.
func (f *Function[R]) mapKeys(n int) (func() wire.Key, error) {
	if f.opt.BatchSize < 0 {
		return nil, fmt.Errorf("gdask: BatchSize is %d; give 1 or more, or 0 for %d", f.opt.BatchSize, mapBatch)
	}
	if f.opt.Keys == nil {
		return f.countedKeys(), nil
	}
	if len(f.opt.Keys) != n {
		return nil, fmt.Errorf("gdask: Map of %q got %d keys for %d calls; give one for each", f.name, len(f.opt.Keys), n)
	}
	seen := make(map[string]bool, n)
	for _, k := range f.opt.Keys {
		if seen[k] {
			return nil, fmt.Errorf("gdask: Map of %q got the key %q twice; give each call one of its own", f.name, k)
		}
		seen[k] = true
	}
	i := -1
	return func() wire.Key { i++; return wire.StrKey(f.opt.Keys[i]) }, nil
}

func (f *Function[R]) countedKeys() func() wire.Key {
	prefix := f.opt.Key
	if prefix == "" {
		if !f.opt.Impure && !f.actor {
			return nil
		}
		prefix = f.name + "-" + token()
	}
	buf := append([]byte(prefix), '-')
	i := -1
	return func() wire.Key {
		i++
		return wire.StrKey(string(strconv.AppendInt(buf, int64(i), 10)))
	}
}

func token() string { return strings.ToLower(rand.Text()) }

// define makes the task of one call. key names it when not nil.
func (f *Function[R]) define(c *Client, args []any, key func() wire.Key) (wire.TaskDef, error) {
	f = f.scoped(c)
	def := f.opt.def("", f.actor)
	if key != nil {
		def.Key = key()
	}
	call, err := f.call(c, args)
	if err == nil && key == nil {
		def.Key, err = f.key(call)
	}
	if err != nil {
		if def.Key == "" {
			def.Key = wire.StrKey(f.name)
		}
		return def, err
	}
	return c.complete(def, &f.opt, call)
}

// def is a task with these options.
func (o *Options) def(k wire.Key, actor bool) wire.TaskDef {
	return wire.TaskDef{Key: k, Runtime: runtimeGo, Priority: o.Priority, Retries: o.Retries, Workers: o.Workers,
		AllowOther: o.AllowOtherWorkers, Resources: o.Resources, Timeout: o.Timeout.Seconds(), Actor: actor}
}

// complete gives a task with a key its call.
func (c *Client) complete(def wire.TaskDef, o *Options, call *task.Call) (_ wire.TaskDef, err error) {
	if len(o.Annotations) > 0 {
		if def.Annotations, err = o.annotations(client.KeyText(def.Key)); err != nil {
			return def, err
		}
	}
	def.Dependencies = call.Dependencies(nil)
	if c.core.ByReference() {
		def.RunSpec = wire.Opaque{Ref: call}
		return def, nil
	}
	def.RunSpec, err = call.Encode()
	return def, err
}

// scoped is the function with the options of the client's view.
func (f *Function[R]) scoped(c *Client) *Function[R] {
	if c.scope == nil {
		return f
	}
	return f.With(c.scope.with(f.opt))
}

// call checks and binds the arguments.
func (f *Function[R]) call(c *Client, args []any) (*task.Call, error) {
	if f.err != nil {
		return nil, f.err
	}
	if err := f.opt.check(); err != nil {
		return nil, err
	}
	if err := c.usable(args); err != nil {
		return nil, err
	}
	return f.fn.NewCall(args...)
}

// key names a single call.
func (f *Function[R]) key(call *task.Call) (wire.Key, error) {
	if f.opt.Keys != nil {
		return wire.StrKey(f.name), fmt.Errorf("gdask: one call of %q got %d Keys, which are for Map; give Key", f.name, len(f.opt.Keys))
	}
	if f.opt.Key != "" {
		return wire.StrKey(f.opt.Key), nil
	}
	if f.opt.Impure || f.actor {
		return wire.StrKey(f.name + "-" + token()), nil
	}
	var space [96]byte
	text, err := call.AppendHash(append(append(space[:0], f.name...), '-'))
	if err != nil {
		return wire.StrKey(f.name), fmt.Errorf("gdask: %w; or say Impure", err)
	}
	return wire.StrKeyBytes(text), nil
}

// columns makes a function of the index of each argument of Map.
func (f *Function[R]) columns(slices []any) ([]func(int) any, int, error) {
	if f.err != nil {
		return nil, 0, f.err
	}
	cols := make([]func(int) any, len(slices))
	n := -1
	for j, s := range slices {
		rv := reflect.ValueOf(s)
		if s == nil || rv.Kind() != reflect.Slice || rv.Type() == f.fn.Accepts(j) {
			cols[j] = func(int) any { return s }
			continue
		}
		cols[j] = column(s, rv)
		if n < 0 || rv.Len() < n {
			n = rv.Len()
		}
	}
	if n < 0 {
		return nil, 0, fmt.Errorf("gdask: Map of %q got no slice; give one slice for each argument", f.name)
	}
	return cols, n, nil
}

func column(s any, rv reflect.Value) func(int) any {
	switch s := s.(type) {
	case []int:
		return func(i int) any { return s[i] }
	case []string:
		return func(i int) any { return s[i] }
	case []float64:
		return func(i int) any { return s[i] }
	case []any:
		return func(i int) any { return s[i] }
	}
	return func(i int) any { return rv.Index(i).Interface() }
}
