package scheduler

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// flushEvery is after how many items of one drain the output leaves: early
// enough that workers start while a long batch is still being applied.
const flushEvery = 512

// loop owns the machine and all that belongs to it. Only run and the functions
// that it is handed touch its fields; others use post, do and push.
type loop struct {
	s       *Scheduler
	m       *state.Machine
	in      *inbox
	now     time.Time // of the turn under way
	workers map[string]*workerPeer
	clients map[string]*session
	dirty   []*outlet
	load    loopLoad
	totals  totals
	watch   map[*statusWatcher]struct{}
	topics  topics
	coord   coordination
	done    chan struct{}
	// The destinations of the last message: most messages go where the last went.
	lastWorker *workerPeer
	lastClient *session
	idle       idler
	// lastTick notices when this process itself was stopped for a while.
	lastTick time.Time
	rejected []state.Rejected
	nannies  map[string]startingNanny
	hooked   []*runner     // scheduler plugins
	told     uint64        // transitions that they were told of
	changed  chan struct{} // closed and replaced when a worker comes or goes
	errands  errands
}

// totals counts what came and went since the start.
type totals struct {
	workersAdded, workersRemoved int64
	clientsAdded, clientsRemoved int64
}

func newLoop(s *Scheduler, c state.Config) *loop {
	m := state.New(c)
	return &loop{
		s: s, m: m, in: newInbox(),
		workers: map[string]*workerPeer{}, clients: map[string]*session{},
		watch: map[*statusWatcher]struct{}{}, topics: newTopics(s.set.EventLength, s.set.EventsCleanupDelay), coord: newCoordination(s.set),
		done: make(chan struct{}), changed: make(chan struct{}), nannies: map[string]startingNanny{}, idle: idler{limit: s.set.IdleTimeout},
		errands: errands{waiting: map[int64]chan<- state.ErrandDone{}},
	}
}

// run applies what comes in until the inbox is closed.
func (l *loop) run() {
	defer close(l.done)
	var spare []item
	for {
		items, ok := l.in.take(spare)
		if !ok {
			return
		}
		l.now = time.Now()
		l.turn(items)
		l.load.turn(time.Since(l.now), len(items))
		clear(items)
		spare = items
		if cap(spare) > maxIdleBatch {
			spare = nil
		}
	}
}

func (l *loop) turn(items []item) {
	for i := range items {
		it := &items[i]
		switch {
		case it.from != nil && it.from.gone:
		case it.ev != nil:
			l.m.Apply(l.now, it.ev)
		default:
			it.fn()
		}
		if i%flushEvery == flushEvery-1 {
			l.flush()
		}
	}
	l.flush()
	if len(l.coord.unknown) > 0 {
		l.retryUnknown()
	}
}

// apply handles one event on the loop, at the time of the turn.
func (l *loop) apply(e state.Event) { l.m.Apply(l.now, e) }

// flush sends what the machine has said since the last flush.
func (l *loop) flush() {
	out := l.m.Take()
	if len(l.hooked) > 0 {
		l.hookTransitions()
	}
	l.deliver(&out)
}

func (l *loop) deliver(out *state.Output) {
	for i := range out.ToWorkers {
		l.toWorker(out.ToWorkers[i].Address, out.ToWorkers[i].Msg)
	}
	for i := range out.ToClients {
		l.toClient(out.ToClients[i].Client, out.ToClients[i].Msg)
	}
	for _, o := range l.dirty {
		o.send()
	}
	clear(l.dirty)
	l.dirty = l.dirty[:0]
	l.rejected = append(l.rejected, out.Rejected...)
	for i := range out.Alarms {
		l.alarm(&out.Alarms[i])
	}
	for _, st := range out.Statuses {
		if w := l.workers[st.Address]; w != nil {
			l.noteStatus(w, st.Status)
		}
	}
	for _, d := range out.Done {
		l.errandDone(d)
	}
	for _, e := range out.Errors {
		l.defect(&e)
	}
	for _, w := range out.Warnings {
		l.s.log.warn("graph", "problem", w)
	}
	for _, c := range out.Close {
		if w := l.workers[c.Address]; w != nil {
			l.dropWorker(w, c.Reason, false)
		}
	}
	if len(out.Close) > 0 {
		l.flush() // what the removals led to
	}
}

func (l *loop) toWorker(address string, m wire.Msg) {
	w := l.lastWorker
	if w == nil || w.address != address || w.gone {
		if w = l.workers[address]; w == nil {
			return
		}
		l.lastWorker = w
	}
	if !w.byRef && !l.encodeSpec(w, m) {
		return
	}
	if !w.gdask {
		plainForWorker(m)
	}
	if w.out.add(m) {
		l.dirty = append(l.dirty, &w.out)
	}
}

// encodeSpec encodes the run spec that a client in this process handed over by
// reference, for a worker in another process. It reports false when the task
// cannot travel; then it errs.
func (l *loop) encodeSpec(w *workerPeer, m wire.Msg) bool {
	ct, ok := m.(*wire.ComputeTask)
	if !ok || ct.RunSpec.Ref == nil || len(ct.RunSpec.Raw) > 0 {
		return true
	}
	spec, ok := ct.RunSpec.Ref.(interface{ Encode() (wire.Opaque, error) })
	err := fmt.Errorf("a run spec of type %T cannot leave the process of its client", ct.RunSpec.Ref)
	if ok {
		if ct.RunSpec, err = spec.Encode(); err == nil {
			return true
		}
	}
	text := fmt.Sprintf("task %s cannot be sent to worker %s: %v", ct.Key, w.address, err)
	l.in.push(item{from: w, ev: state.TaskErred{Worker: w.address, TaskErred: &wire.TaskErred{
		Key: ct.Key, RunID: ct.RunID, Status: "error", Exception: wire.StringOpaque(text), ExceptionText: text,
	}}})
	return false
}

func (l *loop) toClient(id string, m wire.Msg) {
	c := l.lastClient
	if c == nil || c.id != id || c.gone {
		if c = l.clients[id]; c == nil {
			return
		}
		l.lastClient = c
	}
	if !c.gdask {
		plainForClient(m)
	}
	if c.out.add(m) {
		l.dirty = append(l.dirty, &c.out)
	}
}

// post has fn run on the loop; it reports false when the loop has ended.
func (l *loop) post(fn func()) bool { return l.in.push(item{fn: fn}) }

// do has fn run on the loop and waits for it. When it returns an error fn has not
// run and never will, so that what fn writes and begins has an owner.
func (l *loop) do(ctx context.Context, fn func()) error {
	var taken atomic.Bool // by the loop, or by who does not wait any more
	done := make(chan struct{})
	if !l.post(func() {
		if taken.CompareAndSwap(false, true) {
			fn()
			close(done)
		}
	}) {
		return errClosed
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	if taken.CompareAndSwap(false, true) {
		return context.Cause(ctx)
	}
	<-done // it has begun
	return nil
}
