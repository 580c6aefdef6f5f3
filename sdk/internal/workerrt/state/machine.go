package state

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"time"

	"github.com/gdask/gdask/sdk/wire"
	"github.com/gdask/gdask/sdk/wire/keytable"
)

// Config has the machine's settings; zero fields take the defaults.
type Config struct {
	Address       string             // the worker's own, never a source of inputs
	NThreads      int                // slots; default 1
	Resources     map[string]float64 // what tasks may claim
	MaxPeers      int                // peers copied from at once; default 50, more while ThrottleFrom is not reached
	BatchBytes    int64              // of keys asked from a peer at once; default 50 MB
	TransferLimit int64              // bytes being copied beyond which no copy starts; 0 none
	ThrottleFrom  int64              // bytes being copied from which on MaxPeers counts; default 10 MB
	BusyRetry     time.Duration      // pause after a busy answer; default 150 ms
	Memory        MemoryLimits
	AckFree       bool   // answer free-keys with release-worker-data, as Dask does
	LogLength     int    // transitions that Story knows; default 1000, negative none
	Seed          uint64 // of the choice between equal peers
}

func (c Config) withDefaults() Config {
	c.NThreads = max(c.NThreads, 1)
	if c.MaxPeers <= 0 {
		c.MaxPeers = 50
	}
	if c.BatchBytes <= 0 {
		c.BatchBytes = 50e6
	}
	if c.ThrottleFrom <= 0 {
		c.ThrottleFrom = 10e6
	}
	if c.BusyRetry <= 0 {
		c.BusyRetry = 150 * time.Millisecond
	}
	if c.LogLength == 0 {
		c.LogLength = DefaultLogLength
	}
	return c
}

// Machine is all that a worker knows of its tasks.
type Machine struct {
	cfg    Config
	host   string
	rng    *rand.Rand
	tasks  *keytable.Table[Task]
	paused bool

	ready       taskHeap
	constrained []*claim
	free        map[string]float64
	rejoining   []*Task
	runAhead    int
	counter     float64

	peers         map[string]*peer
	peerList      []*peer
	flights       int
	flightBytes   int64
	refresh       []wire.Key // to be asked for at the end of the event
	out, spare    *Output
	slabs         slabs
	stats         Stats
	mem           memory
	executing     int
	longRunning   int
	log           ring
	now           int64  // of the events under way
	stimulus      string // of the event under way
	fetching      int
	missingInputs int
}

// Stats are counts of the present moment.
type Stats struct {
	Executing, Ready, InFlight, Fetching, LongRunning, Missing, Tasks int
	// InMemory are tasks with a value, OnDisk those of them whose value is on disk.
	InMemory, OnDisk int
	// Managed are the bytes of all values, SpilledMemory those of values on disk,
	// as they were in memory, and SpilledDisk those of their files.
	Managed, SpilledMemory, SpilledDisk int64
	// Reads are the uses of values that were in memory, ReadBytes their bytes.
	Reads, ReadBytes int64
	FlightBytes      int64 // being copied from peers
}

// New returns an empty machine.
func New(c Config) *Machine {
	c = c.withDefaults()
	m := &Machine{
		cfg: c, host: hostOf(c.Address), rng: rand.New(rand.NewPCG(c.Seed, 1)),
		tasks: keytable.New(func(t *Task) wire.Key { return t.Key }), peers: make(map[string]*peer), free: make(map[string]float64),
		log: newRing(c.LogLength), out: new(Output), spare: new(Output),
	}
	maps.Copy(m.free, c.Resources)
	return m
}

// SetAckFree changes Config.AckFree once the scheduler is known.
func (m *Machine) SetAckFree(on bool) { m.cfg.AckFree = on }

// Task returns the task of that key, or nil.
func (m *Machine) Task(k wire.Key) *Task { return m.tasks.Get(k) }

// Each calls f for all tasks.
func (m *Machine) Each(f func(*Task)) {
	for t := range m.tasks.All() {
		f(t)
	}
}

// Stats returns the present counts.
func (m *Machine) Stats() Stats {
	s := m.stats
	s.Executing, s.LongRunning, s.Fetching, s.InFlight = m.executing, m.longRunning, m.fetching, m.flights
	s.Ready, s.Missing, s.Tasks = m.ready.len(), m.missingInputs, m.tasks.Len()
	s.FlightBytes = m.flightBytes
	for _, c := range m.constrained {
		s.Ready += c.queue.len()
	}
	return s
}

