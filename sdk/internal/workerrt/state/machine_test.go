package state

import (
	"errors"
	"slices"
	"testing"

	"github.com/gdask/gdask/sdk/wire"
)

const (
	peerA = "tcp://10.0.0.1:1"
	peerB = "tcp://10.0.0.2:1"
)

// apply feeds events and returns all instructions of the last one.
func apply(t *testing.T, m *Machine, es ...Event) Output {
	t.Helper()
	var o Output
	for _, e := range es {
		if err := m.Apply(e); err != nil {
			t.Fatal(err)
		}
		o = *m.Take()
		if err := m.Check(); err != nil {
			t.Fatalf("after %T: %v", e, err)
		}
	}
	return o
}

func task(k int, prio float64, deps ...wire.KeyAddress) *wire.ComputeTask {
	return &wire.ComputeTask{Key: key(k), RunID: int64(100 + k), Priority: wire.Priority{0, 0, prio}, WhoHas: deps}
}

func at(k int, addresses ...string) wire.KeyAddress {
	return wire.KeyAddress{Key: key(k), Addresses: addresses}
}

func sent[T wire.Msg](t *testing.T, o Output) T {
	t.Helper()
	for _, msg := range o.Send {
		if found, ok := msg.(T); ok {
			return found
		}
	}
	var none T
	t.Fatalf("no %T in %v", none, o.Send)
	return none
}

func state(m *Machine, k int) State {
	if t := m.Task(key(k)); t != nil {
		return t.State
	}
	return Forgotten
}

func TestRunsByPriority(t *testing.T) {
	m := New(Config{})
	o := apply(t, m, task(1, 5))
	if len(o.Execute) != 1 || o.Execute[0].Key != key(1) {
		t.Fatalf("execute %v", o.Execute)
	}
	apply(t, m, task(2, 9), task(3, 1))
	o = apply(t, m, &Done{Key: key(1), Data: 7, Nbytes: 8, Type: "int", Start: 1, Stop: 2})
	f := sent[*wire.TaskFinished](t, o)
	if f.RunID != 101 || f.Nbytes != 8 || f.Typename != "int" || f.StartStops[0].Stop != 2 || f.Status != "OK" {
		t.Errorf("report %+v", f)
	}
	if len(o.Execute) != 1 || o.Execute[0].Key != key(3) {
		t.Errorf("next is %q", o.Execute[0].Key)
	}
}

func TestFetchesInputsInBatches(t *testing.T) {
	m := New(Config{NThreads: 1, BatchBytes: 100})
	c := task(9, 0, at(1, peerA), at(2, peerA), at(3, peerA, peerB))
	c.Nbytes = wire.KeySizes{{Key: key(1), Nbytes: 60}, {Key: key(2), Nbytes: 30}, {Key: key(3), Nbytes: 50}}
	o := apply(t, m, c)
	asked := slices.Clone(o.Gather)
	for len(asked) > 0 {
		g := asked[0]
		if len(g.Keys) > 1 && g.Nbytes > 100 {
			t.Errorf("gather %+v", g)
		}
		e := &Gathered{Peer: g.Peer, Keys: g.Keys}
		for _, k := range g.Keys {
			e.Items = append(e.Items, Item{Key: k, Data: 1, Nbytes: 5})
		}
		o = apply(t, m, e)
		if got := sent[*wire.AddKeys](t, o); len(got.Keys) != len(g.Keys) {
			t.Errorf("add-keys %v", got.Keys)
		}
		asked = append(asked[1:], o.Gather...)
	}
	if len(o.Execute) != 1 || o.Execute[0].Key != key(9) {
		t.Errorf("execute %v", o.Execute)
	}
}

