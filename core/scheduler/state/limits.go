package state

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// pythonRuntime is the runtime of tasks and workers that name none.
const pythonRuntime = "python"

// limits are where tasks may run. Tasks with the same limits share them, and
// wait in one queue.
//
// Within one kind of limit a name more is a choice more: a worker is among the
// named ones when one of the names is its address, with or without its protocol,
// its name or its host. Between kinds each one narrows: a worker must be among
// the named ones, and have each of the resources, and serve the runtime. So a
// task for a host that needs a GPU runs on a worker of that host with a GPU, or
// not at all; it never runs elsewhere because a GPU is there. Only names may be
// loose, a preference: then any worker with the resources and the runtime will do.
type limits struct {
	id        string
	runtime   string
	workers   []string // addresses, names or hosts; empty: all
	resources wire.Resources
	loose     bool // workers is a preference
	tasks     int
	parked    int // of them, on the bench
	queue     queue
	queued    bool      // in Machine.queues
	deserted  time.Time // when a queue lost its last running worker; zero: it has one
	checked   uint64
	now       bool // a running worker may run them, as of the fleet checked
	later     bool // or one that may come back
}

func (m *Machine) limitsOf(d *wire.TaskDef) *limits {
	runtime := d.Runtime
	if runtime == "" {
		runtime = pythonRuntime
	}
	id, needs := runtime, needed(d.Resources)
	if len(d.Workers) > 0 || len(needs) > 0 {
		id = limitsID(d, needs, runtime)
	}
	if l := m.lastLimit; l != nil && l.id == id {
		return l
	}
	l := m.limits[id]
	if l == nil {
		id = strings.Clone(id)
		l = &limits{id: id, runtime: strings.Clone(runtime), workers: slices.Clone(d.Workers),
			resources: maps.Clone(needs), loose: d.AllowOther && len(d.Workers) > 0}
		m.limits[id] = l
	}
	m.lastLimit = l
	return l
}

// needed leaves out amounts that ask for nothing.
func needed(r wire.Resources) wire.Resources {
	for _, n := range r {
		if n <= 0 {
			r = maps.Clone(r) // the definition is not ours
			maps.DeleteFunc(r, func(_ string, n float64) bool { return n <= 0 })
			break
		}
	}
	return r
}

func limitsID(d *wire.TaskDef, needs wire.Resources, runtime string) string {
	ws := slices.Sorted(slices.Values(d.Workers))
	var b strings.Builder
	fmt.Fprintf(&b, "%s\x00%t\x00%q\x00", runtime, d.AllowOther, ws)
	for _, r := range slices.Sorted(maps.Keys(needs)) {
		fmt.Fprintf(&b, "%q=%g,", r, needs[r])
	}
	return b.String()
}

func (m *Machine) dropLimits(t *task) {
	l := t.limits
	t.limits = nil
	if l == nil {
		return
	}
	if l.tasks--; l.tasks == 0 && l.queue.live == 0 {
		delete(m.limits, l.id)
		if m.lastLimit == l {
			m.lastLimit = nil
		}
	}
}

// allows says whether a worker may ever run the tasks.
func (l *limits) allows(w *worker) bool {
	return w.serves(l.runtime) && l.supplied(w) && (l.loose || l.prefers(w))
}

// prefers says whether the worker is among the named ones.
func (l *limits) prefers(w *worker) bool {
	if len(l.workers) == 0 {
		return true
	}
	for _, n := range l.workers {
		if n == w.address || n == w.reg.Name || n == w.reg.Host || n == w.contact {
			return true
		}
	}
	return false
}

// supplied compares with what the worker has in all, in use or not.
func (l *limits) supplied(w *worker) bool {
	for r, n := range l.resources {
		if !(w.reg.Resources[r] >= n) || math.IsInf(n, 0) { // nobody has NaN
			return false
		}
	}
	return true
}

// fits says whether the worker has the resources free at this moment.
func (l *limits) fits(w *worker) bool {
	for r, n := range l.resources {
		if w.used[r]+n > w.reg.Resources[r]+1e-9 {
			return false
		}
	}
	return true
}

// spare says whether one more task may wait at the worker for its resources:
// one beyond what can run, so that others do not wait behind it.
func (l *limits) spare(w *worker) bool {
	for r := range l.resources {
		if w.used[r] > w.reg.Resources[r]-1e-9 {
			return false
		}
	}
	return true
}

// anywhere says whether a worker is allowed now, and whether one is that does
// not run at present or was lost a short while ago.
func (m *Machine) anywhere(l *limits) (now, later bool) {
	if l.checked != m.fleet {
		l.checked = m.fleet
		l.now, l.later = m.search(l)
	}
	return l.now, l.later
}

func (m *Machine) search(l *limits) (now, later bool) {
	for _, w := range m.list {
		if l.allows(w) {
			if w.running() {
				return true, true
			}
			later = true
		}
	}
	for _, w := range m.gone {
		if m.now.Sub(w.lastSeen) < goneFor && l.allows(w) {
			later = true
		}
	}
	return false, later
}

// describe says in words what the tasks ask for.
func (l *limits) describe() string {
	var s strings.Builder
	s.WriteString("runtime " + l.runtime)
	if len(l.workers) > 0 && !l.loose {
		fmt.Fprintf(&s, ", one of the workers or hosts %q", l.workers)
	}
	for _, r := range slices.Sorted(maps.Keys(l.resources)) {
		fmt.Fprintf(&s, ", resource %s >= %g", r, l.resources[r])
	}
	return s.String()
}

// whyNot says in words why no present worker fits, rule by rule.
func (m *Machine) whyNot(l *limits) string {
	if len(m.list) == 0 {
		return "no worker is connected"
	}
	var run, named, supplied int
	offered := map[string]bool{}
	for _, w := range m.list {
		for _, r := range w.reg.Runtimes {
			offered[r] = true
		}
		if w.serves(l.runtime) {
			run++
		}
		if l.loose || l.prefers(w) {
			named++
		}
		if l.supplied(w) {
			supplied++
		}
	}
	s := fmt.Sprintf("of %d workers %d serve the runtime %s", len(m.list), run, l.runtime)
	if run == 0 {
		s += fmt.Sprintf(" (they serve %s)", strings.Join(slices.Sorted(maps.Keys(offered)), ", "))
	}
	if len(l.workers) > 0 && !l.loose {
		s += fmt.Sprintf(", %d are among %q", named, l.workers)
	}
	if len(l.resources) > 0 {
		s += fmt.Sprintf(", %d have the resources", supplied)
	}
	return s
}
