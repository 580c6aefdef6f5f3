package scheduler

import (
	"context"
	"slices"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
	"github.com/tinylib/msgp/msgp"
)

// retireBound is how long a retirement may take to move data and let running
// tasks end. After it a worker goes as it is when nothing is lost with it, and
// stays otherwise.
const retireBound = 60 * time.Second

// retireWorkers takes workers out of service without losing what only they
// hold. The answer has those that go; a peer that asks for a report (gdask's
// own) also learns which ones stay, and why.
func (c *call) retireWorkers() (any, error) {
	names, err := c.retirees()
	if err != nil {
		return nil, err
	}
	r := retiring{
		names: names, bound: c.duration("timeout", retireBound), stimulus: c.str("stimulus_id"),
		close: c.bool("close_workers", false), remove: c.bool("remove", true),
	}
	if !r.close && !r.remove { // it is a worker that asks, before it ends
		r.leaves = true
	}
	if err := c.s.retire(c.ctx, &r); err != nil {
		return nil, err
	}
	if c.bool("report", false) {
		return &tree{object{{"retired", r.gone}, {"kept", r.kept}}}, nil
	}
	return &tree{r.gone}, nil
}

// retirees are the names in the fields workers or names; with neither the
// caller leaves the choice to the scheduler.
func (c *call) retirees() ([]string, error) {
	if c.has("workers") && c.has("names") {
		return nil, asPython("TypeError", "retire_workers: workers and names are both given; use one")
	}
	for _, f := range []string{"workers", "names"} {
		if c.has(f) {
			names, err := c.texts(f)
			return append([]string{}, names...), err
		}
	}
	return c.cheapest()
}

// retiring is one request to retire workers and what became of it.
type retiring struct {
	names         []string
	bound         time.Duration
	stimulus      string
	close, remove bool
	leaves        bool // they end on their own account

	peers      []*workerPeer
	gone, kept object // by address: identities, reasons
}

// RetireWorkers takes workers, by address or name, out of service: what only
// they hold is copied to others and what they run may end, within the bound.
// Those that hold something that has nowhere to go stay; the answer tells why, by
// their names.
func (s *Scheduler) RetireWorkers(ctx context.Context, workers []string, bound time.Duration) (kept map[string]string, err error) {
	r := retiring{names: append([]string{}, workers...), bound: bound, stimulus: "retire-workers"}
	if err := s.retire(ctx, &r); err != nil {
		return nil, err
	}
	kept = make(map[string]string, len(r.kept))
	for _, f := range r.kept {
		for _, w := range r.peers {
			if w.address == f.name {
				kept[w.name], _ = f.value.(string)
			}
		}
	}
	return kept, nil
}

// Ending says that all workers are about to leave: those that ask before they end
// are let go at once, for there is nobody left to hand their data to.
func (s *Scheduler) Ending() { s.ending.Store(true) }

// retire does all that r asks for.
func (s *Scheduler) retire(ctx context.Context, r *retiring) error {
	r.gone, r.kept = object{}, object{}
	if r.leaves && s.ending.Load() {
		return nil
	}
	ends, err := s.errandsOf(ctx, func() (events []func(int64) state.Event) {
		r.peers = s.loop.find(r.names)
		for _, w := range r.peers {
			events = append(events, func(id int64) state.Event {
				return state.Retire{ID: id, Address: w.address, Timeout: r.bound, Leaves: r.leaves, StimulusID: r.stimulus}
			})
		}
		return events
	})
	if err != nil || len(ends) == 0 {
		return err
	}
	return s.loop.do(ctx, s.loop.conclude(r, ends))
}

// conclude follows the ends of all.
func (l *loop) conclude(r *retiring, ends []state.ErrandDone) func() {
	return func() {
		for i, w := range r.peers {
			l.retired(r, w, ends[i])
		}
		l.reportRetired(r)
	}
}

// retired follows the end of one retirement.
func (l *loop) retired(r *retiring, w *workerPeer, d state.ErrandDone) {
	if d.Status != state.ErrandOK && d.Status != state.ErrandGone {
		l.s.log.warn("worker could not retire", "address", w.address, "name", w.name, "reason", d.Reason)
		r.kept = append(r.kept, field{w.address, d.Reason})
		return
	}
	if back := l.workers[w.address]; w.gone && back != nil && d.Status == state.ErrandOK {
		w = back // it lost its connection before its turn came, and is retired all the same
	}
	r.gone = append(r.gone, field{w.address, w.identity()})
	l.retire(w, r.close, r.remove)
}

// reportRetired tells whoever listens to events.
func (l *loop) reportRetired(r *retiring) {
	gone, kept := addressesIn(r.gone), addressesIn(r.kept)
	l.event("all", listsEvent("retire-workers", r.stimulus, field{"retired", gone}, field{"could-not-retire", kept}))
	for _, a := range gone {
		l.event(a, eventFields("retired", "stimulus_id", r.stimulus))
	}
	for _, f := range r.kept {
		reason, _ := f.value.(string)
		l.event(f.name, eventFields("could-not-retire", "stimulus_id", r.stimulus, "reason", reason))
	}
}

func addressesIn(o object) []string {
	out := make([]string, len(o))
	for i, f := range o {
		out[i] = f.name
	}
	return slices.Clip(out)
}

// listsEvent is an event with lists of texts.
func listsEvent(action, stimulus string, lists ...field) wire.Opaque {
	b := msgp.AppendMapHeader(nil, uint32(2+len(lists)))
	b = msgp.AppendString(msgp.AppendString(b, "action"), action)
	b = msgp.AppendString(msgp.AppendString(b, "stimulus_id"), stimulus)
	for _, f := range lists {
		texts, _ := f.value.([]string)
		b = msgp.AppendArrayHeader(msgp.AppendString(b, f.name), uint32(len(texts)))
		for _, t := range texts {
			b = msgp.AppendString(b, t)
		}
	}
	return wire.Opaque{Raw: b}
}

// retire ends w's service after its data was moved.
func (l *loop) retire(w *workerPeer, closeIt, remove bool) {
	if w.gone {
		return
	}
	w.told = true
	if closeIt {
		l.tell(w, &wire.CloseWorker{Reason: "scheduler-retire"})
	}
	l.flush()
	if remove {
		l.retireNow(w, closeIt)
	}
}

// retireNow removes w; a worker that was told to close keeps its connection
// until it has read that.
func (l *loop) retireNow(w *workerPeer, told bool) {
	st := w.out.stream
	if !told || st == nil {
		l.dropWorker(w, "retired", true)
		return
	}
	l.forgetWorker(w, "retired", true)
	l.s.wg.Go(farewell{l.s, st}.say)
}

// farewell closes a stream once what is in it was read.
type farewell struct {
	s  *Scheduler
	st *wire.Stream
}

func (f farewell) say() {
	ctx, cancel := context.WithTimeout(f.s.ctx, farewellBound)
	defer cancel()
	_ = f.st.Close(ctx, true)
}

// tell sends a message of the shell's own to a worker.
func (l *loop) tell(w *workerPeer, m wire.Msg) {
	if !w.gone && w.out.add(m) {
		l.dirty = append(l.dirty, &w.out)
	}
}

// wireBytes is o as bytes, also when it came by reference.
func wireBytes(o wire.Opaque) (wire.Opaque, error) {
	if m, ok := o.Ref.(msgp.Marshaler); ok && len(o.Raw) == 0 {
		b, err := m.MarshalMsg(nil)
		return wire.Opaque{Raw: b}, err
	}
	return encoded(o), nil
}
