package state

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/wire"
)

// The cluster of BenchmarkLarge.
const (
	manyWorkers = 1000
	manyKeys    = 1_000_000
)

// BenchmarkLarge measures events that look at more than one task, with a million
// tasks and a thousand workers. The figure that matters is the longest event: the
// scheduler does nothing else meanwhile.
func BenchmarkLarge(b *testing.B) {
	for _, c := range []struct {
		name string
		make func() *large
	}{
		{"ticks-with-results", largeResults},
		{"ticks-with-copies-of-all", largeCopies},
		{"ticks-with-waiting", largeWaiting},
		{"ticks-with-no-worker", largeParked},
		{"ticks-with-half-the-workers-busy", largeBusy},
		{"ticks-with-a-broadcast-to-drop", largeBroadcast},
		{"retire-one", largeRetireOne},
		{"retire-half", largeRetireHalf},
		{"replicate-to-all", largeReplicate},
		{"rebalance", largeRebalance},
		{"to-close", largeToClose},
	} {
		b.Run(c.name, func(b *testing.B) {
			longest := time.Duration(0)
			for b.Loop() {
				b.StopTimer()
				l := c.make()
				l.longest = 0
				b.StartTimer()
				l.run(l)
				longest = max(longest, l.longest)
			}
			b.ReportMetric(float64(longest.Microseconds())/1000, "longest-ms")
		})
	}
}

// large is a big machine and what is measured of it.
type large struct {
	workers int
	keys    int
	watch   func() // after every event
	m       *Machine
	now     time.Time
	longest time.Duration
	run     func(*large)
}

func newLarge(c Config) *large { return largeWith(c, manyWorkers, manyKeys) }

func largeOf(workers, keys int) *large { return largeWith(DefaultConfig(), workers, keys) }

func largeWith(c Config, workers, keys int) *large {
	l := &large{workers: workers, keys: keys, watch: func() {}, m: New(c), now: time.Unix(1e9, 0), run: func(l *large) { l.tick(40) }}
	for i := range workers {
		l.do(AddWorker{Address: l.worker(i), NThreads: 4, MemoryLimit: 1 << 40, Status: statusRunning})
	}
	return l
}

func (l *large) worker(i int) string { return fmt.Sprint("tcp://w:", i) }

func (l *large) key(i int) wire.Key { return wire.StrKey(fmt.Sprint("x-", i)) }

func (l *large) do(e Event) Output {
	began := time.Now()
	l.m.Apply(l.now, e)
	l.longest = max(l.longest, time.Since(began))
	l.watch()
	return l.m.Take()
}

// tick lets so many seconds pass; workers give signs of life.
func (l *large) tick(seconds int) {
	for range seconds {
		l.now = l.now.Add(time.Second)
		for i := range l.workers {
			l.do(Heartbeat{Address: l.worker(i), Metrics: wire.Metrics{Memory: int64(i) << 20}})
		}
		l.do(Tick{})
	}
}

// scatter puts all results on the first n workers.
func (l *large) scatter(n int, copies int) {
	e := UpdateData{Client: "c"}
	for i := range l.keys {
		var at []string
		for j := range copies {
			at = append(at, l.worker((i+j)%n))
		}
		e.WhoHas = append(e.WhoHas, wire.KeyAddress{Key: l.key(i), Addresses: at})
		e.Nbytes = append(e.Nbytes, wire.KeySize{Key: l.key(i), Nbytes: 1 << 20})
	}
	l.do(e)
}

// submit sends tasks that depend on one input, if any.
func (l *large) submit(n int, input wire.Key) {
	g := UpdateGraph{Client: "c", Tasks: make([]wire.TaskDef, n), Keys: make([]wire.Key, n)}
	for i := range n {
		k := wire.StrKey(fmt.Sprint("y-", i))
		g.Tasks[i], g.Keys[i] = wire.TaskDef{Key: k, RunSpec: wire.StringOpaque("f"), Order: int64(i)}, k
		if input != "" {
			g.Tasks[i].Dependencies = []wire.Key{input}
		}
	}
	l.do(g)
}

func largeResults() *large {
	l := newLarge(DefaultConfig())
	l.scatter(manyWorkers, 1)
	return l
}

func largeCopies() *large {
	l := newLarge(DefaultConfig())
	l.scatter(manyWorkers, 2)
	return l
}

