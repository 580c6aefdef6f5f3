package state

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

// world drives a machine with random events and plays executor, peers and
// scheduler, each as unreliable as they may be.
type world struct {
	t       *testing.T
	rng     *rand.Rand
	m       *Machine
	running []wire.Key
	flights []Gather
	timers  []Event
	runID   int64
	step    int
	disk
}

func (w *world) apply(e Event) {
	w.t.Helper()
	if err := w.m.Apply(e); err != nil {
		w.t.Fatal(err)
	}
	o := *w.m.Take()
	for _, t := range o.Execute {
		if slices.Contains(w.running, t.Key) {
			w.t.Fatalf("step %d: %q runs twice", w.step, t.Key)
		}
		for _, d := range t.Deps {
			if d.State != Memory || d.Data == nil {
				w.t.Fatalf("step %d: %q runs without %q, %s", w.step, t.Key, d.Key, d.State)
			}
		}
		w.running = append(w.running, t.Key)
	}
	w.flights = append(w.flights, o.Gather...)
	w.orders(o)
	for _, timer := range o.Timers {
		w.timers = append(w.timers, timer.Event)
	}
	if len(w.flights) > w.m.cfg.MaxPeers {
		w.t.Fatalf("step %d: %d copies at once", w.step, len(w.flights))
	}
	if err := w.m.Check(); err != nil {
		w.t.Fatalf("step %d, after %T %+v: %v", w.step, e, e, err)
	}
}

const worldKeys = 14

func (w *world) key() wire.Key { return key(w.rng.IntN(worldKeys)) }

func key(i int) wire.Key { return wire.Key(fmt.Sprintf("\xa3k%02d", i)) }

func (w *world) keys() []wire.Key {
	var ks []wire.Key
	for range 1 + w.rng.IntN(4) {
		if k := w.key(); !slices.Contains(ks, k) {
			ks = append(ks, k)
		}
	}
	return ks
}

func (w *world) addresses() []string {
	var as []string
	for i := range 4 {
		if w.rng.IntN(3) == 0 {
			as = append(as, fmt.Sprintf("tcp://10.0.0.%d:1", i))
		}
	}
	return as
}

func (w *world) whoHas(ks []wire.Key) (out wire.KeyAddresses) {
	for _, k := range ks {
		out = append(out, wire.KeyAddress{Key: k, Addresses: w.addresses()})
	}
	return out
}

func (w *world) computeTask() *wire.ComputeTask {
	w.runID++
	i := w.rng.IntN(worldKeys)
	e := &wire.ComputeTask{Key: key(i), RunID: w.runID, Priority: wire.Priority{0, 1, float64(w.rng.IntN(5))}}
	var deps []wire.Key // of smaller number only: graphs have no cycles
	for range w.rng.IntN(4) {
		if i > 0 {
			if k := key(w.rng.IntN(i)); !slices.Contains(deps, k) {
				deps = append(deps, k)
			}
		}
	}
	e.WhoHas = w.whoHas(deps)
	if w.rng.IntN(4) == 0 {
		e.ResourceRestrictions = wire.Resources{[]string{"gpu", "mem"}[w.rng.IntN(2)]: float64(1 + w.rng.IntN(2))}
	}
	return e
}

func take[T any](w *world, list *[]T) (v T, ok bool) {
	if len(*list) == 0 {
		return v, false
	}
	i := w.rng.IntN(len(*list))
	v = (*list)[i]
	*list = slices.Delete(*list, i, i+1)
	return v, true
}

func (w *world) finish() {
	k, ok := take(w, &w.running)
	if !ok {
		return
	}
	d := &Done{Key: k, Data: 1, Nbytes: 8, Type: "int"}
	switch w.rng.IntN(8) {
	case 0:
		d.Failure = &Failure{Text: "no"}
	case 1:
		d.Reschedule = true
	case 2:
		d.Lost = w.unreadable()
	case 3:
		d.Nbytes, d.Disk = 50, 5
		d.Data = w.file()
	}
	w.apply(d)
}