func TestLostPeerMakesItsKeysMissing(t *testing.T) {
	m := New(Config{})
	o := apply(t, m, task(9, 0, at(1, peerA), at(2, peerA, peerB)))
	g := o.Gather[0]
	if g.Peer != peerA {
		t.Fatalf("gather %+v", o.Gather)
	}
	o = apply(t, m, &Gathered{Peer: peerA, Keys: g.Keys, Err: errors.New("reset")})
	if req := sent[*wire.RequestRefreshWhoHas](t, o); len(req.Keys) != 1 || req.Keys[0] != key(1) {
		t.Errorf("asks for %q", req.Keys)
	}
	if len(o.Gather) != 1 || o.Gather[0].Peer != peerB || state(m, 1) != Missing {
		t.Errorf("gather %+v, state %s", o.Gather, state(m, 1))
	}
	o = apply(t, m, FindMissing{})
	sent[*wire.RequestRefreshWhoHas](t, o)
	o = apply(t, m, &wire.RefreshWhoHas{WhoHas: wire.KeyAddresses{at(1, peerA)}})
	if len(o.Gather) != 1 || o.Gather[0].Peer != peerA {
		t.Errorf("gather %+v", o.Gather)
	}
}

func TestBusyPeerIsAskedAgainLater(t *testing.T) {
	m := New(Config{})
	o := apply(t, m, task(9, 0, at(1, peerA)))
	o = apply(t, m, &Gathered{Peer: peerA, Keys: o.Gather[0].Keys, Busy: true})
	if len(o.Gather) != 0 || len(o.Timers) != 1 {
		t.Fatalf("%+v", o)
	}
	if o = apply(t, m, o.Timers[0].Event); len(o.Gather) != 1 {
		t.Errorf("%+v", o)
	}
}

func TestCancelledRunIsHonoured(t *testing.T) {
	for _, c := range []struct {
		name  string
		wish  Event
		done  *Done
		state State
		send  string
		again bool
	}{
		{"nobody wants it", FindMissing{}, &Done{Data: 1}, Forgotten, "", false},
		{"run again, succeeded", task(1, 0), &Done{Data: 1}, Memory, "*wire.TaskFinished", false},
		{"run again, failed", task(1, 0), &Done{Failure: &Failure{}}, Executing, "", true},
		{"as input, succeeded", task(9, 0, at(1, peerA)), &Done{Data: 1}, Memory, "*wire.AddKeys", false},
		{"as input, failed", task(9, 0, at(1, peerA)), &Done{Failure: &Failure{}}, Flight, "", false},
	} {
		m := New(Config{NThreads: 1})
		o := apply(t, m, task(1, 0), &wire.FreeKeys{Keys: []wire.Key{key(1)}})
		if len(o.Cancel) != 1 || state(m, 1) != Cancelled {
			t.Fatalf("%s: cancel %q, %s", c.name, o.Cancel, state(m, 1))
		}
		apply(t, m, c.wish)
		c.done.Key = key(1)
		o = apply(t, m, c.done)
		if state(m, 1) != c.state {
			t.Errorf("%s: is %s, wants %s", c.name, state(m, 1), c.state)
		}
		switch c.send {
		case "*wire.TaskFinished":
			sent[*wire.TaskFinished](t, o)
		case "*wire.AddKeys":
			sent[*wire.AddKeys](t, o)
		}
		if c.again != (len(o.Execute) == 1 && o.Execute[0].Key == key(1)) {
			t.Errorf("%s: execute %v", c.name, o.Execute)
		}
	}
}

func TestResourcesDoNotBlockOthers(t *testing.T) {
	m := New(Config{NThreads: 4, Resources: map[string]float64{"gpu": 1, "disk": 1}})
	needs := func(k int, name string) *wire.ComputeTask {
		c := task(k, float64(k))
		c.ResourceRestrictions = wire.Resources{name: 1}
		return c
	}
	apply(t, m, needs(1, "gpu"))
	if o := apply(t, m, needs(2, "gpu")); len(o.Execute) != 0 || state(m, 2) != Constrained {
		t.Fatalf("second gpu task: %v %s", o.Execute, state(m, 2))
	}
	if o := apply(t, m, needs(3, "disk")); len(o.Execute) != 1 {
		t.Errorf("the disk task waits for the gpu")
	}
	if o := apply(t, m, &Done{Key: key(1), Data: 1}); len(o.Execute) != 1 || o.Execute[0].Key != key(2) {
		t.Errorf("execute %v", o.Execute)
	}
}

