// Package state is the scheduler as a pure machine: events in, instructions
// out. It does no I/O, reads no clock and starts no goroutine; one goroutine
// owns a Machine.
package state

import (
	"time"

	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/wire/keytable"
)

// Machine is all that the scheduler knows of tasks, workers and clients.
type Machine struct {
	c   Config
	now time.Time // of the event under way

	tasks    *keytable.Table[task]
	workers  map[string]*worker
	list     []*worker // the same workers, for scans
	names    map[string]*worker
	clients  map[string]*client
	prefixes map[string]*prefix
	groups   map[string]*group
	last     *group // of the last new task: the next one's, mostly
	counts   Counts
	threads  int // of all workers

	limits    map[string]*limits
	lastLimit *limits
	queues    []*limits        // with queued tasks
	benched   map[*limits]bool // of parked tasks
	expiry    time.Time        // none of them is too late before
	parked    queue            // no-worker tasks
	steps     *table
	fleet     uint64 // grows with every change of what workers may run
	runningAt uint64 // the fleet that runningN was counted in
	runningN  int
	open      [2][]*worker
	turn      int // round robin over open workers
	pick      uint64

	steals   map[*task]*steal // not answered yet
	stealID  int64
	stolen   Stealing
	balanced time.Time

	replicas listing // results with more than one copy
	pins     listing // tasks of whose results somebody asked for several
	managing bool    // the memory manager runs by itself
	managed  time.Time
	pool     pool // of all workers
	marks    uint64
	able     []*worker                // scratch
	copies   map[*task][]*acquisition // under way
	soonest  time.Time                // none of them is given up before
	ended    []*acquisition           // that an errand is to hear of
	ordered  []*worker                // to be told what to fetch and to drop
	errands  []*errand                // that run, in order of their start
	waiting  []*errand
	due      bool // errands go on at the end of the event
	look     bool // and look at everything
	looked   time.Time

	failed failures

	stack []*task // recommendations
	ready []*task // recommended to processing
	log   ring
	dog   watchdog

	stream *taskStream // nil until somebody asked for it
	gone   []*worker   // unexpectedly lost ones, latest last

	verdicts []verdict // failures that clients are to be told of

	generation float64
	lastGraph  time.Time
	lastJoin   time.Time
	runs       int64
	stamp      uint32
	bandwidth  float64
	stimulus   string
	event      Event // under way
	events     uint64

	out, spare Output
	epoch      uint64 // of out; merged messages belong to one epoch
}

// New returns an empty machine. Settings that make no sense take the default.
func New(c Config) *Machine {
	c = c.normal()
	return &Machine{
		c: c, tasks: newTasks(), workers: map[string]*worker{}, names: map[string]*worker{},
		clients: map[string]*client{}, prefixes: map[string]*prefix{}, groups: map[string]*group{},
		limits: map[string]*limits{}, steps: newTable(), fleet: 1, steals: map[*task]*steal{},
		benched: map[*limits]bool{}, copies: map[*task][]*acquisition{}, managing: c.MemoryManager.Start,
		log: newRing(c.TransitionLogLength), bandwidth: c.Bandwidth, epoch: 1,
	}
}

// Apply handles one event that happened at now and appends its instructions to
// the output.
func (m *Machine) Apply(now time.Time, e Event) {
	m.now, m.stimulus, m.event = now, "", e
	m.events++
	e.apply(m)
	m.settle()
	if m.due {
		m.advance()
	}
	if len(m.ordered) > 0 {
		m.sendOrders()
	}
	m.event = nil
	if m.c.Validate {
		m.validate()
	}
}

// Output is what the shell must do, in order per destination.
type Output struct {
	ToWorkers []ToWorker
	ToClients []ToClient
	// Close are workers whose streams the shell must end (with a reason), for
	// instance after worker-ttl. They stay known until RemoveWorker.
	Close []CloseWorker
	// Statuses are workers whose status the machine changed, for the shell's view.
	Statuses []WorkerStatus
	// Done are the errands that ended.
	Done []ErrandDone
	// Rejected is why an AddWorker was refused, by address.
	Rejected []Rejected
	// Alarms are tasks that make no progress, for the log and for whoever listens.
	Alarms []Alarm
	// Errors are defects of the machine itself: impossible transitions and,
	// with Validate, broken invariants. Log them; the machine goes on.
	Errors []Defect
	// Warnings are mistakes of clients to be logged.
	Warnings []string
}

// ToWorker is a message for a worker's stream.
type ToWorker struct {
	Address string
	Msg     wire.Msg
}

// ToClient is a message for a client's stream.
type ToClient struct {
	Client string
	Msg    wire.Msg
}

// CloseWorker asks the shell to end a worker's stream.
type CloseWorker struct{ Address, Reason string }

// Rejected is a refused registration.
type Rejected struct{ Address, Reason string }

// Take returns the instructions since the last Take. The slices are valid until
// the next Take, the messages for good.
func (m *Machine) Take() Output {
	r := m.out
	s := &m.spare
	clear(s.ToWorkers)
	clear(s.ToClients)
	m.out = Output{ToWorkers: s.ToWorkers[:0], ToClients: s.ToClients[:0]}
	m.spare = Output{ToWorkers: r.ToWorkers, ToClients: r.ToClients}
	m.epoch++
	return r
}

func (m *Machine) toWorker(w *worker, msg wire.Msg) {
	w.freeing = nil
	m.out.ToWorkers = append(m.out.ToWorkers, ToWorker{w.address, msg})
}

func (m *Machine) toClient(c *client, msg wire.Msg) {
	m.out.ToClients = append(m.out.ToClients, ToClient{c.id, msg})
}

// free has a worker drop a task or its result. Keys that follow one another
// share a message.
func (m *Machine) free(w *worker, k wire.Key) {
	if w.freeing != nil && w.freeEpoch == m.epoch {
		w.freeing.Keys = append(w.freeing.Keys, k)
		return
	}
	f := &wire.FreeKeys{Keys: []wire.Key{k}, StimulusID: m.stimulus}
	m.toWorker(w, f)
	w.freeing, w.freeEpoch = f, m.epoch
}