func (w *world) arrive() {
	g, ok := take(w, &w.flights)
	if !ok {
		return
	}
	e := &Gathered{Peer: g.Peer, Keys: g.Keys}
	switch w.rng.IntN(5) {
	case 0:
		e.Busy = true
	case 1:
		e.Err = errors.New("gone")
	default:
		for _, k := range g.Keys {
			if w.rng.IntN(5) > 0 {
				e.Items = append(e.Items, Item{Key: k, Data: 1, Nbytes: 9})
			}
		}
	}
	w.apply(e)
}

func (w *world) random() {
	switch n := w.rng.IntN(120); {
	case n >= 100:
		w.randomMemory()
	case n < 25:
		w.apply(w.computeTask())
	case n < 45:
		w.finish()
	case n < 60:
		w.arrive()
	case n < 68:
		w.apply(&wire.FreeKeys{Keys: w.keys()})
	case n < 72:
		w.apply(&wire.AcquireReplicas{WhoHas: w.whoHas(w.keys())})
	case n < 75:
		w.apply(&wire.RemoveReplicas{Keys: w.keys()})
	case n < 80:
		w.apply(&wire.RefreshWhoHas{WhoHas: w.whoHas(w.keys())})
	case n < 84:
		w.apply(&wire.StealRequest{Key: w.key()})
	case n < 86:
		w.apply(&Secede{Key: w.key()})
	case n < 88:
		w.apply(&Rejoin{Key: w.key()})
	case n < 90:
		w.apply(&UpdateData{Items: []Item{{Key: w.key(), Data: 2, Nbytes: 3}}})
	case n < 92:
		w.apply(&wire.RemoveWorker{Worker: "tcp://10.0.0.1:1"})
	case n < 94:
		w.apply(FindMissing{})
	case n < 96:
		w.apply([]Event{Pause{}, Unpause{}}[w.rng.IntN(2)])
	case n < 97:
		w.apply(RunAhead{w.rng.IntN(3)})
	case n < 99:
		if e, ok := take(w, &w.timers); ok {
			w.apply(e)
		}
	default:
		w.randomUnstarted()
	}
}

func (w *world) randomUnstarted() {
	k, ok := take(w, &w.running)
	if !ok {
		return
	}
	if t := w.m.Task(k); t == nil || t.State != Executing {
		w.running = append(w.running, k)
		return
	}
	w.apply(&Unstarted{k})
}

// settle ends all that is going on and frees all keys: nothing may be left.
func (w *world) settle() {
	w.apply(Unpause{})
	var all []wire.Key
	for i := range worldKeys {
		all = append(all, key(i))
	}
	for range 100 {
		w.apply(&wire.FreeKeys{Keys: all})
		for len(w.spills) > 0 {
			w.write()
		}
		if w.left() == (Stats{}) {
			break
		}
		w.finish()
		w.arrive()
	}
	if len(w.files) > 0 {
		w.t.Fatalf("%d files are left over", len(w.files))
	}
	if s := w.left(); s != (Stats{}) {
		w.m.Each(func(t *Task) { w.t.Logf("%q %s prev %s next %s users %d", t.Key, t.State, t.prev, t.next, t.users) })
		w.t.Fatalf("left over: %+v, running %q, flights %v", s, w.running, w.flights)
	}
}

func TestRandomEventsKeepTheInvariants(t *testing.T) {
	for seed := range uint64(150) {
		w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 7))}
		w.m = New(Config{NThreads: 2, Resources: map[string]float64{"gpu": 2, "mem": 3}, MaxPeers: 2, BatchBytes: 20, ThrottleFrom: 1, AckFree: seed%2 == 0,
			Memory: MemoryLimits{Target: 30, Spill: 40, Floor: 30, Pause: 50, Resume: 45}})
		w.files = make(map[*fakeFile]bool)
		for w.step = range 400 {
			w.random()
			if w.step == 200 && seed%3 == 0 {
				w.apply(Reset{})
			}
		}
		w.settle()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