func TestStealOnlyWhatHasNotBegun(t *testing.T) {
	m := New(Config{})
	apply(t, m, task(1, 0), task(2, 0))
	for k, want := range map[int]string{1: "executing", 2: "ready", 3: ""} {
		o := apply(t, m, &wire.StealRequest{Key: key(k), StimulusID: "s"})
		if r := sent[*wire.StealResponse](t, o); r.State != want || r.StimulusID != "s" {
			t.Errorf("answer for %d: %+v", k, r)
		}
	}
	if state(m, 1) != Executing || state(m, 2) != Forgotten {
		t.Errorf("now %s and %s", state(m, 1), state(m, 2))
	}
}

// Secession frees a slot, not what the task uses beside it.
func TestASecededTaskKeepsItsResources(t *testing.T) {
	gpu := func(k int) *wire.ComputeTask {
		c := task(k, float64(k))
		c.ResourceRestrictions = wire.Resources{"gpu": 1}
		return c
	}
	for name, end := range map[string]Event{
		"result": &Done{Key: key(1), Data: 1}, "failure": &Done{Key: key(1), Failure: &Failure{Text: "no"}},
		"reschedule": &Done{Key: key(1), Reschedule: true},
	} {
		m := New(Config{NThreads: 2, Resources: map[string]float64{"gpu": 1}})
		o := apply(t, m, gpu(1), gpu(2), task(3, 3), task(4, 4), &Secede{Key: key(1), Seconds: 1})
		if len(o.Execute) != 1 || o.Execute[0].Key != key(4) || state(m, 2) != Constrained {
			t.Fatalf("%s: execute %v, the second gpu task is %s", name, o.Execute, state(m, 2))
		}
		apply(t, m, &Done{Key: key(4), Data: 1})
		if o = apply(t, m, end); len(o.Execute) != 1 || o.Execute[0].Key != key(2) {
			t.Errorf("%s: execute %v", name, o.Execute)
		}
	}
}

func TestPauseStartsNothing(t *testing.T) {
	m := New(Config{NThreads: 2})
	o := apply(t, m, Pause{}, task(1, 0), task(9, 0, at(3, peerA)))
	if !o.Empty() {
		t.Errorf("paused: %+v", o)
	}
	if o = apply(t, m, Unpause{}); len(o.Execute) != 1 || len(o.Gather) != 1 {
		t.Errorf("unpaused: %+v", o)
	}
}

func TestSecedeFreesTheSlotAndRejoinWaits(t *testing.T) {
	m := New(Config{})
	apply(t, m, task(1, 0), task(2, 0))
	o := apply(t, m, &Secede{Key: key(1), Seconds: 2})
	if msg := sent[*wire.LongRunning](t, o); msg.ComputeDuration != 2 || len(o.Execute) != 1 {
		t.Errorf("secede: %+v", o)
	}
	if o = apply(t, m, &Rejoin{key(1)}); len(o.Rejoined) != 0 {
		t.Errorf("rejoined a full worker")
	}
	if o = apply(t, m, &Done{Key: key(2), Data: 1}); len(o.Rejoined) != 1 {
		t.Errorf("not rejoined: %+v", o)
	}
}

func TestReplicasInUseStay(t *testing.T) {
	m := New(Config{})
	o := apply(t, m, &wire.AcquireReplicas{WhoHas: wire.KeyAddresses{at(1, peerA)}})
	apply(t, m, &Gathered{Peer: peerA, Keys: o.Gather[0].Keys, Items: []Item{{Key: key(1), Data: 1}}})
	apply(t, m, task(5, 0), task(6, 0, at(1, peerA)))
	o = apply(t, m, &wire.RemoveReplicas{Keys: []wire.Key{key(1)}})
	sent[*wire.AddKeys](t, o)
	apply(t, m, &wire.FreeKeys{Keys: []wire.Key{key(6)}})
	o = apply(t, m, &wire.RemoveReplicas{Keys: []wire.Key{key(1)}})
	sent[*wire.ReleaseWorkerData](t, o)
	if state(m, 1) != Forgotten {
		t.Errorf("is %s", state(m, 1))
	}
}