func largeWaiting() *large {
	l := newLarge(DefaultConfig())
	l.submit(1, "")
	l.submit(manyKeys, wire.StrKey("y-0"))
	return l
}

func largeParked() *large {
	c := DefaultConfig()
	c.FailFast = false
	l := newLarge(c)
	for i := range manyWorkers {
		l.do(WorkerStatus{Address: l.worker(i), Status: statusRetiring})
	}
	l.submit(manyKeys, "")
	return l
}

func largeBusy() *large { return halfBusy(manyWorkers, manyKeys) }

// halfBusy has half of the workers idle.
func halfBusy(workers, keys int) *large {
	c := DefaultConfig()
	c.WorkerSaturation = math.Inf(1)
	l := largeWith(c, workers, keys)
	for i := range workers / 2 {
		l.do(WorkerStatus{Address: l.worker(i), Status: "init"})
	}
	l.submit(keys, "")
	for i := range workers / 2 {
		l.do(WorkerStatus{Address: l.worker(i), Status: "running"})
	}
	return l
}

func largeBroadcast() *large {
	l := newLarge(DefaultConfig())
	all := make([]string, manyWorkers)
	for i := range all {
		all[i] = l.worker(i)
	}
	k := wire.StrKey("b")
	l.do(UpdateData{Client: "c", WhoHas: wire.KeyAddresses{{Key: k, Addresses: all}}, Nbytes: wire.KeySizes{{Key: k, Nbytes: 8}}})
	l.submit(manyKeys, k)
	for l.m.counts[Memory] < manyKeys-500 { // some of the last ones are under way
		for _, w := range l.m.list {
			for len(w.processing) > 0 && l.m.counts[Memory] < manyKeys-500 {
				t := w.processing[0]
				l.do(TaskFinished{Worker: w.address, TaskFinished: &wire.TaskFinished{Key: t.key, RunID: t.runID, Nbytes: 8, StartStops: tiny}})
			}
		}
	}
	return l
}

func largeRetireOne() *large {
	l := largeResults()
	l.run = func(l *large) { l.retire(0, 1) }
	return l
}

func largeRetireHalf() *large {
	l := largeResults()
	l.run = func(l *large) { l.retire(0, manyWorkers/2) }
	return l
}

// retire has workers leave; all that they are asked to copy is there at once.
func (l *large) retire(from, to int) {
	for i := from; i < to; i++ {
		l.obey(l.do(Retire{ID: int64(i) + 1, Address: l.worker(i), Timeout: time.Hour}))
	}
	l.tick(3)
}

// obey answers what workers are told, message by message.
func (l *large) obey(o Output) {
	todo := slices.Clone(o.ToWorkers)
	for len(todo) > 0 {
		msg := todo[0]
		todo = todo[1:]
		if a, ok := msg.Msg.(*wire.AcquireReplicas); ok {
			var keys []wire.Key
			for _, k := range a.WhoHas {
				keys = append(keys, k.Key)
			}
			todo = append(todo, l.do(AddKeys{Worker: msg.Address, AddKeys: &wire.AddKeys{Keys: keys}}).ToWorkers...)
		}
	}
}

func largeReplicate() *large {
	l := newLarge(DefaultConfig())
	e, keys := UpdateData{Client: "c"}, []wire.Key{}
	for i := range 10 {
		e.WhoHas = append(e.WhoHas, wire.KeyAddress{Key: l.key(i), Addresses: []string{l.worker(i)}})
		keys = append(keys, l.key(i))
	}
	l.do(e)
	l.run = func(l *large) { l.obey(l.do(Replicate{ID: 1, Keys: keys, Timeout: time.Hour})) }
	return l
}

func largeRebalance() *large {
	c := DefaultConfig()
	c.Rebalance = Balance{Measure: "managed", RecipientMax: 1}
	l := newLarge(c)
	l.scatter(manyWorkers/2, 1)
	l.run = func(l *large) { l.obey(l.do(Rebalance{ID: 1, Timeout: time.Hour})) }
	return l
}

func largeToClose() *large {
	l := newLarge(DefaultConfig())
	l.run = func(l *large) {
		began := time.Now()
		l.m.WorkersToClose(ToClose{N: -1})
		l.longest = time.Since(began)
	}
	return l
}
