package workerrt

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/tinylib/msgp/msgp"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
	"github.com/gdask/gdask/sdk/wire"
)

// versions say what this process is made of.
func versions() map[string]any {
	host, _ := os.Hostname() // only informs people
	packages := map[string]any{"go": runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		packages["program"] = info.Main.Path + " " + info.Main.Version
	}
	return map[string]any{
		"host":     map[string]any{"OS": runtime.GOOS, "machine": runtime.GOARCH, "host": host},
		"packages": packages,
	}
}

// keysIn reads a list or set of keys; present is false when there is none.
func keysIn(m wire.Opaque, name string) (keys []wire.Key, present bool, err error) {
	o, ok := m.Field(name)
	if !ok || o.IsNil() {
		return nil, false, nil
	}
	var set wire.KeySet
	if _, err := set.UnmarshalMsg(o.Raw); err != nil {
		return nil, true, fmt.Errorf("worker: field %s: %w", name, err)
	}
	return set, true, nil
}

// story answers with rows as those of Dask's workers: key, state before, state
// asked for, state after, what followed, reason, time.
func (w *Worker) story(m wire.Opaque) (any, error) {
	keys, _, err := keysIn(m, "keys_or_stimuli")
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return wire.Opaque{Raw: msgp.AppendArrayHeader(nil, 0)}, nil
	}
	var rows []state.Transition
	w.inbox.do(func() { rows = w.m.Story(keys...) })
	return wire.Opaque{Raw: appendStory(nil, rows)}, nil
}

func appendStory(raw []byte, rows []state.Transition) []byte {
	raw = msgp.AppendArrayHeader(raw, uint32(len(rows)))
	for i := range rows {
		t := &rows[i]
		raw = append(msgp.AppendArrayHeader(raw, 7), t.Key...)
		raw = msgp.AppendString(raw, t.From.String())
		raw = msgp.AppendString(raw, t.To.String())
		raw = msgp.AppendString(raw, t.To.String())
		raw = msgp.AppendMapHeader(raw, 0)
		raw = msgp.AppendString(raw, t.Stimulus)
		raw = msgp.AppendFloat64(raw, float64(t.At)/1e9)
	}
	return raw
}

// callStack answers with the stacks of the tasks that run now.
func (w *Worker) callStack(m wire.Opaque) (any, error) {
	keys, some, err := keysIn(m, "keys")
	if err != nil {
		return nil, err
	}
	var among map[wire.Key]bool
	if some {
		among = make(map[wire.Key]bool, len(keys))
		for _, k := range keys {
			among[k] = true
		}
	}
	stacks := w.callStacks(among)
	raw := msgp.AppendMapHeader(nil, uint32(len(stacks)))
	for k, lines := range stacks {
		raw = msgp.AppendArrayHeader(append(raw, k...), uint32(len(lines)))
		for _, l := range lines {
			raw = msgp.AppendString(raw, l)
		}
	}
	return wire.Opaque{Raw: raw}, nil
}

// dumpState is all that the worker knows, but for values and run specs; the
// field exclude names what to leave out.
func (w *Worker) dumpState(m wire.Opaque) (any, error) {
	without, err := excluded(m)
	if err != nil {
		return nil, err
	}
	d := w.identity()
	d["versions"], d["runtimes"] = versions(), w.set.Runtimes
	d["resources"] = anyFloats(w.set.Resources)
	d["logs"] = w.getLogs(wire.Opaque{})
	var tasks []dumped
	var log []state.Transition
	w.inbox.do(func() { // tasks go on: what takes long is done outside
		tasks, log = w.lookAtTasks(), w.m.Story()
		d["stats"] = statsMap(w.m.Stats())
	})
	d["tasks"], d["log"] = wire.Opaque{Raw: dumpTasks(tasks, without)}, wire.Opaque{Raw: appendStory(nil, log)}
	for _, name := range without {
		delete(d, name)
	}
	return rawMap(d)
}

// excluded are the names in the field exclude, whatever kind of list it is.
func excluded(m wire.Opaque) ([]string, error) {
	keys, _, err := keysIn(m, "exclude")
	names := make([]string, 0, len(keys))
	for _, k := range keys {
		if s, ok := k.Str(); ok {
			names = append(names, s)
		}
	}
	return names, err
}

// dumped is what a dump tells of a task.
type dumped struct {
	key     wire.Key
	state   state.State
	nbytes  int64
	runID   int64
	typ     string
	failure *state.Failure
	deps    []wire.Key
}

// lookAtTasks copies what a dump tells. On the inbox.
func (w *Worker) lookAtTasks() []dumped {
	tasks := make([]dumped, 0, w.m.Stats().Tasks)
	w.m.Each(func(t *state.Task) {
		d := dumped{t.Key, t.State, t.Nbytes, t.RunID, t.Type, t.Failure, nil}
		for _, dep := range t.Deps {
			d.deps = append(d.deps, dep.Key)
		}
		tasks = append(tasks, d)
	})
	return tasks
}

// dumpTasks is a map by the texts of keys, as readers of Dask's dumps want it.
func dumpTasks(tasks []dumped, without []string) []byte {
	raw := msgp.AppendMapHeader(nil, uint32(len(tasks)))
	for i := range tasks {
		raw = append(msgp.AppendString(raw, tasks[i].key.String()), dumpTask(&tasks[i], without)...)
	}
	return raw
}

func dumpTask(t *dumped, without []string) []byte {
	d := map[string]any{"state": t.state.String(), "nbytes": t.nbytes, "run_id": t.runID}
	if t.typ != "" {
		d["type"] = t.typ
	}
	if t.failure != nil {
		d["exception_text"], d["traceback_text"] = t.failure.Text, t.failure.TracebackText
	}
	if len(t.deps) > 0 {
		deps := msgp.AppendArrayHeader(nil, uint32(len(t.deps)))
		for _, k := range t.deps {
			deps = append(deps, k...)
		}
		d["dependencies"] = wire.Opaque{Raw: deps}
	}
	for _, name := range without {
		delete(d, name)
	}
	o, err := rawMap(d)
	if err != nil { // only for types that nobody puts in
		return msgp.AppendNil(nil)
	}
	return o.Raw
}

func statsMap(s state.Stats) map[string]any {
	return map[string]any{
		"executing": s.Executing, "long-running": s.LongRunning, "ready": s.Ready, "memory": s.InMemory,
		"fetch": s.Fetching, "flight": s.InFlight, "missing": s.Missing, "tasks": s.Tasks, "managed_bytes": s.Managed,
	}
}

func anyFloats(m map[string]float64) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// rawMap encodes a map whose values may be encoded already.
func rawMap(d map[string]any) (wire.Opaque, error) {
	names := make([]string, 0, len(d))
	for name := range d {
		names = append(names, name)
	}
	slices.Sort(names)
	raw := msgp.AppendMapHeader(nil, uint32(len(names)))
	for _, name := range names {
		raw = msgp.AppendString(raw, name)
		o, err := wire.OpaqueOf(d[name])
		if err != nil {
			return o, fmt.Errorf("worker: %s: %w", name, err)
		}
		raw = append(raw, o.Raw...)
	}
	return wire.Opaque{Raw: raw}, nil
}
