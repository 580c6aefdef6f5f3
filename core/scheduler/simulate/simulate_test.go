package simulate

import (
	"flag"
	"fmt"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

var (
	events = flag.Int64("events", 1_000_000, "events that TestWorlds simulates; less with -short or -race")
	first  = flag.Uint64("first", 1, "seed of the first world of TestWorlds")
	seed   = flag.Uint64("seed", 0, "seed of the world that TestReplay shows; 0: a short one that works")
	size   = flag.String("size", "", "workers,clients,graphs,tasks,chaos of that world; empty: those of the seed")
	span   = flag.Duration("span", 0, "time over which things happen there; 0: that of the seed")
	plant  = flag.String("plant", "", "defect that TestReplay plants")
	every  = flag.Int("every", 0, "after how many events all invariants are verified there")
	about  = flag.String("key", "", "whose story TestReplay tells; empty: that of the key in question")
	keep   = flag.Int("keep", 20_000, "lines of history that TestReplay keeps")
)

// raced says whether the race detector watches, which makes all ten times slower.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// TestWorlds simulates world after world. A failure is made smaller, and told
// with its history and the command that shows it again.
func TestWorlds(t *testing.T) {
	var sum Stats
	began := time.Now()
	worlds := 0
	want := *events
	if testing.Short() || raced() {
		want /= 10
	}
	for n := *first; sum.Events < want; n++ {
		r := Run(Family(n))
		sum.add(r.Stats)
		worlds++
		if r.Failure != nil {
			t.Fatal(Shrink(r.Failure).Tell())
		}
	}
	took := time.Since(began)
	t.Logf("%d worlds, %d events, %.0f events/s: %s", worlds, sum.Events, float64(sum.Events)/took.Seconds(), sum)
}

func TestReplay(t *testing.T) {
	s := Family(max(*seed, 1))
	if *size != "" {
		if _, err := fmt.Sscanf(*size, "%d,%d,%d,%d,%d", &s.Workers, &s.Clients, &s.Graphs, &s.Tasks, &s.Chaos); err != nil {
			t.Fatalf("flag size %q: %v; want five numbers such as 4,2,8,14,14", *size, err)
		}
	}
	if *span > 0 {
		s.Span = *span
	}
	s.CheckEvery, s.Keep = *every, *keep
	s.Plant = plantNamed(t, *plant)
	if *about != "" {
		s.About = wire.StrKey(*about)
	}
	r := Run(s)
	t.Logf("%d events, hash %016x: %s", r.Events, r.Hash, r.Stats)
	if r.Failure != nil {
		t.Fatal(r.Failure.Tell())
	}
}

func TestTheSameSeedGivesTheSameHistory(t *testing.T) {
	for n := range uint64(12) {
		a, b := Run(Family(n)), Run(Family(n))
		if a.Hash != b.Hash || a.Stats != b.Stats {
			t.Errorf("seed %d: hash %016x then %016x, %+v then %+v", n, a.Hash, b.Hash, a.Stats, b.Stats)
		}
		if c := Run(Family(n + 1)); c.Hash == a.Hash {
			t.Errorf("seeds %d and %d have the same history", n, n+1)
		}
	}
}
