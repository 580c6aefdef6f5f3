package state

import (
	"fmt"
	"slices"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

const (
	// statusRetiring is the status of workers that are to leave: they get no
	// tasks and no copies.
	statusRetiring = "closing_gracefully"
)

// Retire prepares the end of a worker: it gets nothing more, tasks that it has
// not begun go elsewhere, those that run may end, and what only it holds is
// copied away. When that is done the shell removes it. It stays, with the
// status from before, when something has nowhere to go or an actor lives there.
type Retire struct {
	ID      int64
	Address string
	// Leaves says that the worker ends in any case: as much is moved as can be.
	Leaves     bool
	Timeout    time.Duration
	StimulusID string
}

func (e Retire) apply(m *Machine) { m.send(e.ID, e.Timeout, &retirement{Retire: e}) }

// retirement is the errand of Retire.
type retirement struct {
	Retire
	w      *worker
	made   int
	more   bool // not all that is to be copied is on its way
	again  bool // look again
	fleet  uint64
	gained uint64 // the worker's at the last look
}

func (r *retirement) shared() bool { return true }

func (r *retirement) abandon(m *Machine, e *errand) {
	if r.w == nil || m.workers[r.Address] != r.w {
		r.check(m, e)
		return
	}
	r.stay(m, e, ErrandDone{Status: ErrandLate, Reason: "nobody waits for the retirement of " + r.Address})
}

func (r *retirement) begin(m *Machine, e *errand) {
	r.w = m.workers[r.Address]
	if r.w == nil {
		m.finish(e, ErrandDone{Status: ErrandGone, Reason: "no worker has the address " + r.Address})
		return
	}
	if r.w.retiring++; r.w.retiring == 1 {
		r.w.before = r.w.status
	}
	m.setStatus(r.w, statusRetiring, r.StimulusID)
	m.giveBack(r.w)
	r.check(m, e)
}

// setStatus has a worker change its status, and says so to the shell.
func (m *Machine) setStatus(w *worker, status, stimulus string) {
	if w.status == status {
		return
	}
	m.stimulus = stimulus
	w.status = status
	m.refresh(w)
	m.toWorker(w, &wire.WorkerStatusChange{Status: status, StimulusID: stimulus})
	m.out.Statuses = append(m.out.Statuses, WorkerStatus{Address: w.address, Status: status, StimulusID: stimulus})
	m.changed()
}

// giveBack asks a worker for the tasks that it has not begun, as far as others
// may run them. They are placed again.
func (m *Machine) giveBack(w *worker) {
	for _, t := range w.processing {
		if t.flags&(actor|seceded|stealing) != 0 {
			continue
		}
		if now, _ := m.anywhere(t.limits); now {
			m.request(t, nil, t.expected, 0)
		}
	}
}

func (r *retirement) copied(m *Machine, e *errand, a *acquisition) {
	if a.got {
		r.made++
		if m.workers[r.Address] == r.w && m.staying(a.t) >= m.enough(a.t) && m.droppable(a.t, r.w) {
			m.drop(a.t, r.w) // room for what is still to be read from disk
		}
	} else {
		r.again = true
	}
	if e.open == 0 || (r.again || r.more) && e.room() > 0 {
		m.recheckOne(e)
	}
}

// recheckRetirement has the errand of a worker that retires look again.
func (m *Machine) recheckRetirement(w *worker) {
	if w.retiring == 0 {
		return
	}
	for _, e := range m.errands {
		if r, ok := e.job.(*retirement); ok && r.w == w {
			r.again = true
			m.recheckOne(e)
		}
	}
}

// unchanged says that another look would find what the last one did: copies are
// on their way, and neither the workers nor what this one has is another.
func (r *retirement) unchanged(m *Machine, e *errand) bool {
	same := e.open > 0 && !r.again && !(r.more && e.room() > 0) && r.fleet == m.fleet && r.gained == r.w.gained
	r.fleet, r.gained, r.again = m.fleet, r.w.gained, false
	return same
}

func (r *retirement) check(m *Machine, e *errand) {
	if m.workers[r.Address] != r.w {
		r.end(m, e, ErrandDone{Status: ErrandGone, Reason: "the worker left meanwhile", Copied: r.made})
		return
	}
	if r.w.actors > 0 && !r.Leaves {
		r.stay(m, e, ErrandDone{Status: ErrandStranded, Reason: fmt.Sprintf(
			"the worker %s stays: it holds %d actors, which cannot be moved; release their futures first", r.Address, r.w.actors)})
		return
	}
	if r.unchanged(m, e) {
		return
	}
	moving, stranded := r.clear(m, e)
	switch busy := moving > 0 || len(r.w.processing) > 0; {
	case len(stranded) > 0 && !(r.Leaves && busy):
		r.stay(m, e, r.holding(ErrandStranded, stranded, "no running worker can take them"))
	case !busy:
		r.end(m, e, ErrandDone{Status: ErrandOK, Copied: r.made})
	}
}

// clear drops what others hold too and has the rest copied away. It counts what
// is under way or will be, and names what has nowhere to go.
func (r *retirement) clear(m *Machine, e *errand) (moving int, stranded []wire.Key) {
	room := e.room()
	r.more = false
	for _, t := range slices.Backward(r.w.has) { // what is dropped leaves the list
		switch {
		case t.is(actor): // a handle, or lost
		case m.staying(t) >= m.enough(t):
			if m.droppable(t, r.w) {
				m.drop(t, r.w)
			}
		case m.arriving(t) > 0:
			moving++
		case room == 0:
			moving++
			r.more = true
		case m.copyTo(m.everybody(), t, 1, e) > 0:
			moving++
			room--
		case t.keepers() == 0:
			stranded = append(stranded, t.key)
		}
	}
	return moving, stranded
}

// enough is how many copies must be on workers that stay: what somebody asked
// for, as far as there are workers.
func (m *Machine) enough(t *task) int {
	n := t.pinned()
	if n > 1 {
		n = max(1, min(n, m.runningWorkers()))
	}
	return n
}

// runningWorkers counts them.
func (m *Machine) runningWorkers() int {
	if m.runningAt != m.fleet {
		m.runningAt, m.runningN = m.fleet, len(m.runningAmong(nil))
	}
	return m.runningN
}

// stays says that a worker is not about to leave.
func (w *worker) stays() bool { return w.running() || w.status == statusPaused }

// staying counts the copies on workers that are not about to leave, as far as
// they were heard of lately.
func (m *Machine) staying(t *task) (n int) {
	for i := range t.has.len() {
		if w := t.has.at(i); w.stays() && m.heard(w) {
			n++
		}
	}
	return n
}

// keepers counts the copies on workers that are not about to leave, heard of or not.
func (t *task) keepers() (n int) {
	for i := range t.has.len() {
		if t.has.at(i).stays() {
			n++
		}
	}
	return n
}

// arriving counts the copies on their way to workers that stay.
func (m *Machine) arriving(t *task) (n int) {
	if t.is(copying) {
		for _, a := range m.copies[t] {
			if a.to.running() {
				n++
			}
		}
	}
	return n
}

// late ends the retirement at its time limit: with nothing to lose but running
// tasks, which start again elsewhere, the worker goes; else it stays.
func (r *retirement) late(m *Machine, e *errand) {
	if r.w == nil || m.workers[r.Address] != r.w {
		r.check(m, e)
		return
	}
	var kept []wire.Key
	for _, t := range r.w.has {
		if !t.is(actor) && t.keepers() == 0 {
			kept = append(kept, t.key)
		}
	}
	if len(kept) > 0 {
		r.stay(m, e, r.holding(ErrandLate, kept, fmt.Sprintf("they could not be copied within %v", e.timeout)))
		return
	}
	r.end(m, e, ErrandDone{Status: ErrandOK, Copied: r.made})
}

// holding is the end of a retirement that would lose something.
func (r *retirement) holding(status string, keys []wire.Key, why string) ErrandDone {
	return ErrandDone{Status: status, Keys: keys, Reason: fmt.Sprintf(
		"the worker %s stays: only it holds %d results (%v first), and %s", r.Address, len(keys), keys[0], why)}
}

// stay gives a worker its status back.
func (r *retirement) stay(m *Machine, e *errand, d ErrandDone) {
	d.Copied = r.made
	r.end(m, e, d)
	if r.w.retiring == 0 {
		m.setStatus(r.w, r.w.before, r.StimulusID)
	}
}

func (r *retirement) end(m *Machine, e *errand, d ErrandDone) {
	r.w.retiring--
	m.finish(e, d)
}