// Take returns the instructions since the last Take.
func (m *Machine) Take() *Output {
	o := m.out
	m.out, m.spare = m.spare, o
	m.out.reset()
	return o
}

func (o *Output) reset() {
	clear(o.Execute)
	clear(o.Send)
	clear(o.Gather)
	clear(o.Timers)
	clear(o.Spill)
	clear(o.Drop)
	clear(o.Ended)
	*o = Output{
		Execute: o.Execute[:0], Cancel: o.Cancel[:0], Rejoined: o.Rejoined[:0],
		Gather: o.Gather[:0], Send: o.Send[:0], Timers: o.Timers[:0],
		Spill: o.Spill[:0], Drop: o.Drop[:0], Ended: o.Ended[:0],
	}
}

// Apply handles one event and then starts what can start. An event of an
// unknown type is an error and changes nothing.
func (m *Machine) Apply(e Event) error {
	if err := m.Handle(e); err != nil {
		return err
	}
	m.Settle()
	return nil
}

// Handle is Apply without the start of anything new: a shell that has several
// events at hand handles all, then calls Settle once.
func (m *Machine) Handle(e Event) error {
	switch e := e.(type) {
	case *Done:
		m.stimulus = "run-ended"
		m.done(e)
	case *wire.ComputeTask:
		m.stimulus = stimulusOf(e.StimulusID, "compute-task")
		m.compute(e)
	case *wire.FreeKeys:
		m.stimulus = stimulusOf(e.StimulusID, "free-keys")
		for _, k := range e.Keys {
			m.freeKey(k, e.StimulusID)
		}
	case *Gathered:
		m.stimulus = "gathered"
		m.gathered(e)
	case *wire.AcquireReplicas:
		m.stimulus = stimulusOf(e.StimulusID, "acquire-replicas")
		m.acquire(e)
	case *wire.RemoveReplicas:
		m.stimulus = stimulusOf(e.StimulusID, "remove-replicas")
		m.removeReplicas(e)
	case *wire.RefreshWhoHas:
		m.stimulus = stimulusOf(e.StimulusID, "refresh-who-has")
		m.refreshed(e)
	case *wire.StealRequest:
		m.stimulus = stimulusOf(e.StimulusID, "steal-request")
		m.steal(e)
	case *wire.RemoveWorker:
		m.stimulus = stimulusOf(e.StimulusID, "remove-worker")
		m.peerGone(e.Worker)
	default:
		return m.handleOther(e)
	}
	return nil
}

func (m *Machine) handleOther(e Event) error {
	switch e := e.(type) {
	case *Unstarted:
		m.stimulus = "unstarted"
		m.unstarted(e.Key)
	case *Secede:
		m.stimulus = "secede"
		m.secede(e)
	case *Rejoin:
		m.stimulus = "rejoin"
		m.rejoin(e.Key)
	case *UpdateData:
		m.stimulus = "update-data"
		m.updateData(e)
	case *MemorySample:
		m.sample(e)
	case *Spilled:
		m.spilled(e)
	case *SpillFailed:
		m.spillFailed(e)
	case *Unspilled:
		m.unspilled(e)
	case []Lost:
		m.lose(e)
	case *PeerRetry:
		m.stimulus = "peer-retry"
		m.peerRetry(e.Peer)
	case FindMissing:
		m.stimulus = "find-missing"
		m.findMissing()
	case Pause:
		m.paused = true
	case Unpause:
		m.paused = false
	case RunAhead:
		m.runAhead = max(e.Tasks, 0)
	case Reset:
		m.stimulus = "reset"
		m.reset()
	default:
		return fmt.Errorf("worker state: unknown event %T", e)
	}
	return nil
}

// Settle starts tasks and copies as far as slots, resources and limits allow.
func (m *Machine) Settle() {
	m.stimulus = "settle"
	m.schedule()
	m.communicate()
	if len(m.refresh) > 0 {
		m.out.Send = append(m.out.Send, &wire.RequestRefreshWhoHas{Keys: m.refresh})
		m.refresh = nil
	}
}
