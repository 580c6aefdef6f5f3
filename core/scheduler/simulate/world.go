package simulate

import (
	"math/rand/v2"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// World is a cluster with its clients, its network and its time.
type World struct {
	Settings
	rng     *rand.Rand
	now     time.Duration
	agenda  agenda
	trace   trace
	oracle  *oracle
	mood    mood
	sched   *scheduler
	workers []*worker // also those that are gone, in the order of their start
	at      map[string]*worker
	clients []*client // also those that are gone
	graphs  int
	failed  *Failure
	stats   Stats
	lastRun int64
	calm    bool // faults are over: all must come to rest
	over    bool
	closing bool // the last clients leave
	rested  int  // how often in a row all was at rest
	bound   time.Duration
}

// Stats count what happened in a world.
type Stats struct {
	Events      int64 // that machines handled
	Messages    int64 // over streams
	Graphs      int
	Tasks       int
	Runs        int64 // begun by executors
	Faults      int
	Steals      int64
	Lost        int // workers
	Time        time.Duration
	FinalValues int
}

// Result is what came of a world.
type Result struct {
	Stats
	Hash    uint64   // of the whole history
	Failure *Failure // nil: all went as it must
}

// newWorld makes the nodes of a world; nothing has happened yet.
func newWorld(s Settings) *World {
	s = s.normal()
	w := &World{
		Settings: s, rng: rand.New(rand.NewPCG(s.Seed, 0x51)), at: map[string]*worker{},
		oracle: newOracle(), trace: newTrace(s.Keep),
	}
	w.mood = w.newMood()
	w.sched = newScheduler(w)
	for i := range s.Workers {
		w.start(w.firstStart(i))
	}
	for range s.Clients {
		w.connect(nil)
	}
	for range s.Graphs {
		c := w.clients[w.rng.IntN(len(w.clients))]
		w.after(w.between(0, s.Span), func() { w.living(c).submitSome() })
	}
	w.planFaults()
	w.routinely(w.pulseTime(), w.pulse)
	w.after(s.Span, w.calmDown)
	return w
}

// living is the client, or the one that took its place.
func (w *World) living(c *client) *client {
	for c.gone && c.successor != nil {
		c = c.successor
	}
	return c
}

// Run lets a world live to its end, or to its first failure.
func Run(s Settings) Result {
	w := newWorld(s)
	for w.failed == nil && !w.over {
		d, more := w.agenda.next()
		if !more {
			break
		}
		w.now = d.at
		d.do()
		if w.stats.Events > w.MaxEvents {
			w.fail("", "no rest after %d events", w.stats.Events)
		}
	}
	w.stats.Time, w.stats.Graphs, w.stats.Tasks = w.now, w.graphs, len(w.oracle.list)
	stealing := w.sched.m.Stealing()
	for _, n := range stealing.Requests {
		w.stats.Steals += n
	}
	return Result{Stats: w.stats, Hash: w.trace.hash, Failure: w.failed}
}

func (w *World) pulse() {
	w.sched.tick()
	w.over = w.calm && w.restNow()
	w.routinely(w.pulseTime(), w.pulse)
}

// clock is the time that machines are told.
func (w *World) clock() time.Time { return time.Unix(1_000_000_000, 0).Add(w.now) }

// keysOf are the keys of tasks.
func keysOf(ds []*def) []wire.Key {
	r := make([]wire.Key, len(ds))
	for i, d := range ds {
		r[i] = d.key
	}
	return r
}
