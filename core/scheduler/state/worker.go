package state

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// worker is one registered worker.
type worker struct {
	reg      AddWorker
	address  string
	self     []string // address, shared by messages
	contact  string   // address without the protocol
	status   string
	nthreads int
	slots    int // tasks it takes before the scheduler queues
	since    time.Time
	lastSeen time.Time
	metrics  wire.Metrics
	beat     time.Time     // of the last heartbeat, or registration
	reported []KeyDuration // what it executed then

	processing []*task
	has        []*task
	nbytes     int64
	seceded    int
	actors     int     // that live here or are being made here
	occupancy  float64 // seconds
	ahead      float64 // the same, each task capped at the pipeline's duration
	used       map[string]float64

	openIn    int8 // index into Machine.open, or -1
	openPos   int
	picked    uint64 // scratch of one placement
	heldBytes int64
	heldCount int
	marked    uint64 // scratch of one result
	gained    uint64 // results that came here

	going, coming int     // tasks in requests to give up, as victim and as thief
	moving        float64 // seconds of work that these add

	unmanaged lowest    // of its memory
	awaited   int64     // bytes of copies that it was asked to fetch
	stalled   time.Time // when it last did not get one in time
	fetch     []*task   // to be asked for at the end of the event
	shed      []wire.Key
	retiring  int    // errands that prepare its end
	before    string // its status until then

	freeing   *wire.FreeKeys
	freeEpoch uint64
	ended     uint64 // tasks that left it, and at the watchdog's last look
	endedSeen uint64
	closing   bool // the shell was asked to close it
	exit      *exit
}

// statusRunning is the status of workers that get tasks, statusPaused of those
// that start none until they run again.
const (
	statusRunning = "running"
	statusPaused  = "paused"
)

func (w *worker) newExit() *exit {
	return &exit{name: w.reg.Name, address: w.address, host: w.reg.Host, awaited: w.supervised()}
}

func (w *worker) running() bool { return w.status == statusRunning }

func (m *Machine) newWorker(e AddWorker) *worker {
	if e.Name == "" {
		e.Name = e.Address
	}
	if len(e.Runtimes) == 0 {
		e.Runtimes = []string{pythonRuntime}
	}
	if e.Status == "" {
		e.Status = "init"
	}
	e.NThreads = max(e.NThreads, 1)
	w := &worker{
		reg: e, address: e.Address, self: []string{e.Address}, status: e.Status,
		nthreads: e.NThreads, since: m.now, lastSeen: m.now, beat: m.now, openIn: -1,
	}
	w.reg.Held = nil
	_, w.contact, _ = strings.Cut(e.Address, "://")
	w.slots = math.MaxInt
	if s := math.Ceil(m.c.WorkerSaturation * float64(e.NThreads)); s < math.MaxInt32 {
		w.slots = max(int(s), 1)
	}
	return w
}

// load is the number of tasks that take slots.
func (w *worker) load() int { return len(w.processing) - w.seceded }

// The classes of open workers.
const (
	openSlots = 0 // has a free slot
	openAhead = 1 // has room for tiny tasks ahead only
)

// refresh puts the worker into the list of open workers that it belongs to.
func (m *Machine) refresh(w *worker) {
	want := int8(-1)
	switch {
	case !w.running():
	case w.load() < w.slots:
		want = openSlots
	case m.roomAhead(w):
		want = openAhead
	}
	if want == w.openIn {
		return
	}
	if w.openIn >= 0 {
		l := m.open[w.openIn]
		end := len(l) - 1
		l[w.openPos] = l[end]
		l[w.openPos].openPos = w.openPos
		l[end] = nil
		m.open[w.openIn] = l[:end]
	}
	w.openIn = want
	if want >= 0 {
		w.openPos = len(m.open[want])
		m.open[want] = append(m.open[want], w)
	}
}

// hold notes that a worker has a result.
func (m *Machine) hold(t *task, w *worker) {
	if t.has.find(w) != nil {
		return
	}
	t.has.add(w, len(w.has))
	w.has = append(w.has, t)
	w.nbytes += t.size(m)
	w.gained++
	if t.has.len() == 2 {
		m.replicas.add(t)
	}
	if t.is(copying) {
		m.arrived(t, w)
	}
}

// unhold notes that a worker has a result no more; false when it had not.
func (m *Machine) unhold(t *task, w *worker) bool {
	l := t.has.find(w)
	if l == nil {
		return false
	}
	pos, end := int(l.pos), len(w.has)-1
	t.has.drop(l)
	if pos != end {
		moved := w.has[end]
		w.has[pos] = moved
		moved.has.find(w).pos = int32(pos)
	}
	w.has[end] = nil
	w.has = w.has[:end]
	w.nbytes -= t.size(m)
	if t.is(actor) {
		m.moveOut(t, w)
	}
	if t.has.len() == 1 {
		m.replicas.remove(t)
	}
	return true
}

// maxBytes bounds what is believed of a result's size, so that sums over many
// do not overflow.
const maxBytes = 1 << 50

// resize sets the size of a result and keeps the sums over it right.
func (m *Machine) resize(t *task, n int64) {
	if n < 0 {
		return
	}
	n = min(n, maxBytes)
	old := t.size(m)
	t.nbytes = n
	for i := range t.has.len() {
		t.has.at(i).nbytes += n - old
	}
	if t.state == Memory {
		t.group.nbytes += n - old
	}
}

// freeAll has all holders drop a result.
func (m *Machine) freeAll(t *task) {
	for t.has.len() > 0 {
		w := t.has.at(t.has.len() - 1)
		m.free(w, t.key)
		m.unhold(t, w)
	}
}

// enter makes t one of w's tasks.
func (m *Machine) enter(t *task, w *worker, expected float64) {
	t.on, t.onPos = w, int32(len(w.processing))
	w.processing = append(w.processing, t)
	t.expected = expected
	w.occupancy += expected
	w.ahead += m.aheadOf(expected)
	w.use(t, 1)
	if t.is(actor) {
		w.actors++
	}
	m.refresh(w)
}

// leave ends that; it returns the worker.
func (m *Machine) leave(t *task) *worker {
	w := t.on
	end := len(w.processing) - 1
	last := w.processing[end]
	w.processing[t.onPos] = last
	last.onPos = t.onPos
	w.processing[end] = nil
	w.processing = w.processing[:end]
	w.ended++
	t.on, t.onPos = nil, -1
	if t.is(stealing) {
		m.endSteal(t)
	}
	if t.is(seceded) {
		t.unset(seceded)
		w.seceded--
	} else {
		m.unexpect(t, w)
	}
	w.use(t, -1)
	if t.is(actor) {
		w.actors--
	}
	if end == 0 {
		w.occupancy, w.ahead = 0, 0 // no rest of rounding
		m.recheckRetirement(w)
	}
	m.refresh(w)
	return w
}

func (m *Machine) unexpect(t *task, w *worker) {
	w.occupancy = max(w.occupancy-t.expected, 0)
	w.ahead = max(w.ahead-m.aheadOf(t.expected), 0)
	t.expected = 0
}

func (w *worker) use(t *task, sign float64) {
	if t.limits == nil || len(t.limits.resources) == 0 {
		return
	}
	if w.used == nil {
		w.used = map[string]float64{}
	}
	for r, n := range t.limits.resources {
		if w.used[r] += sign * n; w.used[r] < 1e-9 {
			delete(w.used, r)
		}
	}
}

func (w *worker) serves(runtime string) bool { return slices.Contains(w.reg.Runtimes, runtime) }
