package simulate

import (
	"math/rand/v2"
	"time"

	"github.com/gdask/gdask/core/scheduler/state"
	"github.com/gdask/gdask/sdk/wire"
)

// Settings say what a world is like. The same settings give the same history.
type Settings struct {
	Seed    uint64
	Workers int // at the beginning
	Clients int
	Graphs  int           // submitted by all clients together
	Tasks   int           // of one graph, at most
	Span    time.Duration // of simulated time, over which things happen
	Chaos   int           // mean number of faults of nodes and network
	// CheckEvery is after how many events of the scheduler all its invariants
	// are verified; default 64.
	CheckEvery int
	// MaxEvents is how many events a world may take to come to rest; default
	// a number that grows with the size.
	MaxEvents int64
	// Keep is how many lines of history are kept for Failure; 0 none.
	Keep int
	// About is the key whose story a Failure tells, when that is not its own.
	About wire.Key
	// Plant is a defect to be planted, or nil.
	Plant *Plant
}

// Size is how big the worlds of a family are.
type Size struct{ Workers, Clients, Graphs, Tasks, Chaos int }

// The sizes that tests use. Small worlds have the more unlikely histories for
// each event, large ones have hundreds of workers.
func smallSize() Size  { return Size{Workers: 4, Clients: 2, Graphs: 8, Tasks: 14, Chaos: 14} }
func mediumSize() Size { return Size{Workers: 14, Clients: 4, Graphs: 40, Tasks: 40, Chaos: 40} }
func largeSize() Size  { return Size{Workers: 250, Clients: 6, Graphs: 60, Tasks: 400, Chaos: 60} }

// Family derives a world from a seed: most are small, some medium, few large.
// Every seed has its own mixture of faults.
func Family(seed uint64) Settings {
	size := smallSize()
	switch {
	case seed%100 == 99:
		size = largeSize()
	case seed%8 == 7:
		size = mediumSize()
	}
	return size.Settings(seed)
}

// Settings are those of one world of the size, which is the most that it has.
func (z Size) Settings(seed uint64) Settings {
	rng := rand.New(rand.NewPCG(seed, 0x5e771465))
	some := func(n int) int { return 1 + n/2 + rng.IntN(n/2+1) }
	s := Settings{
		Seed: seed, Workers: some(z.Workers), Clients: some(z.Clients), Graphs: some(z.Graphs), Tasks: max(z.Tasks, 1),
		Span: time.Duration(2+rng.IntN(12)) * time.Second, Chaos: rng.IntN(z.Chaos + 1),
	}
	if rng.IntN(4) == 0 {
		s.Chaos = 0 // a calm world shows what faults hide
	}
	return s
}

func (s Settings) normal() Settings {
	if s.CheckEvery <= 0 {
		s.CheckEvery = 64
	}
	if s.MaxEvents <= 0 {
		s.MaxEvents = 200_000 + 100*int64(s.Graphs)*int64(s.Tasks) + 2000*int64(s.Workers)
	}
	s.Workers, s.Clients = max(s.Workers, 1), max(s.Clients, 1)
	return s
}

// schedulerConfig is a configuration of the scheduler that suits the world.
func (w *World) schedulerConfig() state.Config {
	c := state.DefaultConfig()
	c.WorkerTTL, c.TransitionLogLength = 8*time.Second, 0
	if w.Keep > 0 {
		c.TransitionLogLength = 50_000
	}
	c.WorkStealingInterval = time.Duration(1+w.rng.IntN(1000)) * time.Millisecond
	c.UnknownTaskDuration = time.Duration(1+w.rng.IntN(500)) * time.Millisecond
	c.AllowedFailures = w.rng.IntN(4)
	switch w.rng.IntN(4) {
	case 0:
		c.WorkerSaturation = 1
	case 1, 2:
		c.WorkerSaturation = 1e9 // never queue
	}
	if w.mood.skewed {
		c.WorkerSaturation, c.WorkStealingInterval = 1e9, time.Duration(1+w.rng.IntN(100))*time.Millisecond
	}
	if w.rng.IntN(3) == 0 {
		c.PipelineDuration = time.Duration(w.rng.IntN(50)) * time.Millisecond
	}
	return c
}
