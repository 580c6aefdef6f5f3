package workerrt

import (
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gdask/gdask/sdk/internal/workerrt/state"
	"github.com/gdask/gdask/sdk/wire"
)

// fakeProcess has as many bytes of memory as the test says.
func fakeProcess(bytes *atomic.Int64) *Process {
	p := NewProcess()
	p.usage.sample, p.free = bytes.Load, func() {}
	return p
}

func TestThresholdsInBytes(t *testing.T) {
	m := DefaultMemory()
	want := state.MemoryLimits{Target: 600, Spill: 700, Floor: 600, Pause: 800, Resume: 780}
	if got := m.limits(1000); got != want {
		t.Errorf("%+v", got)
	}
	m.Target = 0
	if got := m.limits(1000); got.Target != 0 || got.Floor != 700 {
		t.Errorf("without a target: %+v", got)
	}
	w := &Worker{set: Settings{Memory: &m}}
	if got := w.memoryLimits(); got != (state.MemoryLimits{}) {
		t.Errorf("without a limit: %+v", got)
	}
}

// TestHeapLimit: garbage is collected before it sends values to disk.
func TestHeapLimit(t *testing.T) {
	for want, m := range map[int64]Memory{
		680: DefaultMemory(), 750: {Pause: 0.8}, 900: {}, 580: {Spill: 0.6, Target: 0.1}, 100: {Spill: 0.01},
	} {
		if got := m.heap(1000, false); math.Abs(float64(got-want)) > 1 {
			t.Errorf("%+v: %d, want %d", m, got, want)
		}
		if got := m.heap(1000, true); got != 900 {
			t.Errorf("wide: %d", got)
		}
	}
}

// Workers of one process are charged with their own values and share the rest.
func TestShareOfAProcess(t *testing.T) {
	var bytes atomic.Int64
	p := fakeProcess(&bytes)
	worker := func(limit, managed, onDisk int64) *Worker {
		w := &Worker{set: Settings{MemoryLimit: limit}}
		w.stats.Store(&state.Stats{Managed: managed, SpilledMemory: onDisk})
		return w
	}
	bytes.Store(1000)
	a, b := worker(100, 250, 50), worker(300, 400, 0)
	p.join(a)
	if got := p.memoryOf(a); got != 1000 {
		t.Errorf("alone: %d", got)
	}
	p.join(b)
	if x, y := p.memoryOf(a), p.memoryOf(b); x != 200+100 || y != 400+300 {
		t.Errorf("of two: %d, %d", x, y)
	}
	a.set.MemoryLimit = 0
	if x, y := p.memoryOf(a), p.memoryOf(b); x != 200+200 || y != 400+200 {
		t.Errorf("without a limit: %d, %d", x, y)
	}
	bytes.Store(300)
	p.usage.forget()
	if x, y := p.memoryOf(a), p.memoryOf(b); x != 100 || y != 200 {
		t.Errorf("values are estimated to be more than there is: %d, %d", x, y)
	}
	p.leave(a)
	if got := p.memoryOf(b); got != 300 {
		t.Errorf("alone again: %d", got)
	}
}

func TestTicks(t *testing.T) {
	var ticks ticks
	start := time.Now()
	if ticks.worst(start) != 0 {
		t.Error("late before the first")
	}
	for _, at := range []string{"0s", "100ms", "450ms", "550ms"} {
		after, err := time.ParseDuration(at)
		if err != nil {
			t.Fatal(err)
		}
		ticks.tick(start.Add(after))
	}
	if n, last := ticks.observed(); n != 4 || last != 100*time.Millisecond {
		t.Errorf("%d, %v", n, last)
	}
	end := start.Add(600 * time.Millisecond)
	if a, b := ticks.worst(end), ticks.worst(end); a != 350*time.Millisecond || b != 50*time.Millisecond {
		t.Errorf("%v, then %v", a, b)
	}
}

func TestRatesOfTheHost(t *testing.T) {
	var c counted
	c.follow(100, 200, time.Hour, true)
	if c.rates != (wire.Rates{}) {
		t.Errorf("at first: %+v", c.rates)
	}
	c.follow(300, 200, 2*time.Second, false)
	if c.rates != (wire.Rates{Read: 100}) {
		t.Errorf("%+v", c.rates)
	}
	c.follow(5, 5, time.Second, false) // the counters began again
	if c.rates.Read < 0 || c.rates.Write < 0 {
		t.Errorf("%+v", c.rates)
	}
}

func TestServingLimits(t *testing.T) {
	w := &Worker{status: "running", set: Settings{Tuning: Tuning{}.withDefaults(0)}}
	if far, near := w.servingLimit(false), w.servingLimit(true); far != 10 || near != 20 {
		t.Errorf("%d to other hosts, %d to this", far, near)
	}
	w.set.Tuning.Incoming = 3
	if far, near := w.servingLimit(false), w.servingLimit(true); far != 3 || near != 6 {
		t.Errorf("%d to other hosts, %d to this, of 3", far, near)
	}
	w.status = "paused"
	if w.servingLimit(true) != 1 {
		t.Error("paused")
	}
}

func TestSameHost(t *testing.T) {
	set := tcpSet(t)
	near := make(chan bool, 1)
	s := serve(t, set, "tcp://127.0.0.1:0", func(c *wire.Conn, _ wire.Incoming) any {
		near <- sameHost(c)
		return silent{}
	})
	w := &Worker{set: Settings{Transports: set}, address: s.address}
	if err := dialWorker(t, w).Send(&wire.UnknownMsg{Name: "ping"}); err != nil {
		t.Fatal(err)
	}
	if !<-near {
		t.Error("loopback is another host")
	}
}