func TestValueInMemoryIsReportedAgain(t *testing.T) {
	m := New(Config{})
	apply(t, m, task(1, 0), &Done{Key: key(1), Data: 1, Nbytes: 3})
	again := task(1, 0)
	again.RunID = 7
	if f := sent[*wire.TaskFinished](t, apply(t, m, again)); f.RunID != 7 || f.Nbytes != 3 {
		t.Errorf("report %+v", f)
	}
}

func TestResetKeepsValues(t *testing.T) {
	m := New(Config{NThreads: 1})
	apply(t, m, task(1, 0), &Done{Key: key(1), Data: 1}, task(2, 0), task(3, 0), task(4, 0, at(7, peerA)))
	o := apply(t, m, Reset{})
	if state(m, 1) != Memory || state(m, 2) != Cancelled || state(m, 3) != Forgotten || len(o.Cancel) != 1 {
		t.Errorf("%s %s %s %+v", state(m, 1), state(m, 2), state(m, 3), o)
	}
}

func TestUnknownEvent(t *testing.T) {
	if err := New(Config{}).Apply(3); err == nil {
		t.Error("no error")
	}
}

func BenchmarkTask(b *testing.B) {
	m := New(Config{NThreads: 2})
	b.ReportAllocs()
	msgs := make([]wire.ComputeTask, b.N)
	keys := make([]wire.Key, b.N)
	for i := range msgs {
		keys[i] = wire.Key(appendKey(i))
		msgs[i] = wire.ComputeTask{Key: keys[i], RunID: int64(i), Priority: wire.Priority{0, 0, float64(i)}}
	}
	done := &Done{Data: 1, Nbytes: 8, Type: "int"}
	free := &wire.FreeKeys{Keys: make([]wire.Key, 1)}
	b.ResetTimer()
	for i := range msgs {
		_ = m.Apply(&msgs[i])
		done.Key = keys[i]
		_ = m.Apply(done)
		if i >= 1000 {
			free.Keys[0] = keys[i-1000]
			_ = m.Apply(free)
		}
		m.Take()
	}
}

func appendKey(i int) []byte {
	return []byte{0xa5, 'k', byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)}
}

// TestSecedeAfterRejoin: each secede frees the slot, each grant takes one.
func TestSecedeAfterRejoin(t *testing.T) {
	m := New(Config{})
	apply(t, m, task(1, 0), &Secede{Key: key(1)})
	for range 3 {
		if o := apply(t, m, &Rejoin{Key: key(1)}); !slices.Equal(o.Rejoined, []wire.Key{key(1)}) {
			t.Fatalf("no slot: %+v", o)
		}
		if o := apply(t, m, &Rejoin{Key: key(1)}); !slices.Equal(o.Rejoined, []wire.Key{key(1)}) {
			t.Fatalf("asked again, no answer: %+v", o)
		}
		if n := m.Stats().Executing; n != 1 {
			t.Fatalf("%d slots taken by one task", n)
		}
		apply(t, m, &Secede{Key: key(1)})
		if n := m.Stats().Executing; n != 0 {
			t.Fatalf("%d slots taken after a secede", n)
		}
	}
	apply(t, m, task(2, 0), &Rejoin{Key: key(1)}, &Rejoin{Key: key(1)})
	if len(m.rejoining) != 1 {
		t.Fatalf("%d wait for a slot, there is one", len(m.rejoining))
	}
	apply(t, m, &Secede{Key: key(1)}) // gave up
	if o := apply(t, m, &Done{Key: key(2), Data: 2}); len(o.Rejoined) > 0 || m.Stats().Executing != 0 {
		t.Fatalf("a slot for a task that does not wait: %+v", o)
	}
}
