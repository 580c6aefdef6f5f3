package simulate

import (
	"slices"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// scheduler is the machine with what a shell does around it: sessions of
// workers and clients, timers, and the messages that the machine orders.
type scheduler struct {
	w        *World
	m        *state.Machine
	sessions map[string]*session
	list     []*session // the same, in order
	clients  map[string]*clientSession
	waiting  bool // output is to be flushed soon
	closed   []state.CloseWorker

	errands    []errand
	lastErrand int64
}

// session is a registered worker.
type session struct {
	worker  *worker
	link    *link
	gone    bool
	closing bool // its end is no accident
}

func newScheduler(w *World) *scheduler {
	return &scheduler{
		w: w, m: state.New(w.schedulerConfig()),
		sessions: map[string]*session{}, clients: map[string]*clientSession{},
	}
}

// apply has the machine handle an event. What it orders leaves at once or with
// that of a few later events, as in a busy scheduler.
func (s *scheduler) apply(e state.Event) {
	s.handle(e)
	switch {
	case s.w.chance(70):
		s.flush()
	case !s.waiting:
		s.waiting = true
		s.w.after(s.w.between(0, 300*time.Microsecond), s.flush)
	}
}

func (s *scheduler) handle(e state.Event) {
	s.w.stats.Events++
	s.w.note("scheduler", " <", e)
	s.m.Apply(s.w.clock(), e)
	if s.w.stats.Events%int64(s.w.CheckEvery) == 0 {
		s.check()
	}
}

// flush sends what the machine ordered.
func (s *scheduler) flush() {
	s.waiting = false
	s.deliver(s.m.Take())
	for len(s.closed) > 0 {
		c := s.closed[0]
		s.closed = s.closed[1:]
		if ses := s.sessions[c.Address]; ses != nil {
			s.drop(ses, c.Reason)
			s.deliver(s.m.Take())
		}
	}
}

func (s *scheduler) deliver(out state.Output) {
	for _, e := range out.Errors {
		s.w.fail("", "a defect of the scheduler's machine: %s", e)
	}
	for _, m := range out.ToWorkers {
		s.checkOrder(m)
		for _, msg := range s.w.Plant.toWorker(s.w, m.Address, m.Msg) {
			s.toWorker(msg.Address, msg.Msg)
		}
	}
	for _, m := range out.ToClients {
		for _, msg := range s.w.Plant.toClient(s.w, m.Msg) {
			s.toClient(m.Client, msg)
		}
	}
	for _, c := range out.Statuses {
		if ses := s.sessions[c.Address]; ses != nil {
			ses.closing = c.Status == "closing_gracefully"
		}
	}
	s.closed = append(s.closed, out.Close...)
	for _, d := range slices.Clone(out.Done) {
		s.errandDone(d)
	}
}

func (s *scheduler) toWorker(address string, m wire.Msg) {
	ses := s.sessions[address]
	if ses == nil {
		return // registration under way has its own way, see register
	}
	s.w.note("scheduler> ", address, m)
	s.w.stats.Messages++
	s.tell(ses, m)
}

// tell sends a message to a worker.
func (s *scheduler) tell(ses *session, m wire.Msg) {
	l, n := ses.link, ses.worker
	l.send(&l.down, func() { n.receive(l, m) })
}

// register is a worker's registration, with a reply before anything else.
func (s *scheduler) register(n *worker, l *link, e state.AddWorker) {
	if old := s.sessions[n.address]; old != nil {
		s.drop(old, "registered again")
	}
	s.flush()
	ses := &session{worker: n, link: l}
	s.sessions[n.address] = ses
	s.list = append(s.list, ses)
	l.send(&l.down, func() { n.begin(l) })
	s.handle(e)
	s.flush()
}

// ended is the end of a worker's stream.
func (s *scheduler) ended(l *link, n *worker) {
	if ses := s.sessions[n.address]; ses != nil && ses.link == l {
		s.drop(ses, "its connection ended")
		s.flush()
	}
}

// drop removes a worker and ends its connection.
func (s *scheduler) drop(ses *session, why string) {
	n := ses.worker
	s.deliver(s.m.Take()) // what was ordered while it was here
	ses.gone = true
	delete(s.sessions, n.address)
	s.list = slices.DeleteFunc(s.list, func(x *session) bool { return x == ses })
	if !ses.closing {
		s.blame(n)
	}
	s.handle(state.RemoveWorker{Address: n.address, Expected: ses.closing, Reason: why})
	l := ses.link
	l.breakOff(false, func() { n.post(func() { n.lost(l) }) })
}

// blame counts a worker's unexpected end against the tasks that it had.
func (s *scheduler) blame(n *worker) {
	s.w.stats.Lost++
	for _, k := range s.m.Processing(n.address) {
		s.w.oracle.defs[k].deaths++
	}
}

func (s *scheduler) tick() { s.apply(state.Tick{}) }
